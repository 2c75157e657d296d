"""Every metric, as the programs make it on a meter that only listens; and the attributes' names."""

from __future__ import annotations

from typing import Any, NamedTuple

from dns_events import semconv
from kafka_bridge.health import telemetry as bridge
from kafka_bridge.health.measures import Measures
from opentelemetry.metrics import Meter, NoOpMeter, NoOpMeterProvider
from otel_dns_receiver.telemetry import Telemetry

_KINDS = {
    "create_counter": "counter", "create_observable_counter": "counter", "create_histogram": "histogram",
    "create_gauge": "gauge", "create_observable_gauge": "gauge", "create_up_down_counter": "up-down counter",
    "create_observable_up_down_counter": "up-down counter",
}  # fmt: skip

_ABOUT = """Made from what the programs register. Prometheus shows a dot as `_`, adds the unit, and `_total` to
counters: `dnstower.dns.observations` is `dnstower_dns_observations_total`."""


class _Made(NamedTuple):
    name: str
    kind: str
    unit: str
    text: str


class _Listening(NoOpMeter):
    """Remembers what is made on it."""

    def __init__(self, made: list[_Made]) -> None:
        super().__init__("docs")
        self.made = made

    def __getattribute__(self, name: str) -> Any:
        if name not in _KINDS:
            return super().__getattribute__(name)
        observed = "observable" in name
        make = super().__getattribute__(name)

        def create(metric: str, *arguments: Any, **keys: Any) -> Any:
            rest = list(arguments[1:] if observed else arguments)
            unit = keys.get("unit", rest[0] if rest else "")
            text = keys.get("description", rest[1] if len(rest) > 1 else "")
            self.made.append(_Made(metric, _KINDS[name], unit, text))
            return make(metric, *arguments, **keys)

        return create


class _Provider(NoOpMeterProvider):
    def __init__(self) -> None:
        self.made: list[_Made] = []

    def get_meter(self, *_arguments: Any, **_keys: Any) -> Meter:
        return _Listening(self.made)


def metrics() -> str:
    """One page: metrics by program, then attributes."""
    receiver, own = _Provider(), _Provider()
    Telemetry(receiver)
    bridge.observe(
        Measures(own).meter, None, partitions=lambda: 0, leading=lambda: False, counts=lambda: None  # type: ignore[arg-type]  # read by nobody
    )  # fmt: skip
    out = ["# Metrics and attributes", "", _ABOUT, ""]
    for title, made in (("otel-dns-receiver", receiver.made), ("kafka-bridge", own.made)):
        out += [f"## {title}", "", "| metric | kind | unit | |", "|---|---|---|---|"]
        out += [f"| `{m.name}` | {m.kind} | {m.unit} | {m.text} |" for m in sorted(made)]
        out += [""]
    named = {m.name for m in (*receiver.made, *own.made)}
    attributes = sorted(
        value
        for key, value in vars(semconv).items()
        if key.isupper() and isinstance(value, str) and "." in value and not value.endswith(".") and value not in named
    )
    out += ["## Attributes", "", "Of metrics, log records and spans; a field without one of its own is "]
    out[-1] += f"`{semconv.FIELD_PREFIX}<field>`."
    out += ["", *(f"- `{name}`" for name in attributes), ""]
    return "\n".join(out)
