"""Events cannot exist invalid."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from dns_events import (
    MAX_EXTRA_BYTES,
    InvalidEventError,
    Probe,
    Record,
    Server,
    Traffic,
    derived_id,
    fingerprint,
    new_id,
    type_of,
)
from hypothesis import given
from strategies import events
from test_codecs import NOW, observation


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"zone": "Example.com"}, "write 'example.com'"),
        ({"name": "www.example.com."}, "write 'www.example.com'"),
        ({"id": "7"}, "not a UUID"),
        ({"time": NOW.astimezone(dt.timezone(dt.timedelta(hours=1)))}, "not in UTC"),
        ({"latency": -0.1}, "0 or more"),
        ({"latency": float("nan")}, "0 or more"),
        ({"outcome": "timeout"}, "nothing came back"),
        ({"qtype": ""}, "empty"),
        ({"extra": {}}, "write null"),
        ({"extra": {"a": "x" * MAX_EXTRA_BYTES}}, "at most 16384"),
        ({"extra": {"a": object()}}, "not JSON"),
    ],
)
def test_a_contradiction_is_refused(changes, message):
    with pytest.raises(InvalidEventError, match=message):
        observation(**changes)


def test_values_are_frozen():
    event = observation()
    with pytest.raises(AttributeError):
        event.name = "other.example.com"


@pytest.mark.parametrize(
    "build",
    [
        lambda: Server(address="", role="recursive"),
        lambda: Server(address="192.0.2.1", port=70000, role="recursive"),
        lambda: Record(name="example.com", type="A", ttl=2**32, data="192.0.2.1"),
        lambda: Probe(id=""),
        lambda: Probe(id="eu-1", region=""),
        lambda: Probe(id="eu\t1"),
        lambda: Probe(id="eu-1", region="eu\nwest"),
        lambda: Probe(id="eu-1", clock_age=-1),
        lambda: Traffic(id=new_id(), time=NOW, probe=Probe(id="p"), zone="a", window=-1, queries=1),
    ],
)
def test_parts_are_checked_too(build):
    with pytest.raises(InvalidEventError):
        build()


@given(events)
def test_every_event_knows_its_type(event):
    assert type_of(event) in {"observation", "delegation", "registration", "zone_change", "traffic"}


def test_derived_ids_follow_from_time_and_bytes():
    first, again, other = derived_id(NOW, b"a"), derived_id(NOW, b"a"), derived_id(NOW, b"b")
    assert first == again != other
    assert derived_id(NOW + dt.timedelta(microseconds=1), b"a") not in {first, other}
    assert uuid.UUID(first).version == 7
    assert uuid.UUID(first).variant == uuid.RFC_4122
    assert int(first.replace("-", "")[:12], 16) == int(NOW.timestamp() * 1000)
    later = derived_id(NOW + dt.timedelta(milliseconds=1), b"a")
    assert first < later
    with pytest.raises(InvalidEventError, match="before 1970"):
        derived_id(dt.datetime(1969, 1, 1, tzinfo=dt.UTC), b"")


def test_ids_sort_by_time():
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 1000


def record(data, type_="A", name="example.com", ttl=300):
    return Record(name=name, type=type_, ttl=ttl, data=data)


class TestFingerprint:
    def test_order_ttl_and_duplicates_do_not_matter(self):
        one, two = record("192.0.2.1"), record("192.0.2.2")
        assert fingerprint([one, two]) == fingerprint([two, record("192.0.2.1", ttl=5), two])

    def test_case_of_names_does_not_matter(self):
        assert fingerprint([record("10 Mail.Example.com.", "MX")]) == fingerprint(
            [record("10 mail.example.COM.", "MX")]
        )

    def test_case_of_text_matters(self):
        assert fingerprint([record('"A"', "TXT")]) != fingerprint([record('"a"', "TXT")])

    def test_data_type_and_owner_matter(self):
        seen = {
            fingerprint(records)
            for records in (
                [],
                [record("192.0.2.1")],
                [record("192.0.2.2")],
                [record("192.0.2.1", name="www.example.com")],
                [record("2001:db8::1", "AAAA")],
                [record("192.0.2.1"), record("192.0.2.2")],
            )
        }
        assert len(seen) == 6

    def test_signatures_are_left_out(self):
        signed = record("A 13 2 300 20261201000000 20261101000000 1 example.com. AA==", "RRSIG")
        assert fingerprint([record("192.0.2.1"), signed]) == fingerprint([record("192.0.2.1")])

    def test_unknown_types_and_odd_data_are_compared_as_text(self):
        assert fingerprint([record("whatever", "TYPE65280")]) == fingerprint([record("Whatever", "TYPE65280")])
        assert fingerprint([record("not an address")]) != fingerprint([record("192.0.2.1")])

    def test_spelling_of_an_address_does_not_matter(self):
        assert fingerprint([record("2001:db8:0:0::1", "AAAA")]) == fingerprint([record("2001:DB8::1", "AAAA")])
