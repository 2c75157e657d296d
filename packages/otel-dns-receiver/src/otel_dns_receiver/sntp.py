"""How far this clock is from a time server's (SNTP, RFC 4330): one question, one answer, nothing is set."""

from __future__ import annotations

import asyncio
import os
import struct
import time

from .errors import ReceiverError
from .transports import udp

#: Seconds from 1900, where NTP begins, to 1970.
_EPOCH = 2_208_988_800
_PACKET = struct.Struct("!BBbb11I")
_CLIENT = 0x23  # version 4, mode 3
_SERVER_MODE = 4


async def skew(address: str, port: int, timeout: float) -> float:
    """Seconds by which this clock is ahead; half the way there and back is the error at most.

    Raises:
        ReceiverError: no usable answer.
    """
    cookie = os.urandom(8)  # in place of our time: nobody off the path can answer, and it tells nothing
    question = _PACKET.pack(_CLIENT, 0, 0, 0, *([0] * 9), *struct.unpack("!II", cookie))
    try:
        async with asyncio.timeout(timeout), udp.connected(address, port) as sock:
            sent = time.time()
            await sock.send(question)
            while True:
                answer = await sock.receive()
                came = time.time()
                if len(answer) >= _PACKET.size and answer[24:32] == cookie:
                    return read(answer, sent, came)
    except TimeoutError:
        raise ReceiverError(f"time server {address}: no answer within {timeout:g} s") from None
    except OSError as error:
        raise ReceiverError(f"time server {address}: {error.strerror}") from error


def read(answer: bytes, sent: float, came: float) -> float:
    """The clock's lead in an answer. Pure.

    Args:
        answer: 48 octets or more.
        sent: when the question left, seconds since 1970 by this clock.
        came: when the answer came.

    Raises:
        ReceiverError: the server is not synchronized, or its answer is none.
    """
    leap, stratum, mode = answer[0] >> 6, answer[1], answer[0] & 7
    if mode != _SERVER_MODE or leap == 3 or not 0 < stratum < 16:
        raise ReceiverError("time server: it is not synchronized itself")
    received, transmitted = (_seconds(answer, at) for at in (32, 40))
    if received < 0 or transmitted < received:
        raise ReceiverError("time server: its answer makes no sense")
    return ((sent - received) + (came - transmitted)) / 2


def _seconds(answer: bytes, at: int) -> float:
    whole, fraction = struct.unpack_from("!II", answer, at)
    return float(whole - _EPOCH + fraction / 2**32)
