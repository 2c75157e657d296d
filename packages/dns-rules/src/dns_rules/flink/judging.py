"""`judge` as Flink's keyed function: a key is a shard of zones, with a state a zone and a timer a shard.

Flink asks Python for state and timers key by key, over gRPC. Zones that share a key share the asking: what changed of a
shard in a bundle is written at once, and one timer wakes all of its zones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from dns_events import ndjson
from pyflink.common import Types
from pyflink.datastream import KeyedBroadcastProcessFunction
from pyflink.datastream.state import ListStateDescriptor, MapStateDescriptor

from dns_rules.state import ZoneState, decode, encode

from .broadcast import Listening
from .due import Dues
from .held import Cache, Held
from .times import passed, timer
from .zones import heard, waited

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dns_events import Event

    from dns_rules.inventory import Inventory
    from dns_rules.rules import Rules

    from .zones import Turn


class Shard:
    """What is known of a key between two calls.

    Args:
        dues: when its zones are to be woken.
    """

    __slots__ = ("dues", "timer")

    def __init__(self, dues: Dues) -> None:
        self.dues = dues
        self.timer: int | None = None
        """The earliest that is set, in milliseconds since 1970; unknown after a restart."""


class Judging(Listening, KeyedBroadcastProcessFunction):
    """Events of a shard in, findings as JSON out.

    Args:
        cached: states that are kept decoded.
    """

    def __init__(self, cached: int) -> None:
        super().__init__()
        self._cached = cached

    def open(self, runtime_context: Any) -> None:
        """Flink's states by name. Other names are other states: savepoints go by them."""
        super().open(runtime_context)
        self._cache: Cache[ZoneState] = Cache(self._cached)
        self._shards: dict[str, Shard] = {}
        self._saved = runtime_context.get_map_state(
            MapStateDescriptor("zones", Types.STRING(), Types.PICKLED_BYTE_ARRAY())
        )
        self._waiting = runtime_context.get_list_state(ListStateDescriptor("waiting", Types.PICKLED_BYTE_ARRAY()))

    def process_element(self, value: Any, ctx: Any) -> Iterator[bytes]:
        """Take an event in; before the inventory is known it waits."""
        told = self.told(ctx)
        if told is None:
            self._waiting.add(value)
            ctx.timer_service().register_event_time_timer(0)
            return
        shard = self._shard(ctx.get_current_key())
        yield from self._heard(shard, ndjson.decode(value), *told)
        self._wake(shard, ctx)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[bytes]:
        """Let time pass for the zones of a shard that wait for it."""
        told, until = self.told(ctx), passed(ctx.timer_service().current_watermark())
        if until is None:
            return
        if told is None:
            ctx.timer_service().register_event_time_timer(timer(until) + 1_000)
            return
        shard = self._shard(ctx.get_current_key())
        if shard.timer is not None and shard.timer <= timestamp:
            shard.timer = None
        waiting = list(self._waiting.get() or ())
        for value in waiting:
            yield from self._heard(shard, ndjson.decode(value), *told)
        if waiting:
            self._waiting.clear()
        for zone in shard.dues.take(until):
            held = self._held(zone)
            if held is not None:
                yield from self._took(shard, zone, held, waited(held.state, until, *told))
        self._wake(shard, ctx)

    def _heard(self, shard: Shard, event: Event, inventory: Inventory, rules: Rules) -> Iterator[bytes]:
        held = self._held(event.zone)
        turn = heard(None if held is None else held.state, event, inventory, rules)
        yield from self._took(shard, event.zone, held, turn)

    def _shard(self, key: str) -> Shard:
        found = self._shards.get(key)
        if found is None:
            found = self._shards[key] = Shard(Dues(self._saved.keys()))
        return found

    def _held(self, zone: str) -> Held[ZoneState] | None:
        held = self._cache.get(zone)
        if held is None and (saved := self._saved.get(zone)) is not None:
            # What was not written yet comes back as it was put in.
            held = saved if isinstance(saved, Held) else Held(decode(saved, ZoneState), encode)
            self._cache.put(zone, held)
        return held

    def _took(self, shard: Shard, zone: str, held: Held[ZoneState] | None, turn: Turn) -> Iterator[bytes]:
        if turn.state is not None:
            if held is None:
                held = Held(turn.state, encode)
                self._cache.put(zone, held)
            held.state = turn.state
            self._saved.put(zone, held)
            if turn.due is not None:
                shard.dues.ask(zone, turn.due)
        elif held is not None:
            self._saved.remove(zone)
            self._cache.drop(zone)
        for finding in turn.findings:
            yield msgspec.json.encode(finding)

    @staticmethod
    def _wake(shard: Shard, ctx: Any) -> None:
        next_ = shard.dues.next
        if next_ is not None and (shard.timer is None or timer(next_) < shard.timer):
            shard.timer = timer(next_)
            ctx.timer_service().register_event_time_timer(shard.timer)
