"""An estate of two zones with everything that a dashboard tells of, written as the bridge writes it."""

from __future__ import annotations

import datetime as dt

import psycopg
from dns_rules.generate import Span, events
from kafka_bridge import audit
from kafka_bridge.evidence.notary import Notary
from kafka_bridge.intake.journal import Journal
from kafka_bridge.pipeline import write
from kafka_bridge.pipeline.plan import plan
from kafka_bridge.pipeline.worker import Worker
from kafka_bridge.store.ground import grant
from kafka_bridge.store.pool import connect, open_pool
from wire import INVENTORY, RULES, correlate, outage, request

RESOLVERS = ("192.0.2.53", "192.0.2.54")


def fill(address, reader="dashboards"):
    """The address of a role that reads the views and nothing else."""
    with open_pool(address) as pool:
        observe(pool)
        judge(pool)
        keep(pool, address)
        with connect(address) as owner:
            owner.execute(f"create role {reader} login password 'x'")
            grant(owner, reader)
    # Its search path does not lead to the views: dashboards name the schema.
    return psycopg.conninfo.make_conninfo(address, user=reader, password="x", options="-c search_path=public")


def observe(pool):
    """Three hours until half an hour ago: answers that change, DNSSEC, delegations, registrations, changes, traffic."""
    now = dt.datetime.now(dt.UTC)
    for zone, outcome in (("example.com", "answer"), ("example.net", "servfail")):

        def at(minutes, **given):
            span = Span(to="1m", every="1m", **given)
            return events(zone, (span,), now - dt.timedelta(minutes=minutes), number=minutes)  # noqa: B023

        listed = [
            *events(zone, (
                Span(to="150m", every="5m", dnssec="secure", outcome="answer"),
                Span(from_="60m", to="70m", every="1m", outcome=outcome),
                Span(from_="90m", to="95m", every="1m", dnssec="bogus", outcome=outcome),
                Span(to="150m", every="5m", role="recursive", servers=RESOLVERS, ttl=300),
            ), now - dt.timedelta(minutes=180)),
            *at(170, event="delegation", parent_ns=("ns1.example.org",), ds=("1 13 2 ab",), dnskey=("257 3 13 k1",)),
            *at(100, event="delegation", parent_ns=("ns2.example.org",), ds=(), dnskey=("257 3 13 k2",)),
            *at(170, event="registration", registrar="First", statuses=("client transfer prohibited",), expires="90d"),
            *at(100, event="registration", registrar="Second", statuses=(), expires="90d"),
            *at(20, event="zone_change", actor="alice", removed=("198.51.100.9",)),
            *at(20, event="traffic", queries=100),
        ]  # fmt: skip
        # In one batch only the newest of what a probe says of a zone would be kept.
        half = now - dt.timedelta(minutes=105)
        put(pool, [event for event in listed if event.time < half])
        put(pool, [event for event in listed if event.time >= half])


def judge(pool):
    """An outage of one zone, now, and an answer of the other one that has just changed."""
    with pool.connection() as connection:
        connection.execute(
            "insert into zone_owner values ('example.com', 'web', 'Web', 'critical'), "
            "('example.net', 'shop', 'Shop', 'normal')"
        )
    now = dt.datetime.now(dt.UTC)
    changed = [
        event
        for seconds, data in ((60, "198.51.100.1"), (30, "198.51.100.2"))
        for event in events(
            "example.com",
            (Span(to="1s", every="1s", names=("www.example.com",), role="recursive", servers=RESOLVERS, ttl=300,
                  regions=("eu-west",), data=(data,)),),
            now - dt.timedelta(seconds=seconds), number=seconds,
        )
    ]  # fmt: skip
    journal = Journal(pool)
    journal.append(request([*outage(5, "example.net"), *changed]), "test")
    worker = Worker(pool, INVENTORY, RULES)
    for _ in range(2):
        worker.turn(dt.datetime.now(dt.UTC))
    correlate(pool)
    journal.close()


def keep(pool, address):
    """A dead letter, a deed, and the chain of evidence."""
    with pool.connection() as connection, connection.transaction():
        connection.execute(
            'insert into deadletter (partition, "offset", topic, reason, payload) '
            "values (0, 1, 'dns.raw', 'no OTLP', 'x')"
        )
        audit.record(connection, "test.deed", {"what": "x"}, by="alice")
    notary = Notary(address)
    while notary.turn():
        pass
    notary._leader.drop()


def put(pool, listed):
    with pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
        write.aggregates(cursor, plan(sorted(listed, key=lambda event: event.time)), 0)
