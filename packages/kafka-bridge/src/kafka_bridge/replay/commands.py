"""``kafka-bridge replay``."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from cyclopts import Parameter
from dns_events.durations import seconds
from dns_rules import Incident, load_inventory, load_rules
from dns_rules.errors import RulesError

from kafka_bridge.config import load_config
from kafka_bridge.errors import BridgeError, ConfigError
from kafka_bridge.store.locate import Json, conninfo
from kafka_bridge.store.pool import open_pool

from .compare import Comparison, compare
from .run import run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dns_events import Event

    from kafka_bridge.config import Config
    from kafka_bridge.store.pool import Pool

    Stretches = Iterator[tuple[dt.datetime, list[Event]]]

Zones = Annotated[tuple[str, ...], Parameter(name="--zone", negative="")]


def replay(
    *,
    config: Path,
    from_: Annotated[str, Parameter(name="--from")],
    to: str = "now",
    rules: Path | None = None,
    inventory: Path | None = None,
    zone: Zones = (),
    source: Literal["archive", "kafka"] = "archive",
    warm_up: str = "30m",
    into: Literal["shadow"] | None = None,
    as_json: Json = False,
) -> int:
    """Judge history again, with these or other rules, and compare with what was paged then. It never pages.

    Exit codes: 0 all the same, 1 failed, 3 there are differences.

    Args:
        config: bridge.yaml with the store, and the archive or the brokers.
        from_: RFC 3339 time, or a duration ago, for instance `7d`.
        to: RFC 3339 time, a duration ago, or `now`.
        rules: a folder of rules in place of the ones in bridge.yaml.
        inventory: in place of the one in bridge.yaml.
        zone: only these; repeat it for more.
        source: the archive's files, or the topic of normalized events as far back as it goes.
        warm_up: how much of what was before goes in for the rules' memory.
        into: keep the result in the store's table `shadow_incident`.
        as_json: one JSON object a line.
    """
    loaded = load_config(config)
    now = dt.datetime.now(dt.UTC)
    start, end = _time("--from", from_, now), _time("--to", to, now)
    if start >= end:
        msg = f"--from {from_} is not before --to {to}"
        raise BridgeError(msg)
    try:
        watched = load_inventory(inventory or loaded.inventory or "inventory.yaml")
        pack = load_rules(rules or loaded.rules)
    except RulesError as error:
        raise ConfigError(str(error)) from error
    zones = frozenset(zone) or None
    if zones is not None and (unknown := sorted(zones - {entry.zone for entry in watched.zones})):
        msg = f"the inventory has no zone {', '.join(unknown)}"
        raise BridgeError(msg)
    first = start - dt.timedelta(seconds=seconds(warm_up))
    found = run(
        _stretches(loaded, source, first, end, zones), watched, pack, start=start,
        progress=lambda reached, events: _progress(first, reached, end, events),
    )  # fmt: skip
    with open_pool(conninfo(config, Path()), size=2) as pool:
        result = compare(_paged(pool, start, end, zones), found)
        if into is not None:
            _keep(pool, result, found, start, end)
    for comparison in result:
        print(_json(comparison) if as_json else _line(comparison))
    counts = {verdict: sum(c.verdict == verdict for c in result) for verdict in _SIGN}
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()), file=sys.stderr)
    return 3 if len(result) > counts["same"] else 0


def _stretches(
    config: Config, source: str, start: dt.datetime, end: dt.datetime, zones: frozenset[str] | None
) -> Stretches:
    try:
        if source == "kafka":
            if config.kafka is None:
                msg = "--source kafka needs `kafka` in bridge.yaml"
                raise BridgeError(msg)
            from kafka_bridge.kafka import reading as topic  # noqa: PLC0415 - an extra

            return topic.stretches(config.kafka, start, end, zones)
        if config.archive is None:
            msg = "there is no `archive` in bridge.yaml; write `archive: {url: …}`, or use --source kafka"
            raise BridgeError(msg)
        from kafka_bridge.archive import reading  # noqa: PLC0415 - an extra
    except ImportError as error:
        msg = f"this needs more than is installed ({error}); pip install 'kafka-bridge[{source}]'"
        raise BridgeError(msg) from error
    return reading.stretches(config.archive, start, end, zones)


def _paged(pool: Pool, start: dt.datetime, end: dt.datetime, zones: frozenset[str] | None) -> list[Incident]:
    with pool.connection() as connection:
        rows = connection.execute(
            "select body from incident where since >= %(start)s and since < %(end)s and not drill "
            "and (%(zones)s::text[] is null or zone = any(%(zones)s)) and exists "
            "(select 1 from outbox where incident = incident.id and transition = 'firing')",
            {"start": start, "end": end, "zones": None if zones is None else sorted(zones)},
        ).fetchall()
    return [msgspec.convert(row[0], Incident) for row in rows]


def _keep(
    pool: Pool, result: Iterable[Comparison], found: Iterable[Incident], start: dt.datetime, end: dt.datetime
) -> None:
    with pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
        cursor.execute(
            'insert into shadow_run ("from", "to", comparison) values (%s, %s, %s) returning run',
            (start, end, msgspec.json.encode(list(result)).decode()),
        )
        (run_,) = cursor.fetchone() or (None,)
        cursor.executemany(
            "insert into shadow_incident (run, id, zone, rule, since, state, body) values (%s, %s, %s, %s, %s, %s, %s)",
            [(run_, i.id, i.zone, i.rule, i.since, i.state, msgspec.json.encode(i).decode()) for i in found],
        )
    print(f"kept as run {run_} in shadow_incident", file=sys.stderr)


_SIGN = {"same": "=", "earlier": "<", "later": ">", "new": "+", "gone": "-"}


def _line(c: Comparison) -> str:
    shift = "" if c.shift is None or c.verdict == "same" else f" ({abs(c.shift):.0f} s {c.verdict})"
    led = "" if c.rule_then is None else f" [{c.rule_then} then]"
    since = c.then or c.now
    return f"{_SIGN[c.verdict]} {since:%Y-%m-%d %H:%M:%S}Z {c.zone} {c.rule}{led}{shift}: {c.title}"


def _json(c: Comparison) -> str:
    made: dict[str, Any] = msgspec.to_builtins(c)
    return json.dumps({**made, "shift": c.shift}, default=str)


def _progress(first: dt.datetime, reached: dt.datetime, end: dt.datetime, events: int) -> None:
    share = (reached - first) / (end - first)
    ending = "\n" if reached >= end else "\r"
    if sys.stderr.isatty() or reached >= end:
        print(f"{share:4.0%}  {reached:%Y-%m-%d %H:%M}Z  {events} events", end=ending, file=sys.stderr, flush=True)


def _time(option: str, text: str, now: dt.datetime) -> dt.datetime:
    if text == "now":
        return now
    try:
        return now - dt.timedelta(seconds=seconds(text))
    except ValueError:
        pass
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"{option} {text!r} is neither a time (2026-11-24T10:00:00Z) nor a duration ago (7d)"
        raise BridgeError(msg) from error
    return (time if time.tzinfo is not None else time.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
