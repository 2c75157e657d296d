"""`judge` as Flink's keyed function: one state a zone, timers for time that passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from pyflink.common import Types
from pyflink.datastream import KeyedBroadcastProcessFunction
from pyflink.datastream.state import ListStateDescriptor, ValueStateDescriptor

from dns_rules.state import ZoneState, decode, encode

from .broadcast import Listening
from .held import Cache, Held
from .times import passed, timer
from .zones import heard, waited

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .zones import Turn


class Judging(Listening, KeyedBroadcastProcessFunction):
    """Events of a zone in, its findings as JSON out.

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
        self._saved = runtime_context.get_state(ValueStateDescriptor("zone", Types.PICKLED_BYTE_ARRAY()))
        self._waiting = runtime_context.get_list_state(ListStateDescriptor("waiting", Types.PICKLED_BYTE_ARRAY()))

    def process_element(self, value: Any, ctx: Any) -> Iterator[bytes]:
        """Take an event in; before the inventory is known it waits."""
        zone, told = ctx.get_current_key(), self.told(ctx)
        if told is None:
            self._waiting.add(value)
            ctx.timer_service().register_event_time_timer(0)
            return
        held = self._held(zone)
        turn = heard(None if held is None else held.state, value, *told)
        yield from self._took(zone, held, turn, ctx)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[bytes]:
        """Let time pass for a zone."""
        zone, told = ctx.get_current_key(), self.told(ctx)
        until = passed(ctx.timer_service().current_watermark())
        if until is None:
            return
        if told is None:
            ctx.timer_service().register_event_time_timer(timer(until) + 1_000)
            return
        held = self._held(zone)
        for event in list(self._waiting.get() or ()):
            yield from self._took(zone, held, heard(None if held is None else held.state, event, *told), ctx)
            held = self._held(zone)
        self._waiting.clear()
        if held is None:
            return
        if held.timer is not None and held.timer <= timestamp:
            held.timer = None
        yield from self._took(zone, held, waited(held.state, until, *told), ctx)

    def _held(self, zone: str) -> Held[ZoneState] | None:
        held = self._cache.get(zone)
        if held is None and (saved := self._saved.value()) is not None:
            # What was not written yet comes back as it was put in.
            held = saved if isinstance(saved, Held) else Held(decode(saved, ZoneState), encode)
            self._cache.put(zone, held)
        return held

    def _took(self, zone: str, held: Held[ZoneState] | None, turn: Turn, ctx: Any) -> Iterator[bytes]:
        if turn.state is not None:
            if held is None:
                held = Held(turn.state, encode)
                self._cache.put(zone, held)
            held.state = turn.state
            self._saved.update(held)
            if turn.due is not None and (held.timer is None or timer(turn.due) < held.timer):
                held.timer = timer(turn.due)
                ctx.timer_service().register_event_time_timer(held.timer)
        elif held is not None:
            self._saved.clear()
            self._cache.drop(zone)
        for finding in turn.findings:
            yield msgspec.json.encode(finding)
