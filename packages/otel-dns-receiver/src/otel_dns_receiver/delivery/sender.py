"""Takes blocks from the queue and sends them, for as long as it takes, in a thread of its own."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Protocol

from otel_dns_receiver.errors import ReceiverError

from .grpc import Grpc
from .http import Http

if TYPE_CHECKING:
    from collections.abc import Callable

    from .endpoint import Endpoint
    from .outcome import Said
    from .spool import Spool

log = logging.getLogger(__name__)

#: Octets of one request; a Collector takes 4 MiB over gRPC where it is not told otherwise.
_MOST_REQUEST = 2 << 20
#: Seconds for which the first block waits for company.
_GATHER = 0.2
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
#: An endpoint that asks for more patience is asked again after so many seconds all the same.
_MOST_WAIT = 300.0


class Client(Protocol):
    """What sends one request."""

    def send(self, request: bytes) -> Said:
        """Export one request and say what became of it."""

    def close(self) -> None:
        """Let go of the connection."""


class Sender:
    """Delivers one signal.

    Args:
        spool: what waits.
        endpoint: where it goes.
        wrap: makes a request of joined payloads.
    """

    def __init__(self, spool: Spool, endpoint: Endpoint, wrap: Callable[[bytes], bytes] = bytes) -> None:
        self._spool = spool
        self._endpoint = endpoint
        self._wrap = wrap
        self._stop = threading.Event()
        self._client: Client | None = None
        self._seen: tuple[float, ...] = ()
        self._most = _MOST_REQUEST
        self._said = ""
        self.sent = 0
        """Events that the endpoint took."""
        self.rejected: Counter[str] = Counter()
        """Events that it never takes: ``refused`` as a whole, ``partial`` of a request that it took."""
        self._thread = threading.Thread(target=self._run, name=f"otlp-{endpoint.signal}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, patience: float) -> None:
        """Deliver what waits, for so many seconds at most; the rest stays on disk."""
        deadline = time.monotonic() + patience
        while self._spool.events and not self._said and time.monotonic() < deadline:
            time.sleep(0.05)
        self._stop.set()
        with self._spool.changed:
            self._spool.changed.notify_all()
        self._thread.join(max(1.0, deadline - time.monotonic()))
        if self._client is not None:
            self._client.close()

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stop.is_set():
            blocks, place = self._spool.read(self._most, time.time())
            if place is None:
                with self._spool.changed:
                    self._spool.changed.wait(1.0)
                self._stop.wait(_GATHER)
                continue
            events = sum(block.events for block in blocks)
            said = self._send(self._wrap(b"".join(block.payload for block in blocks)))
            if said is None or said.verdict == "later":
                wait = said.wait if said is not None else None
                self._stop.wait(min(_MOST_WAIT, wait) if wait is not None else pause * random.uniform(0.7, 1.3))
                pause = min(_LONGEST_PAUSE, pause * 2)
                continue
            if said.verdict == "too_large" and len(blocks) > 1:
                self._most = max(1, sum(len(block.payload) for block in blocks) // 2)
                continue
            pause = _FIRST_PAUSE
            self._most = min(_MOST_REQUEST, self._most * 2)
            if said.verdict == "taken":
                self.sent += events - said.rejected
                self.rejected["partial"] += said.rejected
                if said.rejected:
                    log.warning("%s took all but %d events: %s", self._endpoint.signal, said.rejected, said.text)
            else:
                self.rejected["refused"] += events
                log.warning("%d events dropped, the endpoint refuses them: %s", events, said.text)
            self._spool.acknowledge(place)

    def _send(self, request: bytes) -> Said | None:
        try:
            self._renew()
            assert self._client is not None
            said = self._client.send(request)
        except (ReceiverError, OSError, ValueError) as error:
            self._say(str(error))
            return None
        self._say("" if said.verdict == "taken" else said.text)
        return said

    def _renew(self) -> None:
        """A new client when there is none, or when a certificate or the headers were rotated."""
        seen = tuple(_changed(path) for path in self._endpoint.watched)
        if self._client is not None and seen == self._seen:
            return
        fresh = (Grpc if self._endpoint.protocol == "grpc" else Http)(self._endpoint)
        if self._client is not None:
            log.info("certificates or headers changed: connecting to the %s endpoint anew", self._endpoint.signal)
            self._client.close()
        self._client, self._seen = fresh, seen

    def _say(self, text: str) -> None:
        """Log a trouble once until it changes, and its end."""
        if text != self._said:
            if text:
                log.warning(
                    "cannot deliver %s to %s: %s; they are kept", self._endpoint.signal, self._endpoint.url, text
                )
            else:
                log.info("delivering %s to %s", self._endpoint.signal, self._endpoint.url)
        self._said = text


def _changed(path: object) -> float:
    try:
        return path.stat().st_mtime_ns  # type: ignore[attr-defined, no-any-return]
    except OSError:
        return -1.0
