"""From a request's bytes to the bus: the same steps whichever transport it came by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import claims
from .contract import UnavailableError
from .passage import digest_of
from .payload import count, parse
from .refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kafka_bridge.probes.settings import Entry

    from .contract import WayIn
    from .guard import Guard

#: What the identity may add to a request; the bus takes as much more than `otlp.max_bytes`.
_ROOM = 4096
_RETRY_AFTER = 5.0


class Reception:
    """Takes requests of known and, where nobody is known, of all senders.

    Args:
        way_in: where they go.
        most: largest request in bytes.
        guard: who may send, and how much.
    """

    def __init__(self, way_in: WayIn, most: int, guard: Guard) -> None:
        self._way_in = way_in
        self.most = most
        self.guard = guard

    def take(self, sender: Entry | None, body: bytes, unpack: Callable[[bytes, int], bytes], peer: str) -> None:
        """Return once the request is durable.

        Args:
            sender: who it is, as `Guard.who` says.
            body: as it came.
            unpack: undoes the transport's compression, within a bound.
            peer: where it came from.

        Raises:
            RefusedError: it is not; the reason says whether the client must keep it.
        """
        if sender is None:
            self._take_unproved(body, unpack, peer)
        else:
            self._take_proved(sender, body, unpack, peer)

    def _take_unproved(self, body: bytes, unpack: Callable[[bytes, int], bytes], peer: str) -> None:
        payload = unpack(body, self.most)
        request = parse(payload, self.most)
        events = count(request)
        self._append(claims.unproved(payload, request), peer)
        self.guard.counts.accepted(None, events, len(payload))

    def _take_proved(self, sender: Entry, body: bytes, unpack: Callable[[bytes, int], bytes], peer: str) -> None:
        guard = self.guard
        passage = guard.passage(sender)
        most = min(self.most, passage.limits.max_bytes or self.most)
        passage.octets(len(body), guard.clock())
        try:
            payload = unpack(body, most)
        except RefusedError:
            passage.unpacked(most)  # that is what it cost
            raise
        passage.unpacked(len(payload) - len(body))
        digest = digest_of(payload)
        if passage.knows(digest):
            # Most often a client that did not hear the acknowledgement: it is to hear it now.
            guard.refused(RefusedError("replayed", "the very same request was taken before"), sender, peer)
            return
        request = parse(payload, most)
        guard.check(request, sender)
        events = count(request)
        stamped = claims.stamp(payload, request, sender)
        if len(stamped) > self.most + _ROOM:
            msg = "with its identity on every resource: larger than max; send fewer resources at once"
            raise RefusedError("oversized", msg)
        passage.events(events, guard.clock())
        try:
            self._append(stamped, peer)
        except RefusedError:
            passage.not_taken(events)
            raise
        passage.remember(digest)
        guard.counts.accepted(sender.id, events, len(payload))

    def _append(self, payload: bytes, peer: str) -> None:
        try:
            self._way_in.append(payload, peer)
        except UnavailableError as error:
            raise RefusedError("unavailable", str(error), _RETRY_AFTER) from error
