"""The store on both grounds: the same rows in give the same views out."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import subprocess
import sys
import threading

import psycopg
import pytest
from dns_events import Delegation, Probe, Record, Registration, Server, Traffic, ZoneChange, new_id
from dns_rules.generate import Span, events
from kafka_bridge.board.asking import Reading
from kafka_bridge.board.choice import Choice
from kafka_bridge.board.questions import executive
from kafka_bridge.board.questions.words import merged
from kafka_bridge.config import Store
from kafka_bridge.pipeline import write
from kafka_bridge.pipeline.plan import plan
from kafka_bridge.store import timescale
from kafka_bridge.store.ground import grant, ground
from kafka_bridge.store.migrate import SCHEMA, migrate, packaged
from kafka_bridge.store.pool import connect, open_pool
from kafka_bridge.store.rollup import note_late, reopen, roll_up
from kafka_bridge.store.upkeep import Upkeep, kept, prune
from msgspec import structs
from wire import INVENTORY_YAML

NOW = dt.datetime.now(dt.UTC).replace(second=0, microsecond=0)
HOUR = dt.timedelta(hours=1)
ZONES = ("example.com", "example.net")


@pytest.fixture
def filled(store):
    """Three days of two zones, in batches, as a worker would write them."""
    with open_pool(store) as pool:
        put(pool, history())
        yield pool


def history():
    found = []
    for number, zone in enumerate(ZONES):
        for hours in (0, 1, 25, 47, 71):
            start = NOW - hours * HOUR - dt.timedelta(minutes=20)
            spans = (
                Span(to="5m", every="20s"),
                Span(from_="5m", to="8m", every="20s", outcome="timeout" if number else "nxdomain"),
                Span(from_="8m", to="15m", every="20s"),
            )
            found += [slower(event, start) for event in events(zone, spans, start)]
    return found


def slower(event, start):
    """In the second half an answer takes 90 ms and not 12."""
    late = event.latency is not None and event.time >= start + dt.timedelta(minutes=8)
    return structs.replace(event, latency=0.09) if late else event


def put(pool, listed, slot=0):
    with pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
        made = plan(listed)
        note_late(cursor, {(key[0], key[1]) for key in made.minutes})
        write.aggregates(cursor, made, slot)


def rows(pool, sql, *values):
    with pool.connection() as connection:
        return connection.execute(sql, values).fetchall()


def settle(pool):
    """What the store's own upkeep does in time, now: roll-ups, or a refresh of the continuous aggregates."""
    with pool.connection() as connection:
        on = ground(connection)
        if on == "timescale":
            for view in ("zone_minute", "zone_hour", "latency_hour", "zone_day", "latency_day"):
                connection.execute(f"call refresh_continuous_aggregate('{view}', null, now() - interval '2 minutes')")
    Upkeep(pool, Store()).turn()


def recount(listed, width):
    """From the events themselves: totals and failures by bucket and zone."""
    found = {}
    failed = {"refused", "servfail", "error", "timeout", "unreachable", "malformed", "referral"}
    for event in listed:
        time = event.time - (event.time - dt.datetime(2000, 1, 3, tzinfo=dt.UTC)) % width
        total, bad, latency = found.get((time, event.zone), (0, 0, 0))
        found[time, event.zone] = (
            total + 1, bad + (event.outcome in failed), latency + (event.latency is not None),
        )  # fmt: skip
    return found


LEVELS = {"minute": dt.timedelta(minutes=1), "hour": HOUR, "day": dt.timedelta(days=1)}


def check(pool, listed):
    for level, width in LEVELS.items():
        expected = recount(listed, width)
        found = rows(pool, f"select {level}, zone, sum(total)::int, sum(failed)::int from v_zone_{level} group by 1, 2")
        assert {(t, z): (n, f) for t, z, n, f in found} == {k: v[:2] for k, v in expected.items()}, level
        found = rows(pool, f"select {level}, zone, sum(count)::int from v_latency_bucket_{level} group by 1, 2")
        assert {(t, z): n for t, z, n in found} == {k: v[2] for k, v in expected.items() if v[2]}, level


def test_each_level_is_whole_before_and_after_it_is_closed(filled):
    check(filled, history())
    settle(filled)
    check(filled, history())


def test_what_comes_late_is_counted_where_it_belongs(filled):
    settle(filled)
    late = events("example.com", (Span(to="2m", every="20s", outcome="servfail"),), NOW - 26 * HOUR)
    put(filled, late, slot=3)
    settle(filled)
    check(filled, [*history(), *late])
    total = rows(filled, "select sum(total)::int, sum(servfail)::int from v_estate_minute")
    assert total == [(len(history()) + len(late), len(late))]
    by_day = "select day, sum(total)::int, sum(servfail)::int from {} group by 1 order by 1"
    assert rows(filled, by_day.format("v_estate_day")) == rows(filled, by_day.format("v_zone_day"))


@pytest.mark.parametrize("store", ["plain"], indirect=True)
def test_levels_are_whole_at_any_moment_whatever_comes_late(store):
    """Over midnight and the hours around it, turn by turn, as time would have it; a tenth comes up to an hour late."""
    rng = random.Random(20261125)
    midnight = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
    start, end = midnight - 2 * HOUR, midnight + 2 * HOUR
    waiting = [
        (event.time + (rng.uniform(0, 1) * HOUR if rng.random() < 0.1 else dt.timedelta(seconds=2)), event)
        for zone in ZONES
        for event in events(zone, (Span(to="4h", every="2m"),), start)
    ]
    keep = dict.fromkeys(LEVELS, dt.timedelta(days=9))
    told = []
    with open_pool(store) as pool:
        now = start
        while now < end + HOUR:
            now += dt.timedelta(seconds=rng.choice((40, 400, 1500)))
            arrived = [event for time, event in waiting if time <= now]
            waiting = [entry for entry in waiting if entry[0] > now]
            if arrived:
                put(pool, arrived)
                told += arrived
            if rows(pool, _LATE) == [(0,)]:
                check(pool, told)
            roll_up(pool, now, keep=keep)
            check(pool, told)
        assert not waiting
        assert rows(pool, _LATE) == [(0,)]
        # Laid again, as after an upgrade: the open buckets are made from what is closed.
        with pool.connection() as connection:
            connection.execute(
                "delete from zone_day_closed where day >= (select closed from rollup where level = 'day')"
            )
            reopen(connection)
        check(pool, told)


_LATE = "select count(*) from rollup_late"


def test_nothing_is_closed_over_a_batch_that_is_not_committed_yet(store):
    with open_pool(store) as pool:
        with pool.connection() as connection:
            if ground(connection) == "timescale":
                return  # it sees to that by itself
        listed = events("example.com", (Span(to="2m", every="20s"),), NOW - HOUR)
        made = plan(listed)
        with pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            note_late(cursor, {(key[0], key[1]) for key in made.minutes})
            closing = threading.Thread(target=settle, args=(pool,))
            closing.start()
            write.aggregates(cursor, made)
            assert closing.is_alive()
        closing.join(20)
        assert not closing.is_alive()
        assert rows(pool, "select sum(answer)::int from zone_minute_closed") == [(len(listed),)]


def test_what_comes_after_its_minutes_are_gone_changes_no_hour(filled):
    """Hours are kept longer than minutes: what is left of old minutes must not stand for them."""
    settle(filled)
    before = rows(
        filled, "select hour, zone, sum(total) from v_zone_hour where hour < %s group by 1, 2", NOW - 24 * HOUR
    )
    store = Store(minutes="24h")
    prune(filled, store)
    if rows(filled, "select 1 from rollup"):
        put(filled, events("example.com", (Span(to="1m", every="20s"),), NOW - 47 * HOUR - dt.timedelta(minutes=30)))
        Upkeep(filled, store).turn()
        after = rows(
            filled, "select hour, zone, sum(total) from v_zone_hour where hour < %s group by 1, 2", NOW - 24 * HOUR
        )
        assert sorted(after) == sorted(before)


OWNED = {
    "each its own": ("web", "shop", {"web": ["example.com"], "shop": ["example.net"]}),
    "turned about": ("shop", "web", {"web": ["example.net"], "shop": ["example.com"]}),
    "all of one": ("web", "web", {"web": ["example.com", "example.net"], "shop": []}),
}


@pytest.mark.parametrize(("of_com", "of_net", "expected"), OWNED.values(), ids=OWNED)
def test_what_was_counted_is_of_the_team_that_the_zone_has_now(filled, of_com, of_net, expected):
    settle(filled)
    with filled.connection() as connection:
        for owners in (("web", "shop"), (of_com, of_net)):
            for zone, owner in zip(ZONES, owners, strict=True):
                connection.execute(
                    "insert into zone_owner values (%s, %s, %s, 'normal') on conflict (zone) do update "
                    "set owner = excluded.owner",
                    (zone, owner, owner),
                )
    share = "select 1 - sum(failed)::float8 / sum(total) from v_zone_hour where zone = any(%s)"
    for team, zones in expected.items():
        ((answered,),) = rows(filled, share, zones)
        choice = Choice(start=NOW - 96 * HOUR, end=NOW, back=None, owner=team)
        with filled.connection() as connection:
            ask = Reading(connection, choice)
            assert ask.value(executive.available()) == pytest.approx(answered)
            assert {row["metric"] for row in ask.rows(executive.available_by_team())} == ({team} if zones else set())
            assert sorted(row["zone"] for row in ask.rows(executive.least_available())) == zones
            promised = [(row["owner"], row["zones"]) for row in ask.rows(executive.PROMISE_BY_TEAM)]
            assert promised == ([(team, len(zones))] if zones else [])
            counted = ask.value(f"select sum(count) from {merged()}")
            ((of_view,),) = rows(filled, "select sum(count) from v_latency_bucket_hour where zone = any(%s)", zones)
            assert counted == of_view


def test_the_quantiles_are_those_of_the_events(filled):
    settle(filled)
    for view in (
        "v_latency_minute",
        "v_latency_hour",
        "v_latency_day",
        "v_latency_server_minute",
        "v_latency_estate_minute",
    ):
        for p50, p95, p99 in rows(filled, f"select p50, p95, p99 from {view}"):
            assert 0.010 < p50 <= p95 <= p99 < 0.12, view
    whole = rows(filled, "select histogram_quantile(histogram(bucket, count), 0.95) from v_latency_bucket_day")
    assert whole[0][0] == pytest.approx(0.09, rel=0.2)


def test_every_view_can_be_read_and_is_documented(filled):
    from pathlib import Path

    documented = (Path(__file__).parent.parent / "docs" / "views.md").read_text()
    names = [row[0] for row in rows(filled, "select viewname from pg_views where schemaname = 'dnstower'")]
    public = [name for name in names if name.startswith("v_")]
    assert len(public) > 30
    for name in public:
        rows(filled, f"select * from {name}")
        assert f"`{name}`" in documented, name


def observed(data, time, *, region="eu-west", qtype="A", role="recursive", server="192.0.2.53"):
    (one,) = events("example.com", (Span(to="1s", every="1s"),), time)[:1]
    return structs.replace(
        one, id=new_id(), time=time, name="example.com", qtype=qtype, outcome="answer",
        probe=Probe(id=f"{region}-1", region=region), server=Server(address=server, role=role),
        answers=tuple(Record(name="example.com", type=qtype, ttl=300, data=item) for item in data),
    )  # fmt: skip


def test_who_answered_what_from_when_to_when(store):
    with open_pool(store) as pool:
        at = [NOW - dt.timedelta(minutes=m) for m in (10, 9, 8, 7, 6)]
        put(pool, [observed(["192.0.2.1"], at[0]), observed(["192.0.2.1"], at[1]), observed(["192.0.2.2"], at[2])])
        put(pool, [observed(["192.0.2.2"], at[3]), observed(["192.0.2.1"], at[4])])
        put(pool, [observed(["192.0.2.9"], at[1])])  # older than what is known: it is counted, and changes nothing
        found = rows(pool, "select answers->0->>'data', since, until from v_answer_history order by since")
        assert found == [("192.0.2.1", at[0], at[2]), ("192.0.2.2", at[2], at[4]), ("192.0.2.1", at[4], None)]


def test_an_answer_that_differs_each_time_is_not_noted_for_ever(store):
    with open_pool(store) as pool:
        start = NOW.replace(hour=1) - dt.timedelta(days=1)
        for n in range(0, 900, 300):
            put(
                pool,
                [observed([f"192.0.2.{k % 2 + 1}"], start + dt.timedelta(seconds=20 * k)) for k in range(n, n + 300)],
            )
        # 500, and then one each hour: from 3:46 until 6:00 these are two more.
        assert rows(pool, "select count(*) from v_answer_history") == [(503,)] or rows(
            pool, "select count(*) from v_answer_history"
        ) == [(504,)]


def test_transitions_of_facts(store):
    probe = Probe(id="eu-1", region="eu-west")
    with open_pool(store) as pool:

        def delegation(minute, ns, ds):
            time = NOW - dt.timedelta(minutes=minute)
            put(pool, [Delegation(id=new_id(), time=time, probe=probe, zone="example.com", parent_ns=ns, ds=ds)])

        delegation(9, ("b.example.net", "a.example.net"), ("1 13 2 ab",))
        delegation(8, ("a.example.net", "b.example.net"), None)  # another order, and a DS that could not be read
        delegation(7, ("a.example.net", "b.example.net"), ())
        delegation(6, ("x.example.org",), ())
        found = rows(pool, "select fact, before, after from v_transition order by at")
        assert found == [
            ("ds", ["1 13 2 ab"], []),
            ("parent_ns", ["a.example.net", "b.example.net"], ["x.example.org"]),
        ]
        assert rows(pool, "select count(*) from v_ns_transition") == [(1,)]
        put(
            pool,
            [
                Registration(
                    id=new_id(), time=NOW - dt.timedelta(minutes=n), probe=probe, zone="example.com",
                    statuses=statuses, registrar="Example Inc", error=error,
                )
                for n, statuses, error in ((5, ("client transfer prohibited",), None), (4, None, "429"))
            ],
        )  # fmt: skip
        assert rows(pool, "select body->>'registrar', body->'statuses' from v_registration") == [
            ("Example Inc", ["client transfer prohibited"])
        ]


def test_resolvers_that_kept_the_old_nameservers_are_named(store):
    probe = Probe(id="eu-1", region="eu-west")
    change = NOW - dt.timedelta(minutes=5)
    with open_pool(store) as pool:
        for minute, ns in ((10, "old.example.net"), (5, "new.example.net")):
            time = NOW - dt.timedelta(minutes=minute)
            put(pool, [Delegation(id=new_id(), time=time, probe=probe, zone="example.com", parent_ns=(ns,))])
        for server, last in (("192.0.2.1", "old"), ("192.0.2.2", "new")):
            for time, ns in ((change - dt.timedelta(minutes=1), "old"), (change + dt.timedelta(minutes=2), last)):
                put(pool, [observed([f"{ns}.example.net."], time, qtype="NS", server=server)])
        found = rows(pool, "select server, until is null, stale_for >= interval '2 minutes' from v_stale_ns order by 1")
        assert found == [("192.0.2.1", True, True), ("192.0.2.2", False, True)]


def test_propagation_is_told_by_vantage_and_region(store):
    with open_pool(store) as pool:
        for region, data in (("eu-west", "192.0.2.1"), ("us-east", "192.0.2.1"), ("ap-south", "192.0.2.2")):
            put(pool, [observed([data], dt.datetime.now(dt.UTC), region=region)])
        assert rows(pool, "select region, majority, round(share::numeric, 2)::float from v_propagation order by 1") == [
            ("ap-south", False, 0.33), ("eu-west", True, 0.67), ("us-east", True, 0.67),
        ]  # fmt: skip
        assert rows(pool, "select region from v_propagation_region where agreeing < vantages") == [("ap-south",)]


def test_changes_and_traffic_are_kept(store):
    probe = Probe(id="eu-1", region="eu-west")
    record = Record(name="www.example.com", type="A", ttl=60, data="192.0.2.1")
    change = ZoneChange(
        id=new_id(), time=NOW, probe=probe, zone="example.com", actor="alice", serial_to=2, added=(record,)
    )
    counted = Traffic(id=new_id(), time=NOW, probe=probe, zone="example.com", window=60, queries=10, clients=3)
    with open_pool(store) as pool:
        put(pool, [change, counted])
        put(pool, [structs.replace(counted, id=new_id(), queries=5, clients=2)])
        assert rows(pool, "select actor, added->0->>'data' from v_zone_change") == [("alice", "192.0.2.1")]
        assert rows(pool, "select queries::int, clients::int from v_traffic_minute") == [(15, 3)]
        assert rows(pool, "select probe, events::int from v_probe") == [("eu-1", 3)]


def test_a_reader_reads_the_views_and_nothing_else(store, filled):
    role = f"dashboards_{os.getpid()}"
    with connect(store) as owner:
        owner.execute(f"create role {role} login password 'x'")
        try:
            grant(owner, role)
            with connect(psycopg.conninfo.make_conninfo(store, user=role, password="x")) as reader:
                assert reader.execute("select count(*) > 0 from v_zone_hour").fetchone() == (True,)
                for sql in (
                    "select * from bus_raw", "select * from observation_minute", "delete from v_incident",
                    "insert into v_audit default values", "create table dnstower.x (a int)",
                ):  # fmt: skip
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        reader.execute(sql)
            # Views that are made anew are readable still.
            owner.execute("update store_text set checksum = '' where name = 'views'")
            open_pool(store).close()
            with connect(psycopg.conninfo.make_conninfo(store, user=role, password="x")) as reader:
                assert reader.execute("select count(*) from v_zone_overview").fetchone() == (0,)
        finally:
            owner.execute(f"drop owned by {role}")
            owner.execute(f"drop role {role}")


@pytest.mark.parametrize("version", [migration.number for migration in packaged()][:-1])
def test_every_version_comes_up_to_this_one_with_its_rows(store, version):
    with connect(store) as connection:
        migrate(connection, packaged()[:version])
        connection.execute(f"set search_path to {SCHEMA}, public")
        if version < 4:
            latency = [0] * 74
            latency[30] = 2
            connection.execute(
                "insert into observation_minute (minute, zone, name, qtype, region, server, role, answer, latency) "
                "values (%s, 'example.com', 'example.com', 'A', 'eu', '192.0.2.1', 'recursive', 2, %s)",
                (NOW - HOUR, latency),
            )
            connection.execute(
                "insert into answer_current (zone, name, qtype, region, server, role, outcome, answers, time, since) "
                "values ('example.com', 'example.com', 'A', 'eu', '192.0.2.1', 'recursive', 'answer', '[]', %s, %s)",
                (NOW, NOW - HOUR),
            )
    with open_pool(store) as pool:
        if version < 4:
            settle(pool)
            assert rows(pool, "select sum(total)::int, max(answer)::int from v_zone_hour") == [(2, 2)]
            assert rows(pool, "select bucket, count::int from v_latency_bucket_hour") == [(30, 2)]
            assert rows(pool, "select since from v_answer_history") == [(NOW - HOUR,)]


def test_timescale_has_its_jobs_and_says_which_fail(store, filled):
    with connect(store) as connection:
        if ground(connection) == "plain":
            assert connection.execute("select count(*) from rollup").fetchone() == (3,)
            return
        for _ in range(2):
            timescale.set_policies(connection, kept(Store()))
        jobs = connection.execute(
            "select proc_name, count(*) from timescaledb_information.jobs where proc_name like 'policy%' "
            "and job_id >= 1000 group by 1"
        ).fetchall()
        assert dict(jobs) == {
            "policy_compression": 6, "policy_refresh_continuous_aggregate": 5, "policy_retention": 11,
        }  # fmt: skip
        assert timescale.troubles(connection) == []
        sizes = connection.execute("select count(*) from timescaledb_information.hypertables").fetchone()
        assert sizes[0] >= 6


def test_the_apache_licence_gets_our_own_roll_ups(store):
    with connect(store) as connection:
        if connection.execute("select count(*) from pg_available_extensions where name = 'timescaledb'").fetchone() == (
            0,
        ):
            pytest.skip("this server has no TimescaleDB")
    apache = psycopg.conninfo.make_conninfo(store, options="-c timescaledb.license=apache")
    with psycopg.connect(apache) as connection:
        row = connection.execute("select current_setting('timescaledb.license', true)").fetchone()
        if row != ("apache",):
            pytest.skip("this server does not let a session choose the licence")
    with open_pool(apache) as pool:
        put(pool, history())
        settle(pool)
        check(pool, history())


def command(*words, store):
    return subprocess.run(
        [sys.executable, "-m", "kafka_bridge", "store", *words],
        capture_output=True, text=True, check=False, env={**os.environ, "DNSTOWER_STORE_URL": store},
    )  # fmt: skip


def test_the_commands(store, tmp_path):
    (tmp_path / "inventory.yaml").write_text(INVENTORY_YAML)
    config = tmp_path / "bridge.yaml"
    config.write_text("version: 1\ninventory: inventory.yaml\n")
    role = f"grafana_{os.getpid()}"
    done = command("reader", role, "--config", str(config), "--json", store=store)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"role": role, "made": True}), done.stderr
    shown = command("show", "--config", str(config), "--json", store=store)
    found = json.loads(shown.stdout)
    assert shown.returncode == 0, shown.stderr
    assert "answer_history" in found["tables"] or len(found["tables"]) == 12
    assert "stands on" in command("show", "--config", str(config), store=store).stdout
    with connect(store) as connection:
        assert connection.execute("select action from audit_log").fetchall() == [("store.reader",)]
        assert found["ground"] == ground(connection)
        connection.execute(f"drop owned by {role}")
        connection.execute(f"drop role {role}")
