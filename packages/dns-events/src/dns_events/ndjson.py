"""Events as JSON, one a line: the reference form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from .errors import DecodeError
from .events import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: No event needs more; a longer line is refused before it is parsed.
MAX_LINE_BYTES = 1 << 20

_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(event: Event) -> bytes:
    """The event as one line of UTF-8 JSON, without the newline."""
    return _ENCODER.encode(event)


def decode(line: bytes | str) -> Event:
    """Read one event. Unknown fields are passed over, so that newer writers can be read.

    Raises:
        DecodeError: not JSON, not an event, an invalid event, or over `MAX_LINE_BYTES`.
    """
    if len(line) > MAX_LINE_BYTES:
        msg = f"an event of {len(line)} bytes; at most {MAX_LINE_BYTES} are read"
        raise DecodeError(msg)
    try:
        return _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(str(error)) from error


def decode_lines(lines: Iterable[bytes | str], *, where: str = "line") -> Iterator[Event]:
    """Read events from NDJSON; blank lines are passed over.

    Raises:
        DecodeError: names the first bad line as ``<where>:<number>``, counted from 1.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield decode(line)
        except DecodeError as error:
            msg = f"{where}:{number}: {error}"
            raise DecodeError(msg) from error
