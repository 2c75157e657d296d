"""`correlate` as Flink's keyed function: one key, one state, for all zones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from pyflink.common import Row, Types
from pyflink.datastream import KeyedBroadcastProcessFunction, OutputTag
from pyflink.datastream.state import ValueStateDescriptor

from dns_rules.engine import Correlation
from dns_rules.inventory import Inventory
from dns_rules.model import Finding
from dns_rules.rules import Rules

from .broadcast import Listening
from .held import Held
from .times import passed, timer

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A key and its JSON.
KEYED = Types.ROW_NAMED(["key", "value"], [Types.STRING(), Types.PRIMITIVE_ARRAY(Types.BYTE())])
#: Findings in the order of their times, once no zone has earlier ones to come.
FINDINGS = OutputTag("findings", KEYED)
_FINDING = msgspec.json.Decoder(Finding)
#: Findings wait where the function before this one was told earlier.
_UNTOLD = (Inventory(version=1, teams={}, zones=()), Rules(rules=()))


class Correlating(Listening, KeyedBroadcastProcessFunction):
    """Findings as JSON in, every change of incidents as JSON out, by id."""

    def open(self, runtime_context: Any) -> None:
        """Flink's state by name: savepoints go by it."""
        super().open(runtime_context)
        self._held: Held[Correlation] | None = None
        self._incidents = 0
        runtime_context.get_metrics_group().add_group("dnstower").gauge("incidents", lambda: self._incidents)
        self._saved = runtime_context.get_state(ValueStateDescriptor("incidents", Types.PICKLED_BYTE_ARRAY()))

    def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
        """A finding waits for its turn."""
        finding = _FINDING.decode(value)
        told = self.told(ctx) or _UNTOLD
        held = self._recalled(*told)
        held.state.step([finding], None)
        self._saved.update(held)
        self._wake(held, passed(ctx.timer_service().current_watermark()) or 0, told[1], ctx)
        yield from ()

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        """Take the turns that have come."""
        told = self.told(ctx)
        time = passed(ctx.timer_service().current_watermark())
        if time is None:
            return
        held = self._recalled(*(told or _UNTOLD))
        if held.timer is not None and held.timer <= timestamp:
            held.timer = None
        if told is None:
            self._wake(held, time, _UNTOLD[1], ctx)
            return
        correlation = held.state
        correlation.inventory, correlation.rules = told
        self._known(None).deeds.tell(correlation)
        step, _ = told[1].pace
        until = time // step * step
        for finding in correlation.due(until):
            yield FINDINGS, Row(finding.zone, msgspec.json.encode(finding))
        for incident in correlation.step((), until):
            self._incidents += 1
            yield Row(incident.id, msgspec.json.encode(incident))
        self._saved.update(held)
        self._wake(held, time, told[1], ctx)

    def _recalled(self, inventory: Inventory, rules: Rules) -> Held[Correlation]:
        if self._held is None:
            saved = self._saved.value()
            correlation = Correlation(inventory, rules)
            if saved is not None:
                correlation.load(saved)
            self._held = Held(correlation, Correlation.dump)
        return self._held

    @staticmethod
    def _wake(held: Held[Correlation], time: int, rules: Rules, ctx: Any) -> None:
        """Be asked again at the next step: incidents fire and end with time alone."""
        step, _ = rules.pace
        next_ = timer(time // step * step + step)
        if held.timer is None or next_ < held.timer:
            held.timer = next_
            ctx.timer_service().register_event_time_timer(next_)
