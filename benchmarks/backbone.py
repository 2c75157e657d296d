"""The backbone on a real broker and a real PostgreSQL: raw topic → judged, stored, paged; and what dashboards read."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
from confluent_kafka import Consumer
from dns_events import Observation
from dns_events.otlp_reading import BulkDecoder
from dns_rules import Engine, Inventory, Zone, load_rules
from dns_rules.generate import Span, events
from kafka_bridge.postgres.server import Server
from kafka_bridge.store.rollup import reopen
from msgspec import structs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tests.stack.backlog import SIZE, Backlog, sent
from tests.stack.bridges import INVENTORY, ZONES, Stack, requests, servers_of
from tests.stack.kafka.broker import Broker
from tests.stack.ways import Recorded

from .database import database
from .figure import Figure
from .share import apart, held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dns_events import Event

    from tests.stack.bridges import Bridge

#: Zones that are watched for `delay`, and seconds from the first event to the last fault's.
WATCHED, FAULTS = 200, 40
#: Zones and days of the dashboards' store, and the questions a minute that each zone is asked.
ESTATE_ZONES, DAYS, REGIONS = 1000, 90, 3


def recording(count: int, *, failing: int = 0) -> list[Event]:
    """About so many events up to now, of eight zones that are asked four questions at three servers.

    Args:
        count: of events.
        failing: so many zones do not answer in the last quarter.
    """
    names = len(ZONES) * 4 * 9
    seconds = max(60, 5 * count // names)
    start = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds + 20)
    found: list[Event] = []
    for number, zone in enumerate(ZONES):
        well = seconds * 3 // 4 if number < failing else seconds
        asked = tuple(f"{label}.{zone}" for label in ("www", "api", "mail", "login"))
        servers = servers_of(zone)
        spans = (
            Span(to=f"{well}s", every="5s", names=asked, servers=servers, dnssec="secure"),
            Span(to=f"{seconds}s", every="5s", names=asked, role="recursive", servers=("192.0.2.53",)),
            Span(from_=f"{well}s", to=f"{seconds}s", every="5s", names=asked, servers=servers, outcome="timeout"),
        )
        found += events(zone, spans, start)
    found.sort(key=lambda event: event.time)
    return found[:count]


def figures(count: int = 300_000) -> Iterator[Figure]:
    """One worker, two workers, and the plain way, over the same events; then how long an incident takes under load."""
    listed = recording(count)
    payloads = sent(listed)
    with servers() as (folder, broker, postgres):
        one = _drain(folder / "one", broker, postgres, payloads, len(listed), workers=1)
        slow = [_drain(folder / f"{n}", broker, postgres, payloads, len(listed), workers=n, share=0.4) for n in (1, 2)]
        plain = _plain(broker, postgres, len(listed))
        agent = _telegraf(folder, broker, postgres, len(listed)) if shutil.which("telegraf") else None
    yield Figure("raw topic to incidents and store, one worker, events/s", one, "the limit", 10_000)
    yield Figure("the same, beside plain rows", one, "consumer and executemany, no judgement", plain)
    if agent is not None:
        yield Figure("the same, beside rows by an agent", one, "Telegraf, Kafka to PostgreSQL, no judgement", agent)
    yield Figure("two workers that have 0.4 of a core each, events/s", slow[1], "one such worker", slow[0])
    yield from delay(one / 2)


def burst(count: int = 1_000_000) -> Iterator[Figure]:
    """So many events that were sent while nobody read: one worker makes incidents of them, and loses none."""
    listed = recording(count, failing=len(ZONES) // 2)
    payloads = sent(listed)
    count = len(listed)
    del listed
    with servers() as (folder, broker, postgres):
        rate = _drain(folder / "burst", broker, postgres, payloads, count, workers=1, failing=len(ZONES) // 2)
    yield Figure(f"a burst of {count:,}, one worker, events/s", rate, "the limit", 10_000)
    yield Figure(f"a burst of {count:,}, from the first to the last, s", count / rate, "at the limit", count / 10_000)


class Estate(Stack):
    """A stack that watches many zones."""

    zones = tuple(f"zone-{number}.example" for number in range(WATCHED))

    def __init__(self, folder: Path, broker: Broker, postgres: Server, name: str, **options: Any) -> None:
        super().__init__(folder, broker, postgres, name, **options)
        zones = [{"zone": zone, "owner": "web", "criticality": "critical"} for zone in self.zones]
        file = folder / "inventory.yaml"
        file.write_text(json.dumps({**json.loads(file.read_text()), "zones": zones}))

    @classmethod
    def inventory(cls) -> Inventory:
        zones = tuple(Zone(zone=zone, owner="web", criticality="critical") for zone in cls.zones)
        return structs.replace(INVENTORY, zones=zones)

    @classmethod
    def events(cls, rate: float, start: dt.datetime) -> list[Event]:
        """So many a second; every second zone begins to fail, one after the other, until all are paged for."""
        every, end = f"{len(cls.zones) * 9 / rate:.4f}s", f"{FAULTS + 100}s"
        found: list[Event] = []
        for number, zone in enumerate(cls.zones):
            servers = (f"10.53.{number}.1", f"10.53.{number}.2")  # of its own: those who share theirs are one incident
            well = f"{10 + (FAULTS - 10) * number / len(cls.zones):.3f}s" if number % 2 else end
            spans = (
                Span(to=well, every=every, servers=servers),
                Span(to=end, every=every, role="recursive", servers=("192.0.2.53",)),
                Span(from_=well, to=end, every=every, servers=servers, outcome="timeout"),
            )
            found += events(zone, spans, start)
        return sorted(found, key=lambda event: event.time)


def delay(rate: float) -> Iterator[Figure]:
    """From the moment at which the rules have an incident fire until it does, with so many events a second.

    That moment is found by judging the same events with a clock that is never late: it holds what is meant (the rule's
    window, 10 s for late events, the hold of the incident), and what comes on top is ours.
    """
    with servers() as (folder, broker, postgres):
        # Made before, so that only sending is measured: they are of the minutes to come.
        start = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60 + rate * (FAULTS + 100) / 4_000)
        listed = Estate.events(rate, start)
        batches = _by_moment(listed, dt.timedelta(seconds=0.1))
        due, meant = _due(listed)
        count = len(listed)
        del listed
        (folder / "delay").mkdir()
        stack = Estate(folder / "delay", broker, postgres, "benchdelay", settle="0s")
        try:
            bridge = stack.bridge(("forward",))
            stack.bridge(("normalize", "judge", "correlate", "deliver"))
            assert dt.datetime.now(dt.UTC) < start, "it took too long to make the events; choose a lower rate"
            wait = (start - dt.datetime.now(dt.UTC)).total_seconds()
            seen = Seen(stack.store, len(due), wait + FAULTS + 160)
            seen.start()
            behind = 0.0
            for moment, payload in batches:
                time.sleep(max(0.0, (moment - dt.datetime.now(dt.UTC)).total_seconds()))
                bridge.send(payload)
                behind = max(behind, (dt.datetime.now(dt.UTC) - moment).total_seconds())
            seen.join(60)
            assert set(seen.at) == set(due), "not the incidents that the rules make of these events"
            stack.wait("every event stored", lambda: stack.one("select count(*) from seen_event") == count)
        finally:
            stack.close()
    # An event that is sent late may be judged late: the sender's own delay is told beside.
    ours = sorted((seen.at[incident] - moment).total_seconds() for incident, moment in due.items())
    load = f"{len(due)} incidents under {rate:,.0f} events/s"
    yield Figure(f"delay beyond the rules', {load}, p50 s", statistics.median(ours), "the limit", 2)
    yield Figure(f"delay beyond the rules', {load}, p99 s", statistics.quantiles(ours, n=100)[98], "the limit", 2)
    yield Figure("from the first failure to the incident, median s", meant + statistics.median(ours), "meant", meant)
    yield Figure("the sender was late by at most, s", behind, "between two requests", 0.1)


def _by_moment(listed: list[Event], width: dt.timedelta) -> list[tuple[dt.datetime, bytes]]:
    """Requests, and when each can be sent: once its last event has happened."""
    found: list[tuple[dt.datetime, bytes]] = []
    for _, group in groupby(listed, key=lambda event: (event.time - listed[0].time) // width):
        together = list(group)
        found += [(together[-1].time, payload) for payload in requests(together, SIZE)]
    return found


def _due(listed: list[Event]) -> tuple[dict[str, dt.datetime], float]:
    """When the rules have each incident fire, to 50 ms, and how long after the zone's first failure (median)."""
    engine = Engine(Estate.inventory(), load_rules())
    found: dict[str, tuple[dt.datetime, float]] = {}
    pace, now = dt.timedelta(milliseconds=50), listed[0].time
    failed: dict[str, dt.datetime] = {}
    at = 0
    while at < len(listed) or now < listed[-1].time:
        now += pace
        until = at
        while until < len(listed) and listed[until].time <= now:
            until += 1
        for event in listed[at:until]:
            if isinstance(event, Observation) and event.outcome == "timeout":
                failed.setdefault(event.zone, event.time)
        for incident in engine.step(listed[at:until], now).incidents:
            if incident.state == "firing":
                found.setdefault(incident.id, (now, (now - failed[incident.zone]).total_seconds()))
        at = until
    return {key: moment for key, (moment, _) in found.items()}, statistics.median(t for _, t in found.values())


class Seen(threading.Thread):
    """Looks which incidents fire, every 20 ms, until there are enough or for so many seconds."""

    def __init__(self, conninfo: str, enough: int, seconds: float) -> None:
        super().__init__(daemon=True)
        self._seconds = seconds
        self._conninfo = conninfo
        self._enough = enough
        self.at: dict[str, dt.datetime] = {}

    def run(self) -> None:
        until = time.monotonic() + self._seconds
        with psycopg.connect(self._conninfo, autocommit=True, options="-c search_path=dnstower") as connection:
            while len(self.at) < self._enough and time.monotonic() < until:
                for (incident,) in connection.execute("select id from incident where state = 'firing'").fetchall():
                    self.at.setdefault(incident, dt.datetime.now(dt.UTC))
                time.sleep(0.02)


@contextmanager
def servers() -> Iterator[tuple[Path, Broker, Server]]:
    """A broker and a PostgreSQL, and a folder."""
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        folder = Path(place)
        broker = Broker(folder / "kafka")
        broker.start()
        try:
            with Server(folder / "pg" / "postgres") as postgres:
                yield folder, broker, postgres
        finally:
            broker.stop()


def _drain(
    folder: Path,
    broker: Broker,
    postgres: Server,
    payloads: list[tuple[int, bytes]],
    count: int,
    *,
    workers: int,
    failing: int = 0,
    share: float | None = None,
    inventory: Inventory | None = None,
) -> float:
    """Events a second, from the first committed to the last, with all of them on the bus before.

    Args:
        folder: to be made; its name is the environment's.
        broker: with the bus.
        postgres: with the store.
        payloads: that are sent.
        count: of the events in them.
        workers: that read them.
        failing: zones of which there will be an incident.
        share: of a core that each worker has; ``None`` for one that has a core of its own.
        inventory: that they watch, where it is not that of the tests.
    """
    folder.mkdir()
    name = f"bench{folder.name}"
    if inventory is None:
        stack = Backlog(folder, broker, postgres, name, settle="0s")
    else:
        stack = Recorded(folder, broker, postgres, name, inventory)
    stack.put(payloads)
    bridges: list[Bridge] = []
    try:
        roles = ("normalize", "judge", "correlate", "deliver")
        bridges.append(stack.bridge(roles))
        bridges += [stack.bridge(("normalize", "judge")) for _ in range(workers - 1)]
        pids = [bridge.process.pid for bridge in bridges]
        with psycopg.connect(stack.store, autocommit=True, options="-c search_path=dnstower") as connection:
            with held(pids, share) if share else apart(pids[0], [os.getpid(), broker.pid, postgres.pid]):
                rate = _rate(lambda: _judged(connection), count)
            assert connection.execute("select count(*) from seen_event").fetchone() == (count,)
        # Minutes that were over before are rolled up again a moment later.
        stack.wait("the counts", lambda: stack.one("select sum(total)::bigint from v_zone_minute") == count, 300)
        stack.wait(
            "the incidents",
            # Some are of the past, and resolved once time has passed without events.
            lambda: stack.one("select count(distinct zone) from incident where state <> 'pending'") == failing,
        )
        assert stack.late() == 0
        return rate
    finally:
        stack.close()


def _rate(done: Callable[[], int], count: int) -> float:
    """Events a second from the first that is seen done to the last; looks at it many times a second."""
    marks: list[tuple[float, int]] = []
    while not marks or marks[-1][1] < count:
        number = done()
        if number and (not marks or number > marks[-1][1]):
            marks.append((time.monotonic(), number))
        time.sleep(0.05)
    (began, first), (ended, last) = marks[0], marks[-1]
    return (last - first) / (ended - began)


def _judged(connection: psycopg.Connection[Any]) -> int:
    (number,) = connection.execute("select coalesce(sum(events), 0)::bigint from probe_seen").fetchone() or (0,)
    return int(number)


def _plain(broker: Broker, postgres: Server, count: int) -> float:
    """The same messages by a consumer that inserts each observation as a row, a batch a transaction."""
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        connection.execute(
            "create table plain (id uuid primary key, time timestamptz, zone text, name text, qtype text, region text, "
            "server text, outcome text, latency float8, body jsonb)"
        )
        consumer = Consumer(
            {"bootstrap.servers": broker.bootstrap, "group.id": "plain", "auto.offset.reset": "earliest"}
        )
        consumer.subscribe(["benchone.dns.raw"])
        decoder, done, began = BulkDecoder(), 0, 0.0
        while done < count:
            messages = consumer.consume(8, 5)
            began = began or time.monotonic()
            found = [
                decoder.decode(record)
                for message in messages
                for resource in ExportLogsServiceRequest.FromString(message.value() or b"").resource_logs
                for scope in resource.scope_logs
                for record in scope.log_records
            ]
            rows = [_row(event) for event in found if isinstance(event, Observation)]
            with connection.transaction():
                connection.cursor().executemany(
                    "insert into plain values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", rows
                )
            done += len(rows)
        consumer.close()
        return done / (time.monotonic() - began)


_TELEGRAF = """
[agent]
  flush_interval = "1s"
  metric_batch_size = 5000
  metric_buffer_limit = 1000000
  quiet = true
[[inputs.kafka_consumer]]
  brokers = ["{broker}"]
  topics = ["benchone.dns.normalized"]
  consumer_group = "telegraf"
  offset = "oldest"
  kafka_version = "3.6.0"
  max_undelivered_messages = 20000
  data_format = "json"
  name_override = "telegraf"
  tag_keys = ["zone", "name", "qtype", "probe_region", "server_address"]
  json_string_fields = ["id", "outcome", "transport"]
  json_time_key = "time"
  json_time_format = "2006-01-02T15:04:05.999999999Z07:00"
[[outputs.postgresql]]
  connection = "{postgres}"
"""


def _telegraf(folder: Path, broker: Broker, postgres: Server, count: int) -> float:
    """The same events, normalized, by Telegraf (``telegraf`` on PATH) into a row each."""
    file = folder / "telegraf.conf"
    file.write_text(_TELEGRAF.format(broker=broker.bootstrap, postgres=postgres.conninfo))
    with (folder / "telegraf.log").open("wb") as log:
        process = subprocess.Popen(["telegraf", "--config", str(file)], stdout=log, stderr=log)

        def done() -> int:
            assert process.poll() is None, (folder / "telegraf.log").read_text()
            if connection.execute("select to_regclass('telegraf') is null").fetchone() == (True,):
                return 0
            (number,) = connection.execute("select count(*) from telegraf").fetchone() or (0,)
            return int(number)

        try:
            with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
                return _rate(done, count)
        finally:
            process.terminate()
            process.wait(10)


def _row(event: Observation) -> tuple[Any, ...]:
    return (
        event.id, event.time, event.zone, event.name, event.qtype, event.probe.region, event.server.address,
        event.outcome, event.latency, msgspec.json.encode(event).decode(),
    )  # fmt: skip


#: What dashboards ask, over 90 days of 1,000 zones.
PANELS = {
    "availability of the estate by day, 90 days":
        "select day, 1 - sum(failed)::float8 / sum(total) from v_estate_day group by day order by day",
    "availability of one zone by hour, 90 days":
        "select hour, 1 - sum(failed)::float8 / sum(total) from v_zone_hour where zone = 'zone-7.example' group by 1",
    "p95 of one zone by hour and region, 30 days":
        "select hour, region, p95 from v_latency_hour where zone = 'zone-7.example' "
        "and hour > now() - interval '30 days'",
    "outcomes of one zone by minute, 6 hours":
        "select minute, sum(answer), sum(nxdomain), sum(timeout) from v_zone_minute "
        "where zone = 'zone-7.example' and minute > now() - interval '6 hours' group by 1",
    "the ten worst zones of the week":
        "select zone, sum(failed) from v_zone_day where day > now() - interval '7 days' group by 1 order by 2 desc "
        "limit 10",
    "NXDOMAIN by region, 5 minutes":
        "select region, sum(nxdomain) from v_estate_minute where minute > now() - interval '5 minutes' group by 1",
    "history of one name":
        "select since, until, region, server, answers from v_answer_history where zone = 'zone-7.example' "
        "and name = 'www.zone-7.example' order by since desc limit 100",
}  # fmt: skip


def dashboards() -> Iterator[Figure]:
    """p95 of each panel's query, over a store as 90 days would have left it."""
    with database() as found:
        generate(found.connection)
        slowest: list[float] = []
        for name, query in PANELS.items():
            times = []
            for _ in range(20):
                began = time.perf_counter()
                found.connection.execute(query).fetchall()
                times.append((time.perf_counter() - began) * 1000)
            slowest.append(statistics.quantiles(times, n=20)[18])
            yield Figure(f"{name}, p95 ms", slowest[-1], "the limit", 200)
        raw = len(json.dumps(msgspec.to_builtins(recording(1)[0]))) * 27 * 1440
        yield Figure("hours of a zone and day, bytes", found.hours(ESTATE_ZONES, DAYS), "its raw events", raw)


def generate(connection: psycopg.Connection[Any], zones: int = ESTATE_ZONES, days: int = DAYS) -> None:
    """Closed levels of so many days, and the open minutes of the last hours, by the hundred thousand."""
    listed = f"(select 'zone-' || n || '.example' as zone from generate_series(1, {zones}) as z (n)) as zones"
    regions = "unnest(array['ap-south', 'eu-west', 'us-east']) as regions (region)"
    roles = "unnest(array['authoritative', 'recursive']) as roles (role)"
    counts = "{n} - {n} / 50, 0, {n} / 100, 0, 0, 0, 0, {n} / 100, 0, 0, {n}, 0"
    levels = (
        ("zone_day_closed", f"{days} days", "1 day", 6480),
        ("zone_hour_closed", f"{days} days", "1 hour", 270),
        ("zone_minute_closed", "6 hours", "1 minute", 5),
    )
    for table, back, width, n in levels:
        connection.execute(
            f"insert into {table} select t, zone, region, role, {counts.format(n=n)} "
            f"from generate_series(date_bin('{width}', now() - interval '{back}', '2000-01-03 00:00+00'), "
            f"date_bin('{width}', now(), '2000-01-03 00:00+00') - interval '{width}', interval '{width}') as t, "
            f"{listed}, {regions}, {roles}"
        )
    for table, back, width in (
        ("latency_day_closed", f"{days} days", "1 day"),
        ("latency_hour_closed", "30 days", "1 hour"),
    ):
        connection.execute(
            f"insert into {table} select t, zone, region, role, bucket, 100 "
            f"from generate_series(date_bin('{width}', now() - interval '{back}', '2000-01-03 00:00+00'), "
            f"date_bin('{width}', now(), '2000-01-03 00:00+00') - interval '{width}', interval '{width}') as t, "
            f"{listed}, {regions}, {roles}, generate_series(26, 31) as buckets (bucket)"
        )
    connection.execute(
        "insert into estate_minute select t, region, role, 0, 4900, 0, 50, 0, 0, 0, 0, 50, 0, 0, 5000, 0 "
        "from generate_series(date_trunc('minute', now() - interval '31 days'), now(), interval '1 minute') as t, "
        f"{regions}, {roles}"
    )
    connection.execute(
        "insert into answer_history select zone, 'www.' || zone, 'A', region, '192.0.2.1', "
        "now() - days * interval '1 day', case when days > 0 then now() - (days - 1) * interval '1 day' end, "
        "'ns1', 'authoritative', 'answer', '[]', 30, 1, 'secure' "
        f"from {listed}, {regions}, generate_series(0, 60) as d (days)"
    )
    connection.execute(
        "insert into estate_day select day, region, role, 0, sum(answer), 0, sum(nxdomain), 0, 0, 0, 0, sum(timeout), "
        "0, 0, sum(secure), 0 from zone_day_closed group by day, region, role"
    )
    for level, width in (("minute", "1 minute"), ("hour", "1 hour"), ("day", "1 day")):
        connection.execute(
            f"update rollup set closing = date_bin('{width}', now(), '2000-01-03 00:00+00'), "
            f"closed = date_bin('{width}', now(), '2000-01-03 00:00+00') where level = %s",
            (level,),
        )
    with connection.transaction():
        reopen(connection)
    connection.execute("vacuum analyze")
