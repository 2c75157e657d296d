"""A plan into the store. The caller holds the transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from dns_events import ndjson

from .plan import OUTCOMES, answer_data, answer_mark

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psycopg
    from dns_events import Event
    from dns_rules import Finding, Health, Incident

    from .decode import Dead
    from .plan import Plan

    Cursor = psycopg.Cursor[Any]

#: States of an incident that somebody is told.
TOLD = ("firing", "resolved")

_MINUTE = f"""
insert into observation_minute as m
    (minute, zone, name, qtype, region, server, server_name, role, {", ".join(OUTCOMES)}, secure, bogus, latency)
values (%s, %s, %s, %s, %s, %s, %s, %s, {", ".join(["%s"] * len(OUTCOMES))}, %s, %s, %s)
on conflict (zone, minute, name, qtype, region, server) do update set
    {", ".join(f"{o} = m.{o} + excluded.{o}" for o in OUTCOMES)},
    secure = m.secure + excluded.secure, bogus = m.bogus + excluded.bogus,
    server_name = coalesce(excluded.server_name, m.server_name),
    latency = histogram_add(m.latency, excluded.latency)
"""  # noqa: S608 - the names are OUTCOMES
_ANSWER = """
insert into answer_current as a
    (zone, name, qtype, region, server, server_name, role, outcome, answers, fingerprint, ttl, serial, dnssec,
     time, since)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (zone, name, qtype, region, server) do update set
    server_name = excluded.server_name, role = excluded.role, outcome = excluded.outcome,
    answers = excluded.answers, fingerprint = excluded.fingerprint, ttl = excluded.ttl,
    serial = excluded.serial, dnssec = excluded.dnssec, time = excluded.time,
    since = case when a.fingerprint is distinct from excluded.fingerprint then excluded.since else a.since end
where a.time <= excluded.time
"""


def fresh(cursor: Cursor, ids: list[str]) -> set[str]:
    """Note the ids of events; returns the ones that were not there before."""
    if not ids:
        return set()
    cursor.execute(
        "insert into seen_event (id) select distinct unnest(%s::uuid[]) on conflict do nothing returning id::text",
        (ids,),
    )
    return {row[0] for row in cursor.fetchall()}


def aggregates(cursor: Cursor, plan: Plan) -> None:
    """Counts, latest answers and delegations. Rows in the order of their keys, so that nothing deadlocks."""
    cursor.executemany(
        _MINUTE,
        [
            (
                *key,
                row.server_name,
                row.role,
                *(row.outcomes.get(outcome, 0) for outcome in OUTCOMES),
                row.secure,
                row.bogus,
                row.latency,
            )
            for key, row in sorted(plan.minutes.items())
        ],
    )
    cursor.executemany(
        _ANSWER,
        [
            (
                *key,
                event.server.name,
                event.server.role,
                event.outcome,
                answer_data(event),
                answer_mark(event),
                event.ttl,
                event.serial,
                event.dnssec.status if event.dnssec is not None else None,
                event.time,
                event.time,
            )
            for key, event in sorted(plan.answers.items(), key=lambda item: item[0])
        ],
    )
    cursor.executemany(
        "insert into delegation_current (zone, probe, time, body) values (%s, %s, %s, %s) on conflict (zone, probe) "
        "do update set time = excluded.time, body = excluded.body where delegation_current.time <= excluded.time",
        [
            (zone, probe, event.time, _json(event))
            for (zone, probe), event in sorted(plan.delegations.items(), key=lambda item: item[0])
        ],
    )


def archive(cursor: Cursor, events: Iterable[Event]) -> None:
    """New events into the archive's queue."""
    with cursor.copy("copy archive_queue (event) from stdin") as copy:
        for event in events:
            copy.write_row((ndjson.encode(event).decode(),))


def judgement(cursor: Cursor, findings: Iterable[Finding], health: Iterable[Health]) -> None:
    """Findings, for the record and for the correlation, and health as it is now."""
    bodies = [(f, _json(f)) for f in findings]
    cursor.executemany(
        "insert into finding (id, state, zone, rule, time, body) values (%s, %s, %s, %s, %s, %s) "
        "on conflict do nothing",
        [(f.id, f.state, f.zone, f.rule, f.time, body) for f, body in bodies],
    )
    cursor.executemany("insert into finding_queue (body) values (%s)", [(body,) for _, body in bodies])
    rows = [
        (h.zone, h.time, h.status, h.score, _json(h.reasons), h.agreement, h.dnssec, _json(h.regions)) for h in health
    ]
    cursor.executemany(
        "insert into zone_health (zone, time, status, score, reasons, agreement, dnssec, regions) "
        "values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (zone) do update set time = excluded.time, "
        "status = excluded.status, score = excluded.score, reasons = excluded.reasons, "
        "agreement = excluded.agreement, dnssec = excluded.dnssec, regions = excluded.regions",
        rows,
    )
    cursor.executemany(
        "insert into zone_health_minute (zone, minute, status, score, agreement) "
        "values (%s, date_trunc('minute', %s), %s, %s, %s) on conflict (zone, minute) do update set "
        "status = excluded.status, score = least(zone_health_minute.score, excluded.score), "
        "agreement = excluded.agreement",
        [(zone, time, status, score, agreement) for zone, time, status, score, _, agreement, _, _ in rows],
    )


def states(cursor: Cursor, partition: int, zones: Iterable[tuple[str, bytes]]) -> None:
    """The judgement's state of zones."""
    cursor.executemany(
        "insert into zone_state (zone, partition, state) values (%s, %s, %s) on conflict (zone) do update set "
        "partition = excluded.partition, state = excluded.state, updated = now()",
        [(zone, partition, state) for zone, state in zones],
    )


def forget_states(cursor: Cursor, zones: Iterable[str]) -> None:
    """Of zones that are watched no more."""
    if names := sorted(zones):
        cursor.execute("delete from zone_state where zone = any(%s)", (names,))
        cursor.execute("delete from zone_health where zone = any(%s)", (names,))


def correlation(cursor: Cursor, state: bytes) -> None:
    """The correlation's state."""
    cursor.execute(
        "insert into correlation_state (state) values (%s) on conflict (one) do update set "
        "state = excluded.state, updated = now()",
        (state,),
    )


def incidents(cursor: Cursor, changed: Iterable[Incident]) -> None:
    """Incidents as they are now, and every change of them."""
    for i in changed:
        cursor.execute(
            "insert into incident (id, zone, rule, class, severity, state, since, updated, owner, title, drill, body) "
            "values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict (id) do update set "
            "rule = excluded.rule, class = excluded.class, severity = excluded.severity, state = excluded.state, "
            "since = excluded.since, updated = excluded.updated, owner = excluded.owner, title = excluded.title, "
            "body = excluded.body",
            (
                i.id, i.zone, i.rule, i.class_, i.severity, i.state, i.since, i.updated, i.owner, i.title, i.drill,
                _json(i),
            ),
        )  # fmt: skip
        cursor.execute("insert into incident_history (id, body) values (%s, %s)", (i.id, _json(i)))


def pages(cursor: Cursor, changed: Iterable[Incident], notifiers: list[str]) -> None:
    """Pages into the outbox: each incident and transition once, a resolution only after its page."""
    for incident in changed:
        if incident.state not in TOLD:
            continue
        cursor.execute(
            "insert into outbox (incident, transition, body) select %(id)s, %(transition)s, %(body)s "
            "where %(transition)s = 'firing' or exists (select 1 from outbox where incident = %(id)s "
            "and transition = 'firing') on conflict do nothing returning id",
            {"id": incident.id, "transition": incident.state, "body": _json(incident)},
        )
        row = cursor.fetchone()
        if row is not None:
            cursor.executemany(
                "insert into delivery (page, notifier) values (%s, %s)",
                [(row[0], name) for name in notifiers],
            )


def publications(cursor: Cursor, topic: str, values: Iterable[tuple[str, Finding | Incident]]) -> None:
    """What is to be told to a topic, by key."""
    cursor.executemany(
        "insert into publication (topic, key, body) values (%s, %s, %s)",
        [(topic, key, _json(value)) for key, value in values],
    )


def dead_letters(cursor: Cursor, topic: str | None, partition: int, dead: Iterable[tuple[int, Dead]]) -> None:
    """What could not be read, with its reason and its offset."""
    cursor.executemany(
        'insert into deadletter (topic, partition, "offset", reason, payload) values (%s, %s, %s, %s, %s) '
        "on conflict do nothing",
        [(topic, partition, offset, letter.reason, letter.payload) for offset, letter in dead],
    )


def _json(value: Any) -> str:
    # PostgreSQL's text cannot hold NUL; a resolver may put one into an EDE text.
    return msgspec.json.encode(value).decode().replace("\\u0000", "\\ufffd")
