"""What stands on the metrics and in the log records."""

from __future__ import annotations

import pytest
from dns_events import Dnssec, Observation, Probe, Record, Server, new_id, otlp, semconv
from msgspec import structs
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from otel_dns_receiver import Telemetry
from signed import NOW


@pytest.fixture
def sdk():
    reader, exporter = InMemoryMetricReader(), InMemoryLogRecordExporter()
    meters, loggers = MeterProvider([reader]), LoggerProvider()
    loggers.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    yield Telemetry(meters, loggers), reader, exporter
    meters.shutdown()
    loggers.shutdown()


def observation(**changes):
    fields = {
        "id": new_id(), "time": NOW, "probe": Probe(id="eu-1", region="eu-west", clock_age=2.0), "zone": "example.com",
        "name": "www.example.com", "qtype": "A", "server": Server(address="192.0.2.53", role="authoritative"),
        "transport": "udp", "outcome": "answer", "rcode": "NOERROR", "latency": 0.03, "ttl": 300,
        "answers": (Record(name="www.example.com", type="A", ttl=300, data="192.0.2.1"),),
        "dnssec": Dnssec(status="secure", expires=NOW),
    }  # fmt: skip
    return Observation(**(fields | changes))


def metrics(reader):
    return {
        metric.name: metric.data.data_points
        for resource in reader.get_metrics_data().resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def test_the_histogram_has_the_advised_buckets_and_the_conventions_attributes(sdk):
    telemetry, reader, _ = sdk
    telemetry.record(observation())
    (point,) = metrics(reader)[semconv.LOOKUP_DURATION]
    assert tuple(point.explicit_bounds) == semconv.LOOKUP_DURATION_BUCKETS
    assert point.attributes[semconv.DNS_QUESTION_NAME] == "www.example.com"
    assert semconv.ERROR_TYPE not in point.attributes


def test_a_failure_carries_its_type_and_a_timeout_has_no_duration(sdk):
    telemetry, reader, _ = sdk
    telemetry.record(observation(outcome="servfail", rcode="SERVFAIL", answers=(), dnssec=None))
    telemetry.record(observation(outcome="timeout", rcode=None, latency=None, answers=(), ttl=None, dnssec=None))
    found = metrics(reader)
    (point,) = found[semconv.LOOKUP_DURATION]
    assert point.attributes[semconv.ERROR_TYPE] == "servfail"
    outcomes = {p.attributes[semconv.OUTCOME]: p.value for p in found[semconv.OBSERVATIONS]}
    assert outcomes == {"servfail": 1, "timeout": 1}


def test_gauges(sdk):
    telemetry, reader, _ = sdk
    telemetry.record(observation())
    found = metrics(reader)
    assert found[semconv.DNSSEC_EXPIRY][0].value == NOW.timestamp()
    assert found[semconv.ANSWER_TTL][0].value == 300
    assert found[semconv.CLOCK_AGE][0].value == 2.0
    first = found[semconv.ANSWER_SET][0].value
    telemetry.record(observation(ttl=5))
    assert metrics(reader)[semconv.ANSWER_SET][0].value == first
    telemetry.record(observation(answers=(Record(name="www.example.com", type="A", ttl=300, data="203.0.113.9"),)))
    assert metrics(reader)[semconv.ANSWER_SET][0].value != first


@pytest.mark.parametrize(
    ("probe", "region"),
    [(Probe(id="eu-1", region="eu-west", clock_skew=0.2), "eu-west"), (Probe(id="lone", clock_skew=0.2), "lone")],
    ids=["with a region", "without one"],
)
def test_what_a_probe_says_of_itself_names_its_region(sdk, probe, region):
    telemetry, reader, _ = sdk
    telemetry.of_probe(probe, blind=False, controls={"eu over udp": True})
    telemetry.record(observation(probe=structs.replace(probe, clock_age=2.0)))
    found = metrics(reader)
    own = {semconv.PROBE_ID: probe.id, semconv.PROBE_REGION: region}
    for name, value, more in (
        (semconv.PROBE_BLIND, 0, {}),
        (semconv.CLOCK_SKEW, 0.2, {}),
        (semconv.CLOCK_AGE, 2.0, {}),
        (semconv.PROBE_CONTROL, 1, {semconv.SERVER_NAME: "eu over udp"}),
    ):
        (point,) = found[name]
        assert (point.value, dict(point.attributes)) == (value, own | more), name


def test_no_answer_stands_in_a_label(sdk):
    telemetry, reader, _ = sdk
    telemetry.record(observation())
    assert all(
        "192.0.2.1" not in map(str, point.attributes.values())
        for points in metrics(reader).values()
        for point in points
    )


def test_the_log_record_is_the_event(sdk):
    telemetry, _, exporter = sdk
    event = observation()
    telemetry.record(event)
    (item,) = exporter.get_finished_logs()
    record = item.log_record
    assert record.event_name == "dns.observation"
    assert otlp.decode(record.event_name, record.timestamp, record.attributes, record.body) == event
