"""The archive: every event in one file, once, whoever dies; and others' tools read it without us."""

from __future__ import annotations

import datetime as dt

import duckdb
import polars as pl
import pytest
from dns_events import ndjson
from dns_rules.enrichment import Enriched
from kafka_bridge.archive import layout, reading
from kafka_bridge.archive.archiver import Archiver
from kafka_bridge.archive.place import Place
from kafka_bridge.archive.settings import S3, Archive
from kafka_bridge.errors import BridgeError
from kafka_bridge.pipeline import write
from kafka_bridge.pipeline.worker import Worker
from moto.server import ThreadedMotoServer
from wire import INVENTORY, RULES, outage, request

ZONES = ("example.com", "example.net")


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    """A server that speaks S3 over HTTP."""
    import boto3

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    secret = tmp_path_factory.mktemp("s3") / "secret"
    secret.write_text("s3cret\n")
    boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id="us", aws_secret_access_key="s3cret", region_name="us-east-1"
    ).create_bucket(Bucket="dns")
    yield S3(endpoint=endpoint, region="us-east-1", access_key="us", secret_key_file=str(secret))
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def archive(request, tmp_path, s3):
    if request.param == "folder":
        return Archive(url=str(tmp_path / "archive"))
    return Archive(url=f"s3://dns/{tmp_path.name}", s3=s3)


@pytest.fixture
def archiver(pool, archive):
    made = Archiver(pool.conninfo, archive)
    yield made
    made._leader.drop()


def queue(pool, *batches):
    for batch in batches:
        with pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            write.archive(
                cursor, [Enriched(event, ndjson.encode(event).rstrip(), b'{"owner":"web"}') for event in batch]
            )


def read(archive, events):
    start, end = min(e.time for e in events), max(e.time for e in events) + dt.timedelta(seconds=1)
    return [event for _, stretch in reading.stretches(archive, start, end) for event in stretch]


def count(pool, table):
    with pool.connection() as connection:
        return connection.execute(f"select count(*) from {table}").fetchone()[0]


def sample():
    return outage(2) + outage(2, "example.net")


def test_what_goes_in_comes_out(pool, archive, archiver):
    events = sample()
    queue(pool, events[:100], events[100:])
    assert archiver.turn() == 0  # it waits for more
    assert archiver.turn(now=True) == len(events)
    assert read(archive, events) == sorted(events, key=lambda event: (event.time, event.id))
    assert count(pool, "archive_queue") == 0
    with pool.connection() as connection:
        total = connection.execute("select sum(events)::int, min(bytes) from archive_file").fetchone()
    assert total[0] == len(events)
    assert total[1] > 0


@pytest.mark.parametrize("dies", ["mark", "write", "second file", "commit"])
def test_whoever_dies_leaves_each_event_once(pool, archive, archiver, monkeypatch, dies):
    events = sample()
    queue(pool, events)
    calls = []

    def die(*_args, **_options):
        raise OSError("on purpose")

    def second(self, path, table):
        calls.append(path)
        return die() if len(calls) == 2 else Place.__dict__["_write"](self, path, table)

    with monkeypatch.context() as patched:
        if dies == "mark":
            patched.setattr(layout, "tables", die)
        elif dies == "write":
            patched.setattr(Place, "write", die)
        elif dies == "second file":
            patched.setattr(Place, "_write", Place.write, raising=False)
            patched.setattr(Place, "write", second)
        else:
            patched.setattr("kafka_bridge.archive.archiver.Archiver._done", die)
        with pytest.raises(OSError, match="on purpose"):
            archiver.turn(now=True)
    archiver._leader.drop()
    queue(pool, outage(1, "example.com")[:5])  # more has come meanwhile; the marked batch stays as it was
    assert archiver.turn(now=True) == len(events)
    assert archiver.turn(now=True) == 5
    found = [event.id for event in read(archive, events)]
    assert sorted(set(found)) == sorted({event.id for event in [*events, *outage(1, "example.com")[:5]]})


def test_one_writes_and_the_other_stands_by(pool, archive, archiver):
    queue(pool, sample())
    assert archiver.turn(now=True)
    queue(pool, sample())
    standby = Archiver(pool.conninfo, archive)
    assert standby.turn(now=True) == 0
    archiver._leader.drop()
    assert standby.turn(now=True) == len(sample())
    standby._leader.drop()


def test_duckdb_and_polars_read_it_without_us(pool, tmp_path):
    archive = Archive(url=str(tmp_path / "archive"))
    events = sample()
    queue(pool, events)
    archiver = Archiver(pool.conninfo, archive)
    archiver.turn(now=True)
    archiver._leader.drop()
    pattern = f"{archive.url}/**/*.parquet"
    rows = duckdb.sql(
        "select zone, outcome, count(*) from read_parquet(?, hive_partitioning = true) where day >= ? "
        "group by all order by all",
        params=[pattern, min(event.time for event in events).date().isoformat()],
    ).fetchall()
    expected = {}
    for event in events:
        expected[event.zone, event.outcome] = expected.get((event.zone, event.outcome), 0) + 1
    assert {(zone, outcome): number for zone, outcome, number in rows} == expected
    frame = pl.read_parquet(pattern, hive_partitioning=True)
    assert frame.height == len(events)
    assert set(frame["enrichment"]) == {'{"owner":"web"}'}
    assert frame["time"].max() == max(event.time for event in events)
    assert {ndjson.decode(text).id for text in frame["event"]} == {event.id for event in events}
    answered = frame.filter(pl.col("outcome") == "answer")["answers"][0].to_list()
    assert answered == ["example.com 30 A 198.51.100.1"] or answered == ["example.net 30 A 198.51.100.1"]


def test_days_past_their_time_go(pool, archive, archiver):
    events = sample()
    queue(pool, events)
    archiver.turn(now=True)
    day = max(event.time for event in events).date()
    assert archiver.prune(day) == []
    assert archiver.prune(day + dt.timedelta(days=500))
    assert read(archive, events) == []
    assert count(pool, "archive_file") == 0


def test_the_judgement_queues_what_is_new(pool):
    from kafka_bridge.intake.journal import Journal

    journal = Journal(pool)
    for _ in range(2):
        journal.append(request(outage(1)), "test")
    worker = Worker(pool, INVENTORY, RULES, archive=True)
    while worker.turn(dt.datetime.now(dt.UTC)):
        pass
    journal.close()
    assert count(pool, "archive_queue") == len(outage(1))


def test_a_zone_has_its_folder_for_ever():
    assert [layout.bucket_of(zone) for zone in (*ZONES, ".", "xn--nxasmq6b.example")] == BUCKETS


#: Archives that exist lie by these.
BUCKETS = [6, 0, 4, 2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"url": "s3://nowhere/x"}, "there is no bucket nowhere"),
        ({"secret": "/nowhere/secret"}, "archive.s3.secret_key_file: No such file"),
    ],
)
def test_a_place_that_cannot_be_used_is_named(s3, changes, message):
    from msgspec import structs

    if "secret" in changes:
        s3 = structs.replace(s3, secret_key_file=changes["secret"])
    with pytest.raises(BridgeError) as caught:
        Place(Archive(url=changes.get("url", "s3://dns/x"), s3=s3))
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)
