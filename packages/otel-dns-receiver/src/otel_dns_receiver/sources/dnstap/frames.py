"""Frame Streams, the framing under dnstap: bytes in, frames and replies out. No sockets.

Source: the fstrm library's specification ("Frame Streams protocol"), one- and two-way.
"""

from __future__ import annotations

import struct

CONTENT_TYPE = b"protobuf:dnstap.Dnstap"
_ACCEPT, _START, _STOP, _READY, _FINISH = 1, 2, 3, 4, 5
_FIELD_CONTENT_TYPE = 1
#: Control frames carry a few content types of up to 256 octets each.
_MOST_CONTROL = 4096
_U32 = struct.Struct("!I")


class FrameError(ValueError):
    """What a writer sent is no frame stream of dnstap; the connection cannot go on."""


class Decoder:
    """Takes one connection's bytes.

    Args:
        most: octets of a data frame; a longer one ends the connection.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._buffer = bytearray()
        self._started = False
        self._two_way = False
        self.finished = False
        """Whether the writer said that it has nothing more."""

    def feed(self, data: bytes) -> tuple[list[bytes], bytes]:
        """Take what came; the whole frames in it, and what to answer.

        Raises:
            FrameError: the connection must be closed.
        """
        buffer = self._buffer
        buffer += data
        frames: list[bytes] = []
        reply = b""
        at, end = 0, len(buffer)
        unpack = _U32.unpack_from
        while end - at >= 4 and not self.finished:
            (length,) = unpack(buffer, at)
            if length == 0:
                if end - at < 8:
                    break
                (length,) = unpack(buffer, at + 4)
                if not 4 <= length <= _MOST_CONTROL:
                    raise FrameError(f"a control frame of {length} octets")
                if end - at < 8 + length:
                    break
                reply += self._control(bytes(buffer[at + 8 : at + 8 + length]))
                at += 8 + length
                continue
            if not self._started:
                raise FrameError("data before START; is this a dnstap writer?")
            if length > self._most:
                raise FrameError(f"a frame of {length} octets; at most {self._most} are taken")
            if end - at < 4 + length:
                break
            frames.append(bytes(buffer[at + 4 : at + 4 + length]))
            at += 4 + length
        del buffer[:at]
        return frames, reply

    def _control(self, body: bytes) -> bytes:
        (kind,) = _U32.unpack_from(body)
        if kind == _READY and not self._started:
            _agreed(body, needed=True)
            self._two_way = True
            field = _U32.pack(_FIELD_CONTENT_TYPE) + _U32.pack(len(CONTENT_TYPE)) + CONTENT_TYPE
            return _framed(_U32.pack(_ACCEPT) + field)
        if kind == _START and not self._started:
            _agreed(body, needed=False)
            self._started = True
            return b""
        if kind == _STOP and self._started:
            self.finished = True
            return _framed(_U32.pack(_FINISH)) if self._two_way else b""
        raise FrameError(f"control frame {kind} out of turn")


def _framed(body: bytes) -> bytes:
    return _U32.pack(0) + _U32.pack(len(body)) + body


def _agreed(body: bytes, *, needed: bool) -> None:
    """Whether the writer speaks dnstap; a START may leave it out."""
    offered = []
    at = 4
    while at < len(body):
        if len(body) - at < 8:
            raise FrameError("a control frame that ends within a field")
        kind, length = struct.unpack_from("!II", body, at)
        if length > len(body) - at - 8:
            raise FrameError("a control frame that ends within a field")
        if kind == _FIELD_CONTENT_TYPE:
            offered.append(body[at + 8 : at + 8 + length])
        at += 8 + length
    if (offered or needed) and CONTENT_TYPE not in offered:
        shown = ", ".join(kind[:60].decode("ascii", "replace") for kind in offered) or "nothing"
        raise FrameError(f"the writer offers {shown}, not {CONTENT_TYPE.decode()}")
