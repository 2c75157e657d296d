"""Bridges on a broker and a PostgreSQL, each a process of its own, and what they are to be measured by."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import grpc
import polars as pl
import psycopg
from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from dns_events import otlp
from dns_rules import Engine, Inventory, Team, Zone, load_rules
from dns_rules.generate import Span, events
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

if TYPE_CHECKING:
    from pathlib import Path

    from dns_events import Event

ZONES = tuple(f"zone-{number}.example" for number in range(8))
INVENTORY = Inventory(
    version=1,
    teams={"web": Team(name="Web platform")},
    zones=tuple(Zone(zone=zone, owner="web", criticality="critical") for zone in ZONES),
)
#: Longer than any test.
STILL = "1h"
ROLES = ("forward", "normalize", "judge", "correlate", "deliver", "archive")
_EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
#: Whoever was killed is not waited for any longer than need be.
_OPTIONS = {"session.timeout.ms": 3000, "heartbeat.interval.ms": 500}
_READY = re.compile(r"OTLP grpc (\d+|off)")


def servers_of(zone: str) -> tuple[str, str]:
    """Each zone is on servers of its own: zones that fail on the same ones would be one incident."""
    number = ZONES.index(zone)
    return f"192.0.2.{2 * number + 1}", f"192.0.2.{2 * number + 2}"


def recent(
    minutes: int = 5, *, zones: tuple[str, ...] = ZONES, labels: tuple[str, ...] = (), ago: int = 20
) -> list[Event]:
    """Zones that are well, up to a moment ago; from the middle on, every second one does not answer.

    Args:
        minutes: from the first to the last.
        zones: that are asked.
        labels: of names that are asked; none for the zone's own.
        ago: seconds from the last until now.
    """
    start = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minutes, seconds=ago)
    found: list[Event] = []
    for number, zone in enumerate(zones):
        half = f"{minutes * 30}s"
        names = tuple(f"{label}.{zone}" for label in labels)
        outcome = "answer" if number % 2 else "timeout"
        servers = servers_of(zone)
        first = Span(to=half, every="4s", names=names, servers=servers)
        second = Span(from_=half, to=f"{minutes}m", every="4s", outcome=outcome, names=names, servers=servers)
        found += events(zone, (first, second), start)
    return sorted(found, key=lambda event: (event.time, event.id))


def request(listed: list[Event]) -> bytes:
    message = ExportLogsServiceRequest()
    message.resource_logs.add().scope_logs.add().log_records.extend(otlp.to_proto(event) for event in listed)
    return message.SerializeToString()


def requests(listed: list[Event], size: int = 60) -> list[bytes]:
    return [request(listed[n : n + size]) for n in range(0, len(listed), size)]


class Bridge:
    """One running `kafka-bridge run`.

    Args:
        folder: of its files.
        config: bridge.yaml as a tree.
        store: URL of its database.
        program: Python code to run in place of the command.
    """

    def __init__(self, folder: Path, config: dict, store: str, program: str | None = None):
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "log"
        self.log.unlink(missing_ok=True)
        (folder / "bridge.yaml").write_text(json.dumps(config))
        start = ["-m", "kafka_bridge"] if program is None else ["-c", program]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-X", "faulthandler", *start, "run", "--config", str(folder / "bridge.yaml")],
                stdout=subprocess.DEVNULL, stderr=log, env={**os.environ, "DNSTOWER_STORE_URL": store},
            )  # fmt: skip
        self.channel = self.export = None

    def ready(self, timeout: float = 40):
        """Wait until it listens."""
        until = time.monotonic() + timeout
        while (found := _READY.search(self.log.read_text())) is None:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.05)
        if found[1] != "off":
            self.channel = grpc.insecure_channel(f"127.0.0.1:{found[1]}")
            self.export = self.channel.unary_unary(_EXPORT)
        return self

    def send(self, payload: bytes, timeout: float = 60) -> None:
        """As a client of OTLP: until it is acknowledged."""
        until = time.monotonic() + timeout
        while True:
            try:
                self.export(payload, timeout=15)
            except grpc.RpcError as error:
                assert error.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}, error
                assert self.process.poll() is None, (self.process.returncode, self.log.read_text())
                assert time.monotonic() < until, f"{error.details()}\n{self.log.read_text()}"
                time.sleep(0.1)
            else:
                return

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self._gone()

    def stop(self) -> None:
        """SIGTERM, and wait."""
        self.process.terminate()
        self._gone()

    def _gone(self) -> None:
        self.process.wait(120)
        if self.channel is not None:
            self.channel.close()


class Stack:
    """Topics with a prefix of their own, a database of their own, and bridges between them.

    What is sent is minutes old, and nobody knows how long a machine takes to send it. Therefore time stands still for
    the bridges until all of it has been stored, unless a test says otherwise with `settle`.
    """

    def __init__(self, folder: Path, broker, postgres, name: str, *, partitions: int = 4, settle: str = STILL):
        self.folder = folder
        self.broker = broker
        self.name = name
        self.settle = settle
        self.pages = folder / "pages.ndjson"
        self._bridges: list[Bridge] = []
        self._ended = False
        with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
            connection.execute(f'create database "{name}"')
        self.store = _database(postgres.conninfo, name)
        (folder / "inventory.yaml").write_text(
            json.dumps(
                {
                    "version": 1,
                    "teams": {"web": {"name": "Web platform"}},
                    "zones": [{"zone": zone, "owner": "web", "criticality": "critical"} for zone in ZONES],
                }
            )
        )
        self._topics(partitions)

    @property
    def prefix(self) -> str:
        return f"{self.name}."

    foreign: tuple[dict, ...] = ()
    """Topics of other tools."""
    patience: float = 180
    """Seconds that `wait` waits."""

    def config(self, roles: tuple[str, ...] = ROLES) -> dict:
        return {
            "version": 1,
            "bus": "kafka",
            "inventory": str(self.folder / "inventory.yaml"),
            "settle": self.settle,
            "kafka": {
                "brokers": [self.broker.bootstrap], "prefix": self.prefix, "group": self.prefix + "dnstower",
                "roles": list(roles), "foreign": list(self.foreign), "options": _OPTIONS,
            },
            "otlp": {"grpc": "127.0.0.1:0", "http": None},
            "archive": {"url": str(self.folder / "archive"), "every": "2s"},
            "board": None,
            "notify": {"console": False, "file": str(self.pages)},
        }  # fmt: skip

    def bridge(self, roles: tuple[str, ...] = ROLES, *, program: str | None = None, wait: bool = True) -> Bridge:
        """Start one more, and wait until it listens."""
        started = Bridge(self.folder / f"bridge-{len(self._bridges)}", self.config(roles), self.store, program)
        self._bridges.append(started)
        return started.ready() if wait else started

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`kafka-bridge` on this stack."""
        file = self.folder / "admin.yaml"
        file.write_text(json.dumps(self.config()))
        return subprocess.run(
            [sys.executable, "-m", "kafka_bridge", *words, "--config", str(file)],
            capture_output=True, text=True, check=False, env={**os.environ, "DNSTOWER_STORE_URL": self.store},
        )  # fmt: skip

    def pass_time(self) -> None:
        """Other bridges, for which time passes, take the place of those that run."""
        self.settle = "0s"
        self._stop()
        self.bridge()

    def _stop(self) -> None:
        for bridge in self._bridges:
            if bridge.process.poll() is None:
                bridge.stop()

    def close(self) -> None:
        for bridge in self._bridges:
            if bridge.process.poll() is None:
                bridge.kill()

    def query(self, sql: str, *values):
        with psycopg.connect(self.store, options="-c search_path=dnstower") as connection:
            return connection.execute(sql, values).fetchall()

    def one(self, sql: str, *values):
        return self.query(sql, *values)[0][0]

    def wait(self, what: str, condition, timeout: float | None = None) -> None:
        """Until the condition holds; a database that is away counts as not yet."""
        until = time.monotonic() + (self.patience if timeout is None else timeout)
        while True:
            try:
                if condition():
                    return
            except psycopg.Error:
                pass
            assert time.monotonic() < until, f"{what} did not happen\n{self._last_words()}"
            time.sleep(0.2)

    def _last_words(self) -> str:
        """What the bridges logged, and where each thread of theirs stands."""
        for bridge in self._bridges:
            if bridge.process.poll() is None:
                bridge.process.send_signal(signal.SIGABRT)  # faulthandler writes all stacks
                bridge.process.wait(20)
        return "\n".join(f"{bridge.log}:\n{bridge.log.read_text()[-8000:]}" for bridge in self._bridges)

    def _hangs(self) -> bool:
        return not self._ended and any(
            "dns.normalized does not end" in bridge.log.read_text() for bridge in self._bridges
        )

    def end_hanging(self) -> None:
        """End the transactions that hold readers of committed messages back, and read again what was in them."""
        self._ended = True  # once: what is open later is at work
        admin = AdminClient({"bootstrap.servers": self.broker.bootstrap})
        for topic in (self.prefix + "dns.normalized", "__consumer_offsets"):
            for number in admin.list_topics(topic, timeout=10).topics[topic].partitions:
                place = TopicPartition(topic, number)
                committed, end = (
                    admin.list_offsets({place: OffsetSpec.latest()}, isolation_level=level)[place].result(10).offset
                    for level in (IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED)
                )
                if committed < end:
                    self.broker.abort(topic, number, committed)
        self._stop()
        self.wait("the first offsets again", self._rewound)
        self.bridge()

    def _rewound(self) -> bool:
        """Whether the raw topic is now read from its start: what `kafka-consumer-groups.sh --reset-offsets` does."""
        group = self.config()["kafka"]["group"] + ".normalize"
        topic = self.prefix + "dns.raw"
        consumer = Consumer({"bootstrap.servers": self.broker.bootstrap, "group.id": group})
        try:
            numbers = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            consumer.commit(offsets=[TopicPartition(topic, number, 0) for number in numbers], asynchronous=False)
        except KafkaException as error:
            # Members that were killed are there until their sessions end.
            assert error.args[0].code() == KafkaError.UNKNOWN_MEMBER_ID, error
            return False
        finally:
            consumer.close()
        return True

    def reconcile(self, sent: list[Event], *, dead: int = 0) -> None:
        """Every event stored once, every page sent once, and the judgement that of an undisturbed run."""
        ids = {event.id for event in sent}
        expected = Engine(INVENTORY, load_rules())
        steps = [expected.step(sorted(sent, key=lambda event: event.time)), expected.finish()]
        fired = {i.id: (i.rule, i.zone, i.since) for step in steps for i in step.incidents if i.state == "firing"}
        end = max(event.time for event in sent)
        found = {(f.id, f.state, f.time) for step in steps for f in step.findings if f.time <= end}
        assert fired
        stored = "select count(*) from seen_event"
        # Now and then Kafka itself (4.3.1) loses the end of a transaction when it dies. What the bridge says of it, and
        # what is to be done then, is what counts.
        self.wait("every event stored", lambda: self.one(stored) >= len(ids) or self._hangs())
        if self._hangs():
            self.end_hanging()
        self.wait("every event stored", lambda: self.one(stored) >= len(ids))
        if self.settle == STILL:
            self.pass_time()
        self.wait("every page", lambda: len(self._keys("-firing")) >= len(fired))
        assert {row[0] for row in self.query("select id::text from seen_event")} == ids
        # What came later than its minute's end is rolled up a moment later.
        self.wait("the roll-ups", lambda: self.one("select sum(total)::bigint from v_zone_minute") == len(ids))
        assert self.one("select sum(total)::bigint from v_server_minute") == len(ids)
        assert self.one("select sum(total)::bigint from v_estate_minute") == len(ids)
        assert self.one("select count(*) from deadletter") == dead
        assert {
            row[0]: row[1:]
            for row in self.query("select id, rule, zone, since from incident where state in ('firing', 'resolved')")
        } == fired
        told = "select id, state, time from finding where time <= %s"
        self.wait("every finding", lambda: len(set(self.query(told, end))) >= len(found))
        differing = set(self.query(told, end)) ^ found
        assert not differing, self.query("select id, state, time, rule, zone from finding where time <= %s", end)
        # The archive has each event once, and a recount of it is the aggregates.
        self.wait("the archive written", lambda: self.one("select count(*) from archive_queue") == 0)
        archived = pl.read_parquet(self.folder / "archive" / "**" / "*.parquet", hive_partitioning=True)
        assert sorted(archived["id"]) == sorted(ids)
        recount = archived.group_by(pl.col("zone"), pl.col("time").dt.truncate("1m"), pl.col("region")).len().rows()
        assert sorted(recount) == sorted(
            self.query("select zone, minute, region, sum(total)::int from v_zone_minute group by 1, 2, 3")
        )
        self.wait("the topics told", lambda: self.one("select count(*) from publication") == 0)
        keys = self._keys("")
        assert set(keys.values()) == {1}, keys

    def _keys(self, end: str) -> Counter[str]:
        if not self.pages.exists():
            return Counter()
        whole = self.pages.read_text().rpartition("\n")[0]  # a bridge may be at work on the next line
        return Counter(key for line in whole.splitlines() if (key := json.loads(line)["key"]).endswith(end))

    #: Who judges, and who enriches, as bridges and topics say it.
    judge = "here"
    enrich = "here"

    def _topics(self, partitions: int) -> None:
        declared = self.folder / "topics.yaml"
        declared.write_text(
            json.dumps(
                {
                    "version": 1, "prefix": self.prefix, "group": self.prefix + "dnstower", "replication": 1,
                    "in_sync": 1, "judge": self.judge, "enrich": self.enrich,
                    "topics": {name: {"partitions": partitions} for name in ("raw", "normalized")},
                }
            )
        )  # fmt: skip
        done = self.command("topics", "apply", str(declared), "--yes")
        assert done.returncode == 0, done.stderr


def read_all(stack, topic):
    """Everything that is committed in a topic, as ``(key, value)``."""
    consumer = Consumer(
        {
            "bootstrap.servers": stack.broker.bootstrap, "group.id": f"{stack.prefix}reader",
            "auto.offset.reset": "earliest", "enable.partition.eof": True,
        }
    )  # fmt: skip
    consumer.subscribe([stack.prefix + topic])
    found, ended = [], set()
    until = time.monotonic() + 30
    partitions = len(consumer.list_topics(stack.prefix + topic).topics[stack.prefix + topic].partitions)
    while len(ended) < partitions:
        assert time.monotonic() < until
        for message in consumer.consume(500, 0.5):
            if message.error() is not None:
                ended.add(message.partition())
            else:
                found.append((message.key(), message.value()))
    consumer.close()
    return found


def killed_at(where: str, when: str) -> str:
    """Python code of a bridge that kills itself before or after the first call of a function that has work.

    Args:
        where: ``module:qualified.name``.
        when: ``before`` or ``after``.
    """
    return f"""
import importlib, os, signal
module, _, name = {where!r}.partition(":")
owner = importlib.import_module(module)
*path, name = name.split(".")
for part in path:
    owner = getattr(owner, part)
original = getattr(owner, name)
def killed(*args, **options):
    idle = args and isinstance(args[-1], (list, tuple, set, dict)) and not args[-1]
    result = original(*args, **options) if idle or {when!r} == "after" else 1
    if not idle and getattr(result, "events", name != "_mark" or result):
        os.kill(os.getpid(), signal.SIGKILL)
    return result
setattr(owner, name, killed)
from kafka_bridge.cli import main
main()
"""


def _database(conninfo: str, name: str) -> str:
    """The same server's other database."""
    if "://" in conninfo:
        return urlunsplit(urlsplit(conninfo)._replace(path=f"/{name}"))
    return psycopg.conninfo.make_conninfo(conninfo, dbname=name)
