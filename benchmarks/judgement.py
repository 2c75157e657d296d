"""The judgement alone: events a second, whether it stays flat, a month replayed, and what a team would pick instead."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from dns_events import ndjson
from dns_rules import Engine, Inventory, Rules, Team, Zone, load_rules
from dns_rules.generate import EPOCH, Span, events
from dns_rules.programs import collect_seldom
from dns_rules.replay import replay
from kafka_bridge.postgres.server import Server
from msgspec import structs

from .figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dns_events import Event

#: Of the month: the zones, the days, and how often each of three regions asks.
ZONES, DAYS, PACE = 100, 30, "10m"
_SOME, _MANY = 10, 10_000
_EVENTS, _BATCH = 200_000, 200
_ENGINES = 20
#: Events of a zone, ten seconds apart, that fill the windows of all rules.
_WINDOW = 60


def estate(zones: int) -> Inventory:
    """Zones of one team."""
    listed = tuple(Zone(zone=f"zone{n}.example", owner="web", criticality="critical") for n in range(zones))
    return Inventory(version=1, teams={"web": Team(name="Web")}, zones=listed)


def recording(zones: int = 20, minutes: float = 4) -> tuple[Inventory, list[Event]]:
    """A few minutes of many zones, up to now."""
    inventory = estate(zones)
    start = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minutes)
    spans = (
        Span(to=f"{minutes}m", every="5s", dnssec="secure"),
        Span(to=f"{minutes}m", every="5s", role="recursive", servers=("192.0.2.53",)),
    )
    listed = [event for zone in inventory.zones for event in events(zone.zone, spans, start)]
    return inventory, sorted(listed, key=lambda e: (e.time, e.id))


def figures() -> Iterator[Figure]:
    """All of them."""
    collect_seldom()
    inventory, listed = recording()
    lines = [ndjson.encode(event) for event in listed]
    began = time.perf_counter()
    for line in lines:
        ndjson.decode(line)
    read = len(lines) / (time.perf_counter() - began)
    pace = _pace(inventory, listed, load_rules())
    yield Figure("judge, events/s", pace, "reading them from NDJSON", read)
    yield Figure("the same", pace, "the limit", 30_000)
    few, many = (_spread(zones) for zones in (_SOME, _MANY))
    yield Figure(f"judge with {_MANY:,} zones, events/s", many, f"with {_SOME}", few)
    ten, hundred = (_pace(inventory, listed, _padded(number)) for number in (10, 100))
    yield Figure("judge with 100 rules, 90 of which do not concern it, events/s", hundred, "with 10", ten)
    yield from _month()


def _pace(inventory: Inventory, listed: list[Event], rules: Rules) -> float:
    """Events a second, of some engines after each other: one takes a sixth of a second, which may be a bad one."""
    began = time.perf_counter()
    for _ in range(_ENGINES):
        engine = Engine(inventory, rules)
        for batch in _batches(listed):
            engine.step(batch)
    return _ENGINES * len(listed) / (time.perf_counter() - began)


def _spread(zones: int) -> float:
    """Events a second of few or many zones, each zone's ten seconds apart, once its windows are full.

    A batch has no two events of one zone, so that few zones do not gain by the number of events that each has in it.
    """
    inventory = estate(zones)
    engine = Engine(inventory, load_rules())
    size = min(zones, _BATCH)
    batches = _batches(_in_turn(inventory), size)
    for batch in islice(batches, zones * _WINDOW // size):
        engine.step(batch)
    took = 0.0
    for batch in islice(batches, _EVENTS // size):
        began = time.perf_counter()
        engine.step(batch)
        took += time.perf_counter() - began
    return _EVENTS / took


def _in_turn(inventory: Inventory) -> Iterator[Event]:
    """An event of each zone every ten seconds, without end; none of them is held, as in a stream."""
    span = Span(to="10s", regions=("eu-west",), servers=("192.0.2.1",))
    for turn in count():
        for zone in inventory.zones:
            yield from events(zone.zone, (span,), EPOCH + turn * dt.timedelta(seconds=10), number=turn)


def _batches(stream: Iterable[Event], size: int = _BATCH) -> Iterator[list[Event]]:
    rest = iter(stream)
    while batch := list(islice(rest, size)):
        yield batch


def _padded(number: int) -> Rules:
    """Ten rules that look at observations, filled up with rules on query logs, which there are none of."""
    pack = load_rules()
    seen = [rule for rule in pack.rules if rule.on == "observation"][:10]
    model = pack.named("nxdomain-spike")
    more = [structs.replace(model, id=f"nxdomain-spike-{n}") for n in range(number - len(seen))]
    return structs.replace(pack, rules=(*seen, *more))


def _month() -> Iterator[Figure]:
    inventory = estate(ZONES)
    span = Span(to=f"{DAYS}d", every=PACE, servers=("192.0.2.1",), ttl=300)
    outage = Span(from_="10d", to="10.02d", every="30s", servers=("192.0.2.1",), outcome="timeout")
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "month.ndjson"
        number = _write(inventory, span, outage, file)
        began = time.perf_counter()
        incidents = replay(file, inventory, load_rules())
        took = time.perf_counter() - began
        assert {incident.rule for incident in incidents} == {"zone-outage"}, incidents
        yield Figure(f"a month of {ZONES} zones replayed ({number:,} events), s", took, "the limit", 60)
        yield Figure("the same", took, "as two SQL queries over the loaded table, outages and changes", _sql(file))
        if shutil.which("promtool"):
            yield Figure(
                "a day of it, s", took / DAYS, "promtool, two rules over the same series", _promtool(inventory)
            )


def _write(inventory: Inventory, span: Span, outage: Span, file: Path) -> int:
    """The month as NDJSON in the order of time, a zone after the other where they are equal."""
    listed = [
        (event.time, ndjson.encode(event))
        for n, zone in enumerate(inventory.zones)
        for event in events(zone.zone, (span, outage) if n == 0 else (span,), EPOCH + dt.timedelta(seconds=5 * n))
    ]
    listed.sort(key=lambda entry: entry[0])
    with file.open("wb") as out:
        out.writelines(line + b"\n" for _, line in listed)
    return len(listed)


def _sql(file: Path) -> float:
    """What a team would write over a table of answers: five minutes of failures, and answers that change."""
    with tempfile.TemporaryDirectory() as place, Server(Path(place) / "pg") as server:
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            connection.execute(
                "create table answer (time timestamptz, zone text, name text, region text, outcome text, data text)"
            )
            began = time.perf_counter()
            with connection.cursor().copy("copy answer from stdin") as copy, file.open("rb") as lines:
                for line in lines:
                    e = json.loads(line)
                    data = ",".join(sorted(record["data"] for record in e["answers"]))
                    copy.write_row((e["time"], e["zone"], e["name"], e["probe"]["region"], e["outcome"], data))
            found = connection.execute(
                "select zone, minute from (select zone, minute, sum(failed) over five as failed, sum(total) over five "
                "as total from (select zone, date_trunc('minute', time) as minute, count(*) as total, count(*) filter "
                "(where outcome in ('timeout', 'servfail', 'refused')) as failed from answer group by 1, 2) as minutes "
                "window five as (partition by zone order by minute range interval '4 minutes' preceding)) as windows "
                "where total >= 6 and failed >= 0.9 * total"
            ).fetchall()
            connection.execute(
                "select * from (select zone, name, time, data, lag(data) over (partition by zone, name, region order "
                "by time) as before from answer where outcome = 'answer') as changes where data <> before"
            ).fetchall()
            took = time.perf_counter() - began
        assert {zone for zone, _ in found} == {"zone0.example"}
    return took


def _promtool(inventory: Inventory) -> float:
    """`promtool test rules` over a day of counters: what failed and what was asked, by zone and region."""
    labels = [f'zone="{zone.zone}",region="{region}"' for zone in inventory.zones for region in Span(to="1s").regions]
    ratio = "sum by (zone) (increase(dns_lookups_failed_total[30m])) / sum by (zone) (increase(dns_lookups_total[30m]))"
    rules = [
        {"alert": "ZoneOutage", "expr": f"{ratio} > 0.9", "for": "5m"},
        {"alert": "ZoneFailing", "expr": f"{ratio} > 0.3", "for": "15m"},
    ]
    case = {
        "interval": "10m",
        "input_series": [
            {"series": f"{name}{{{label}}}", "values": values}
            for label in labels
            for name, values in (("dns_lookups_total", "0+1x144"), ("dns_lookups_failed_total", "0+0x144"))
        ],
        "alert_rule_test": [{"eval_time": "24h", "alertname": "ZoneOutage", "exp_alerts": []}],
    }
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "rules.yaml").write_text(json.dumps({"groups": [{"name": "dns", "interval": "15s", "rules": rules}]}))
        (folder / "test.yaml").write_text(
            json.dumps({"rule_files": ["rules.yaml"], "evaluation_interval": "15s", "tests": [case]})
        )
        began = time.perf_counter()
        done = subprocess.run(
            ["promtool", "test", "rules", "test.yaml"], cwd=folder, capture_output=True, text=True, check=False
        )
        took = time.perf_counter() - began
    if done.returncode:
        print(done.stdout, done.stderr, file=sys.stderr)
        msg = "promtool did not pass"
        raise RuntimeError(msg)
    return took
