"""What is remembered of one probe: how much it has sent lately, and which requests."""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .bucket import Bucket
from .refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kafka_bridge.probes.roster import Limits

#: Requests that are known again: 64 KiB a probe.
_REMEMBERED = 4096
_DIGEST = 16
#: A Collector's exporter sends 10 at once, unless told otherwise.
_AT_ONCE = 12


class Passage:
    """The limits and the memory of one probe.

    Args:
        limits: of this probe.
        now: seconds of a monotonic clock.
    """

    def __init__(self, limits: Limits, now: float) -> None:
        self._lock = threading.Lock()
        self._digests = bytearray()
        self._next = 0
        self._at_once = 0
        self.limit(limits, now)

    def limit(self, limits: Limits, now: float) -> None:
        """Go by other limits from now on; what was remembered stays."""
        with self._lock:
            self.limits = limits
            self._events = Bucket(limits.rate, limits.burst, now)
            self._octets = Bucket(limits.rate_bytes, limits.burst, now)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """While one request is read and stored; a probe that sends slowly must not hold all threads.

        Raises:
            RefusedError: `rate`: there are too many at once.
        """
        with self._lock:
            if self._at_once >= _AT_ONCE:
                msg = f"{_AT_ONCE} requests of this probe are in work already; send fewer at once"
                raise RefusedError("rate", msg, 1.0)
            self._at_once += 1
        try:
            yield
        finally:
            with self._lock:
                self._at_once -= 1

    def octets(self, amount: int, now: float) -> None:
        """Let a request in by its size.

        Raises:
            RefusedError: `rate`, with the time to wait.
        """
        with self._lock:
            wait = self._octets.take(amount, now)
        if wait:
            msg = f"over {self.limits.rate_bytes:g} bytes a second; come back in {wait:.1f} s"
            raise RefusedError("rate", msg, wait)

    def unpacked(self, amount: int) -> None:
        """Count what a request was more than it seemed."""
        with self._lock:
            self._octets.owe(amount)

    def events(self, amount: int, now: float) -> None:
        """Let a request in by its events.

        Raises:
            RefusedError: `rate`, with the time to wait.
        """
        with self._lock:
            wait = self._events.take(amount, now)
        if wait:
            msg = f"over {self.limits.rate:g} events a second; come back in {wait:.1f} s"
            raise RefusedError("rate", msg, wait)

    def not_taken(self, amount: int) -> None:
        """Give events back that will be sent again."""
        with self._lock:
            self._events.owe(-amount)

    def knows(self, digest: bytes) -> bool:
        """Whether this very request was taken before."""
        with self._lock:
            # Octets across two digests match one with a probability of 2^-112.
            return digest in self._digests

    def remember(self, digest: bytes) -> None:
        """The request is durable; forget the oldest one for it."""
        with self._lock:
            self._digests[self._next : self._next + _DIGEST] = digest
            self._next = (self._next + _DIGEST) % (_REMEMBERED * _DIGEST)


def digest_of(payload: bytes) -> bytes:
    """By which a request is known again."""
    return hashlib.blake2b(payload, digest_size=_DIGEST).digest()
