"""`judge` as Flink's keyed function: a key is a shard of zones, with a state a zone and a timer a shard.

Flink asks Python for state and timers key by key, over gRPC. Zones that share a key share the asking: what changed of a
shard in a bundle is written at once, and one timer wakes all of its zones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from dns_events import DecodeError, ndjson
from pyflink.common import Row, Types
from pyflink.datastream import KeyedBroadcastProcessFunction, OutputTag
from pyflink.datastream.state import ListStateDescriptor, MapStateDescriptor

from dns_rules.state import ZoneState, decode, encode

from .broadcast import Listening
from .due import Dues
from .enriching import Enriching
from .held import Cache, Held
from .times import passed, timer
from .zones import heard, waited

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from dns_rules.inventory import Inventory
    from dns_rules.rules import Rules

    from .zones import Turn

#: What could not be read, why, and where it was.
LETTERS = OutputTag(
    "letters",
    Types.ROW_NAMED(
        ["value", "reason", "place"], [Types.PRIMITIVE_ARRAY(Types.BYTE()), Types.STRING(), Types.STRING()]
    ),
)


#: Judged events with what is known beside them. A tuple, for a row takes Python three times as long.
ENRICHED = OutputTag(
    "enriched", Types.TUPLE([Types.STRING(), Types.PRIMITIVE_ARRAY(Types.BYTE()), *[Types.STRING()] * 4])
)


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
    """Events of a shard in, findings as JSON out, and enriched events; what is no event is a dead letter.

    Args:
        cached: states that are kept decoded.
        events: the topic that events come from.
        control: the topic that says what is watched.
        enriches: events are passed on with what is known beside them.
    """

    def __init__(self, cached: int, events: str, control: str, *, enriches: bool = False) -> None:
        super().__init__()
        self._cached = cached
        self._events = events
        self._control = control
        self._enriches = enriches

    def open(self, runtime_context: Any) -> None:
        """Flink's states by name. Other names are other states: savepoints go by them."""
        super().open(runtime_context)
        self._cache: Cache[ZoneState] = Cache(self._cached)
        self._first = runtime_context.get_index_of_this_subtask() == 0
        self._letters = self._late = self._findings = 0
        # Gauges, because PyFlink loses what a counter is told in a timer.
        figures = runtime_context.get_metrics_group().add_group("dnstower")
        figures.gauge("deadletters", lambda: self._letters)
        figures.gauge("late", lambda: self._late)
        figures.gauge("findings", lambda: self._findings)
        self._shards: dict[str, Shard] = {}
        self._saved = runtime_context.get_map_state(
            MapStateDescriptor("zones", Types.STRING(), Types.PICKLED_BYTE_ARRAY())
        )
        known = MapStateDescriptor("known", Types.STRING(), Types.PICKLED_BYTE_ARRAY())
        self._enriching = Enriching(self._cached, runtime_context.get_map_state(known)) if self._enriches else None
        self._waiting = runtime_context.get_list_state(ListStateDescriptor("waiting", Types.PICKLED_BYTE_ARRAY()))

    def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
        """Take an event in; before the inventory is known it waits."""
        told = self.told(ctx)
        if told is None:
            self._waiting.add((value[0], value[1]))
            ctx.timer_service().register_event_time_timer(0)
            return
        key = ctx.get_current_key()
        shard = self._shards.get(key) or (yield from self._opened(key, *told))
        yield from self._heard(shard, value[0], value[1], *told)
        self._wake(shard, ctx)

    def refused(self, message: bytes, reason: str, place: str) -> Iterator[Any]:
        """A message of the control topic that is none. All slots have it, and one tells."""
        if self._first:
            yield self._letter(message, reason, f"{self._control}/{place}")

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        """Let time pass for the zones of a shard that wait for it."""
        told, until = self.told(ctx), passed(ctx.timer_service().current_watermark())
        if until is None:
            return
        if told is None:
            ctx.timer_service().register_event_time_timer(timer(until) + 1_000)
            return
        key = ctx.get_current_key()
        shard = self._shards.get(key) or (yield from self._opened(key, *told))
        if shard.timer is not None and shard.timer <= timestamp:
            shard.timer = None
        for zone in shard.dues.take(until):
            held = self._held(zone)
            if held is not None:
                yield from self._took(shard, zone, held, waited(held.state, until, *told))
                if self._enriching is not None:
                    self._enriching.passed(zone)
        self._wake(shard, ctx)

    def _heard(self, shard: Shard, value: bytes, place: str, inventory: Inventory, rules: Rules) -> Iterator[Any]:
        try:
            event = ndjson.decode(value)
        except DecodeError as error:
            yield self._letter(value, str(error), f"{self._events}/{place}")
            return
        held = self._held(event.zone)
        late = 0 if held is None else held.state.late
        turn = heard(None if held is None else held.state, event, inventory, rules)
        if turn.state is not None and turn.state.late > late:
            self._late += 1
        yield from self._took(shard, event.zone, held, turn)
        if self._enriching is not None:
            yield ENRICHED, self._enriching.enrich(event, value, turn.state, inventory)

    def _letter(self, value: bytes, reason: str, place: str) -> tuple[OutputTag, Row]:
        self._letters += 1
        return LETTERS, Row(value, reason, place)

    def _opened(self, key: str, inventory: Inventory, rules: Rules) -> Generator[Any, None, Shard]:
        """A shard from its state; what waited in it for the inventory comes before all else."""
        shard = self._shards[key] = Shard(Dues(self._saved.keys()))
        waiting = list(self._waiting.get() or ())
        for value, place in waiting:
            yield from self._heard(shard, value, place, inventory, rules)
        if waiting:
            self._waiting.clear()
        return shard

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
            self._findings += 1
            yield msgspec.json.encode(finding)

    @staticmethod
    def _wake(shard: Shard, ctx: Any) -> None:
        next_ = shard.dues.next
        if next_ is not None and (shard.timer is None or timer(next_) < shard.timer):
            shard.timer = timer(next_)
            ctx.timer_service().register_event_time_timer(shard.timer)
