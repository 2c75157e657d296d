"""What the intake remembers is bounded, and it reads a record's claims as the pipeline does."""

from __future__ import annotations

import itertools
import threading
from contextlib import ExitStack

import pytest
from dns_events import DnsEventsError, otlp, semconv
from kafka_bridge.intake.bucket import Bucket
from kafka_bridge.intake.claims import claimed
from kafka_bridge.intake.complaints import Complaints
from kafka_bridge.intake.counts import UNKNOWN, IntakeCounts
from kafka_bridge.intake.passage import Passage, digest_of
from kafka_bridge.intake.refusal import REASONS, RefusedError
from kafka_bridge.probes.roster import Limits
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from senders import events_of

LIMITS = Limits(rate=10, rate_bytes=1000, burst=2, max_bytes=None)


@pytest.mark.parametrize(
    ("steps", "waits"),
    [
        ([(0, 20), (0, 1)], [0, 0.1]),
        ([(0, 20), (1, 10), (1, 5)], [0, 0, 0.5]),
        ([(0, 20), (9, 20), (9, 1)], [0, 0, 0.1]),
        ([(0, 50), (1, 1), (3.1, 1)], [0, 2.1, 0]),
        ([(0, 1), (0, 50)], [0, 0.1]),
    ],
    ids=["a burst", "the rate", "no more than a burst", "a large request is owed", "and waits for a full bucket"],
)
def test_a_bucket(steps, waits):
    bucket = Bucket(10, 2, 0)
    assert [bucket.take(amount, now) for now, amount in steps] == [pytest.approx(wait) for wait in waits]


def test_the_last_4096_requests_are_known_again():
    passage = Passage(LIMITS, 0)
    digests = [digest_of(str(number).encode()) for number in range(10_000)]
    for digest in digests:
        assert not passage.knows(digest)
        passage.remember(digest)
    assert [passage.knows(digest) for digest in digests] == [False] * (10_000 - 4096) + [True] * 4096
    assert len(passage._digests) == 4096 * 16


def test_bytes_have_a_rate_too():
    passage = Passage(LIMITS, 0)
    passage.octets(2000, 0)
    with pytest.raises(RefusedError, match=r"over 1000 bytes a second; come back in 0\.5 s"):
        passage.octets(500, 0)
    passage.unpacked(1000)
    with pytest.raises(RefusedError, match=r"1\.5 s"):
        passage.octets(500, 0)


def test_one_probe_holds_so_many_threads_only():
    passage = Passage(LIMITS, 0)
    with ExitStack() as stack:
        for _ in range(12):
            stack.enter_context(passage.turn())
        with pytest.raises(RefusedError, match="12 requests of this probe"), passage.turn():
            pass
    with passage.turn():
        pass


def test_counts_are_whole_and_bounded():
    counts = IntakeCounts(most=3)

    def work():
        for number in range(1000):
            counts.refused("rate", f"p{number % 5}")
            counts.accepted(None, 2, 10)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    snapshot = counts.snapshot()
    assert snapshot.accepted == {UNKNOWN: (4000, 8000, 40_000)}
    assert len(snapshot.refused) == 4
    assert sum(snapshot.refused.values()) == 4000
    assert snapshot.refused["rate", UNKNOWN] == 1600


def test_complaints_are_bounded_and_of_one_line(caplog):
    complaints = Complaints()
    for number in range(20_000):
        complaints.say(RefusedError(REASONS[number % 9], "a\nb\x1b[2J" + "x" * 9999), f"p{number}", "peer", 0.0)
    assert len(complaints._said) <= 10_000
    assert all("\n" not in record.getMessage() and "\x1b" not in record.getMessage() for record in caplog.records)
    assert max(len(record.getMessage()) for record in caplog.records) < 700


PLAIN = [AnyValue(string_value="eu-1"), AnyValue(string_value="us-1"), AnyValue(string_value="мск"), AnyValue()]
ODD = [AnyValue(int_value=5), AnyValue(array_value=ArrayValue(values=[AnyValue(string_value="eu-1")]))]
BODIES = [
    "",
    "{}",
    '{"probe": {"id": "us-1"}}',
    '{"probe": {"region": "us-1"}}',
    '{"probe": {"id": "us-1"}, "probe": {"id": "eu-1", "region": "x"}}',
    '{"\\u0070robe": {"\\u0069d": "us-1", "region": null}}',
    '{"probe": ["us-1"]}',
    '{"probe": null}',
    '{"probe": {"id": 5}}',
    "[" * 5000,
    "no JSON",
]


def test_claims_are_read_as_the_pipeline_reads_them():
    """Over all combinations: what it decodes is of the probe and region that were checked."""
    base = otlp.to_proto(events_of("x", None, 1)[0])
    others = [item for item in base.attributes if item.key != semconv.PROBE_ID]
    own = [[], *([value] for value in PLAIN + ODD), *map(list, itertools.permutations(PLAIN[:2]))]
    decoded = 0
    for ids, regions, body in itertools.product(own, own, BODIES):
        record = type(base)()
        record.CopyFrom(base)
        record.body.string_value = body
        del record.attributes[:]
        record.attributes.extend(others)
        record.attributes.extend(KeyValue(key=semconv.PROBE_ID, value=value) for value in ids)
        record.attributes.extend(KeyValue(key=semconv.PROBE_REGION, value=value) for value in regions)
        claim = claimed(record)
        try:
            event = otlp.from_proto(record)
        except DnsEventsError:
            continue
        decoded += 1
        assert claim == (event.probe.id, event.probe.region), record
    assert decoded > 100
