"""Events as hypothesis makes them."""

from __future__ import annotations

import datetime as dt
from typing import get_args

from dns_events import (
    Delegation,
    Dnssec,
    DnssecCause,
    DnssecStatus,
    Ede,
    Event,
    Observation,
    Outcome,
    Probe,
    Record,
    Registration,
    Role,
    Server,
    Source,
    Traffic,
    Transport,
    ZoneChange,
    names,
)
from dns_events.events import SILENT
from hypothesis import strategies as st

text = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
uint16 = st.integers(0, 65535)
uint32 = st.integers(0, 4294967295)
counts = st.integers(0, 2**63 - 1)
seconds = st.floats(0, 1e6, allow_nan=False)
times = st.datetimes(
    dt.datetime(1990, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    dt.datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(dt.UTC),
)
addresses = st.ip_addresses().map(str)


def optional(strategy):
    return st.none() | strategy


def tuples(strategy, most=4):
    return st.lists(strategy, max_size=most).map(tuple)


@st.composite
def domain_names(draw):
    """Any name of the wire: escaped bytes, dots inside labels, underscores, up to 255 octets."""
    labels = draw(st.lists(st.binary(min_size=1, max_size=63), max_size=8))
    while sum(len(label) + 1 for label in labels) + 1 > 255:
        labels.pop()
    import dns.name

    return names.from_dns(dns.name.Name([*labels, b""]))


ids = st.uuids().map(str)
probes = st.builds(
    Probe,
    id=text,
    region=optional(text),
    network=optional(text),
    clock_age=optional(seconds),
    reach=optional(st.sampled_from([(), ("ipv4",), ("ipv4", "ipv6")])),
)
servers = st.builds(
    Server,
    address=addresses,
    port=uint16,
    name=optional(domain_names()),
    role=st.sampled_from(get_args(Role)),
    nsid=optional(text),
)
records = st.builds(Record, name=domain_names(), type=text, ttl=uint32, data=st.text(max_size=40))
common = {"id": ids, "time": times, "probe": probes, "zone": domain_names()}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=10,
)
extras = st.dictionaries(text, json_values, min_size=1, max_size=5)


@st.composite
def observations(draw):
    outcome = draw(st.sampled_from(get_args(Outcome)))
    silent = outcome in SILENT
    return draw(
        st.builds(
            Observation,
            **common,
            source=st.sampled_from(get_args(Source)),
            name=domain_names(),
            qtype=text,
            server=servers,
            transport=st.sampled_from(get_args(Transport)),
            outcome=st.just(outcome),
            rcode=st.none() if silent else optional(text),
            flags=tuples(text),
            ede=tuples(st.builds(Ede, code=uint16, text=st.text(max_size=20))),
            answers=tuples(records),
            ttl=optional(uint32),
            serial=optional(uint32),
            latency=st.none() if silent else optional(seconds),
            dnssec=optional(
                st.builds(
                    Dnssec,
                    status=st.sampled_from(get_args(DnssecStatus)),
                    cause=optional(st.sampled_from(get_args(DnssecCause))),
                    expires=optional(times),
                )
            ),
            wire=optional(text),
            extra=optional(extras),
        )
    )


delegations = st.builds(
    Delegation,
    **common,
    parent_ns=optional(tuples(domain_names())),
    child_ns=optional(tuples(domain_names())),
    ds=optional(tuples(text)),
    dnskey=optional(tuples(text)),
    serials=st.dictionaries(addresses, uint32, max_size=3),
    lame=tuples(addresses),
)
registrations = st.builds(
    Registration,
    **common,
    registrar=optional(text),
    statuses=optional(tuples(text)),
    nameservers=optional(tuples(domain_names())),
    expires=optional(times),
    changed=optional(times),
    registrant=optional(text),
    transfer=optional(text),
    error=optional(text),
)
zone_changes = st.builds(
    ZoneChange,
    **common,
    actor=optional(text),
    serial_from=optional(uint32),
    serial_to=optional(uint32),
    added=tuples(records),
    removed=tuples(records),
)
traffic = st.builds(
    Traffic,
    **common,
    server=optional(servers),
    window=seconds,
    queries=counts,
    outcomes=st.dictionaries(text, counts, max_size=3),
    top_nxdomain=tuples(st.tuples(domain_names(), counts)),
    clients=optional(counts),
)

events: st.SearchStrategy[Event] = st.one_of(observations(), delegations, registrations, zone_changes, traffic)
