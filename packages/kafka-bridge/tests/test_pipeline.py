"""From raw to judged: once, together, and by one worker."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from dns_events import Record, otlp
from dns_rules import Judgement
from dns_rules.parts import restore
from dns_rules.state import encode
from kafka_bridge.config import Store
from kafka_bridge.errors import FencedError
from kafka_bridge.intake.journal import Journal
from kafka_bridge.notify.routing import Routing
from kafka_bridge.pipeline import decode as decoding
from kafka_bridge.pipeline import write
from kafka_bridge.pipeline.correlator import Correlator
from kafka_bridge.pipeline.decode import Dead, decode
from kafka_bridge.pipeline.partition import Batch, Partition
from kafka_bridge.pipeline.worker import Worker
from kafka_bridge.store.upkeep import prune
from msgspec import structs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs
from wire import INVENTORY, RULES, correlate, outage, request


@pytest.fixture
def journal(pool):
    opened = Journal(pool)
    yield opened
    opened.close()


def worker(pool):
    return Worker(pool, INVENTORY, RULES)


def now():
    return dt.datetime.now(dt.UTC)


def one(pool, sql, *values):
    with pool.connection() as connection:
        return connection.execute(sql, values).fetchone()[0]


def drain(working, *, tick=True):
    while working.turn(now(), tick=tick):
        pass


def test_a_nul_in_an_answer_or_a_reason_stops_nothing(pool):
    """PostgreSQL's text has no place for it."""
    (event,) = outage(0.2)[:1]
    record = Record(name="example.com", type="TXT", ttl=1, data="a\x00b")
    batch = Batch([structs.replace(event, answers=(record,))], ((1, Dead("not \x00 this", b"\x00")),), 2)
    Partition(pool, INVENTORY, RULES).commit(lambda _cursor, _offset: batch, lambda _: None)
    assert one(pool, "select answers->0->>'data' from answer_current") == "a\ufffdb"
    assert one(pool, "select reason from deadletter") == "not \ufffd this"


def test_a_request_whose_length_reads_like_json_is_none():
    """Its first byte is a line feed and its second, the length of 123, an opening brace."""
    resource = ResourceLogs(schema_url="x" * 121)
    payload = ExportLogsServiceRequest(resource_logs=[resource]).SerializeToString()
    assert payload[:2] == b"\n{"
    assert decode(payload, now()).dead == []
    assert decode(b'\n{"resourceLogs": []}', now()).dead == []
    assert len(decode(b"\n{ nothing", now()).dead) == 1


def test_an_outage_becomes_rows_an_incident_and_a_page(pool, journal):
    listed = outage()
    for n in range(0, len(listed), 100):
        journal.append(request(listed[n : n + 100]), "test")
    drain(worker(pool))
    correlate(pool)
    total = one(pool, "select sum(total)::bigint from v_zone_minute")
    assert total == len(listed)
    failed = one(pool, "select sum(failed)::bigint from v_zone_minute")
    assert failed == sum(event.outcome == "timeout" for event in listed)
    assert one(pool, "select state from incident") == "firing"
    assert one(pool, "select status from v_zone_overview where zone = 'example.com'") is not None
    assert one(pool, "select count(*) from outbox where transition = 'firing'") == 1
    assert one(pool, "select score from zone_health where zone = 'example.com'") < 50
    assert one(
        pool, "select histogram_quantile(histogram(bucket, count), 0.5) from v_latency_bucket_minute"
    ) == pytest.approx(0.012, rel=0.2)


@pytest.fixture(autouse=True)
def owners(request, pool):
    with pool.connection() as connection:
        connection.execute(
            "insert into zone_owner values ('example.com', 'web', 'Web platform', 'critical') on conflict do nothing"
        )


def test_a_batch_that_is_sent_again_counts_once(pool, journal):
    payload = request(outage(1))
    for _ in range(3):
        journal.append(payload, "test")
    working = worker(pool)
    drain(working)
    assert one(pool, "select sum(total)::bigint from v_zone_minute") == len(outage(1))
    assert working.duplicates == 2 * len(outage(1))


def test_a_restart_between_any_two_batches_changes_nothing(pool, journal):
    listed = outage()
    for n in range(0, len(listed), 60):
        journal.append(request(listed[n : n + 60]), "test")
        drain(worker(pool), tick=False)
        correlate(pool)
    drain(worker(pool))
    correlate(pool)
    assert one(pool, "select count(*) from incident") == 1
    assert one(pool, "select count(*) from outbox") == 1
    assert one(pool, "select sum(total)::bigint from v_zone_minute") == len(listed)


def parts(pool):
    with pool.connection() as connection:
        return connection.execute("select state, blocks, opened from zone_state where zone = 'example.com'").fetchone()


def commit(partition, events):
    batch = Batch(events, (), len(events))
    partition.commit(lambda _cursor, _offset: batch, lambda _: None)


def test_what_events_bring_is_written_without_the_rest(pool):
    """As a column that PostgreSQL need not write anew; whoever takes over has all of it."""
    listed = outage(6)
    # Two that fall into one step, which neither of them ends.
    place = next(n for n in range(60, 90) if len({event.time.timestamp() // 5 for event in listed[n : n + 2]}) == 1)
    partition = Partition(pool, INVENTORY, RULES)
    commit(partition, listed[: place + 1])
    begun = parts(pool)
    commit(partition, listed[place + 1 : place + 2])
    added = parts(pool)
    assert added[:2] == begun[:2]
    assert added[2] != begun[2]
    other = Partition(pool, INVENTORY, RULES)
    other.take_over()
    whole = Judgement(INVENTORY, RULES)
    for some in (listed[: place + 1], listed[place + 1 : place + 2], listed[place + 2 :]):
        whole.step(some)
        if some[0] is listed[place + 1]:
            assert restore(*added) == whole.state("example.com")
    commit(other, listed[place + 2 :])
    assert None not in [new if new != old else None for new, old in zip(parts(pool), added, strict=True)]
    assert restore(*parts(pool)) == whole.state("example.com")


def test_a_state_that_an_earlier_release_wrote_whole_goes_on_in_parts(pool):
    listed = outage(4)
    commit(Partition(pool, INVENTORY, RULES), listed[:-20])
    with pool.connection() as connection:
        saved = encode(restore(*parts(pool)))
        connection.execute("update zone_state set state = %s, blocks = null, opened = null", (saved,))
    commit(Partition(pool, INVENTORY, RULES), listed[-20:])
    assert None not in parts(pool)
    whole = Judgement(INVENTORY, RULES)
    whole.step(listed[:-20])
    whole.step(listed[-20:])
    assert restore(*parts(pool)) == whole.state("example.com")


def test_a_failed_transaction_leaves_nothing_and_is_taken_again(pool, journal, monkeypatch):
    listed = outage()
    journal.append(request(listed), "test")
    working = worker(pool)

    def fail(*_):
        import psycopg

        raise psycopg.OperationalError("on purpose")

    with monkeypatch.context() as patched:
        patched.setattr(write, "states", fail)
        with pytest.raises(Exception, match="on purpose"):
            working.turn(now())
    assert one(pool, "select count(*) from zone_state") == 0
    assert one(pool, "select count(*) from seen_event") == 0
    working.partition.forget()  # what the worker's loop does
    drain(working)
    with monkeypatch.context() as patched:
        patched.setattr(write, "pages", fail)
        with pytest.raises(Exception, match="on purpose"):
            correlate(pool)
    assert one(pool, "select count(*) from incident") == 0
    assert one(pool, "select count(*) from finding_queue") > 0
    correlate(pool)
    assert one(pool, "select sum(total)::bigint from v_zone_minute") == len(listed)
    assert one(pool, "select count(*) from outbox") == 1


def test_what_waits_on_the_bus_does_not_become_late(pool, journal, monkeypatch):
    monkeypatch.setattr("kafka_bridge.pipeline.worker._BATCH_REQUESTS", 1)
    for half in (outage()[:300], outage()[300:]):
        journal.append(request(half), "test")
    drain(worker(pool))  # the clock is far ahead of both
    correlate(pool)
    assert one(pool, "select count(*) from incident") == 1


def test_a_worker_that_was_thought_dead_is_fenced(pool, journal):
    first, second = worker(pool), worker(pool)
    first.turn(now())
    second.turn(now())
    journal.append(request(outage(1)), "test")
    with pytest.raises(FencedError):
        first.turn(now())
    assert second.turn(now())


def test_what_cannot_be_read_is_kept_with_its_reason_and_keeps_nothing_back(pool, journal):
    good = outage(1)
    message = ExportLogsServiceRequest.FromString(request(good))
    records = message.resource_logs[0].scope_logs[0].log_records
    records.add(event_name="something.else")
    ahead = otlp.to_proto(good[0])
    ahead.time_unix_nano = int((now() + dt.timedelta(hours=1)).timestamp() * 1e9)
    records.append(ahead)
    journal.append(message.SerializeToString(), "test")
    drain(worker(pool))
    with pool.connection() as connection:
        letters = connection.execute('select reason, payload, "offset" from deadletter order by id').fetchall()
    assert [reason.split(";")[0][:40] for reason, _, _ in letters] == [
        "event name 'something.else'",
        "clock ahead: the event's time is 3600 s "[:40],
    ]
    # A letter is a request of its own, so that it can be sent again as it is.
    alone = ExportLogsServiceRequest.FromString(bytes(letters[1][1]))
    assert alone.resource_logs[0].scope_logs[0].log_records == [ahead]
    assert one(pool, "select sum(total)::bigint from v_zone_minute") == len(good)


def test_an_error_that_nobody_thought_of_stops_no_other_record(pool, journal, monkeypatch):
    good = outage(1)
    read = decoding._DECODER.decode
    bad = otlp.to_proto(good[3])

    def stumble(record):
        if record == bad:
            raise ZeroDivisionError
        return read(record)

    monkeypatch.setattr(decoding, "_DECODER", SimpleNamespace(decode=stumble))
    journal.append(request(good), "test")
    drain(worker(pool))
    assert one(pool, "select sum(total)::bigint from v_zone_minute") == len(good) - 1
    assert one(pool, "select reason from deadletter") == "a fault of kafka-bridge: ZeroDivisionError: "


def test_a_resolution_is_paged_only_after_its_page(pool):
    from dns_rules import Engine
    from dns_rules.generate import Span, events

    engine = Engine(INVENTORY, RULES)
    found = engine.step(events("example.com", (Span(to="2m"), Span(from_="2m", to="5m", outcome="timeout"))))
    incident = next(i for i in found.incidents if i.state == "firing")

    def put(state, calls):
        with pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            write.pages(cursor, [structs.replace(incident, state=state, calls=calls)], INVENTORY, Routing(("file",)))

    for state in ("pending", "firing", "resolved"):
        put(state, ())
    assert one(pool, "select count(*) from outbox") == 0
    for state in ("firing", "firing", "resolved", "resolved"):
        put(state, incident.calls)
    assert one(pool, "select count(*) from outbox") == 2


def test_each_call_is_a_page(pool):
    from dns_rules import Call, Engine
    from dns_rules.generate import Span, events

    found = Engine(INVENTORY, RULES).step(
        events("example.com", (Span(to="2m"), Span(from_="2m", to="5m", outcome="timeout")))
    )
    incident = next(i for i in found.incidents if i.state == "firing")
    later = [
        Call(time=incident.updated, team=team, why=why, severity="critical")
        for team, why in (("web", "graver"), ("lead", "escalated"), ("board", "escalated"))
    ]
    with pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
        for number in range(4):
            write.pages(
                cursor,
                [structs.replace(incident, calls=(*incident.calls, *later[:number]))],
                INVENTORY,
                Routing(("file",)),
            )
    with pool.connection() as connection:
        rows = connection.execute("select transition, number from outbox order by id").fetchall()
    assert rows == [("firing", 0), ("graver", 1), ("escalated", 2), ("escalated", 3)]


def test_only_one_correlates_and_the_other_takes_over(pool, journal):
    journal.append(request(outage()), "test")
    drain(worker(pool))
    first, second = (Correlator(pool.conninfo, INVENTORY, RULES, Routing(("file",))) for _ in range(2))
    assert first.turn()
    assert not second.turn()
    assert not second.leading
    assert one(pool, "select count(*) from incident") == 1
    first.stop()
    assert second.turn()
    second.stop()
    assert one(pool, "select count(*) from outbox") == 1


@pytest.mark.parametrize("behind", ["null", "sealed - interval '2 hours'"], ids=["nothing judged", "hours behind"])
def test_a_partition_that_stands_still_does_not_silence_the_others(pool, journal, monkeypatch, behind):
    """It is waited for at first: in a backlog partitions are hours apart for a moment."""
    journal.append(request(outage()), "test")
    drain(worker(pool))
    with pool.connection() as connection:
        connection.execute(
            f"insert into bus_offset (consumer, partition, sealed) select consumer, 1, {behind} from bus_offset"
        )
    correlator = Correlator(pool.conninfo, INVENTORY, RULES, Routing(("file",)))
    told = []
    for passed in (0.0, 59.0, 61.0):
        clock = SimpleNamespace(monotonic=lambda passed=passed: passed)
        monkeypatch.setattr("kafka_bridge.pipeline.correlator.clocks", clock)
        assert correlator.turn()
        told.append(one(pool, "select count(*) from incident"))
    correlator.stop()
    assert told == [0, 0, 1]


def test_a_zone_that_leaves_the_inventory_leaves_the_store_and_its_incident_ends(pool, journal):
    journal.append(request(outage()), "test")
    working = worker(pool)
    drain(working)
    correlate(pool)
    assert one(pool, "select state from incident") == "firing"
    without = structs.replace(INVENTORY, zones=INVENTORY.zones[1:])
    working.partition.inventory = without
    working.turn(now())
    correlate(pool, without)
    assert one(pool, "select state from incident") == "resolved"
    assert one(pool, "select count(*) from zone_state") == 0


def test_a_partition_that_is_a_little_behind_is_waited_for(pool, journal):
    slow = Worker(pool, INVENTORY, RULES, partition=1)
    journal.append(request(outage()), "test")
    drain(worker(pool))
    slow.turn(now() - dt.timedelta(seconds=50))
    correlate(pool)
    assert one(pool, "select count(*) from incident where state = 'firing'") == 1
    updated = one(pool, "select updated from incident")
    assert updated < now() - dt.timedelta(seconds=55)


def test_a_drill_marks_what_begins_in_it(pool, journal):
    with pool.connection() as connection:
        connection.execute(
            "insert into drill (zone, scenario, started) values ('example.com', 'x', now() - interval '1 hour')"
        )
    journal.append(request(outage()), "test")
    drain(worker(pool))
    correlate(pool)
    assert one(pool, "select drill from incident") is True


def test_retention_takes_what_is_old_and_consumed(pool, journal):
    journal.append(request(outage(1)), "test")
    drain(worker(pool))
    journal.append(request(outage(1)), "not consumed")
    with pool.connection() as connection:
        connection.execute("update bus_raw set received = now() - interval '2 days'")
        connection.execute("update seen_event set seen = now() - interval '2 hours'")
    prune(pool, Store())
    assert one(pool, "select string_agg(peer, ',') from bus_raw") == "not consumed"
    assert one(pool, "select count(*) from seen_event") == 0
