"""A plan into the store. The caller holds the transaction."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from kafka_bridge.store.columns import COUNTS

from .plan import answer_mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import psycopg
    from dns_rules import Finding, Health, Incident, Inventory
    from dns_rules.enrichment import Enriched
    from dns_rules.parts import Parts

    from kafka_bridge.evidence.select import Piece
    from kafka_bridge.notify.routing import Routing

    from .decode import Dead
    from .plan import Plan

    Cursor = psycopg.Cursor[Any]

_ANSWER = {
    "zone": "text", "name": "text", "qtype": "text", "region": "text", "server": "text", "server_name": "text",
    "role": "text", "outcome": "text", "answers": "jsonb", "fingerprint": "text", "ttl": "bigint", "serial": "bigint",
    "dnssec": "text", "time": "timestamptz",
}  # fmt: skip
_ANSWER_KEY = ("zone", "name", "qtype", "region", "server")


def fresh(cursor: Cursor, ids: list[str], table: Literal["seen_event", "seen_enriched"] = "seen_event") -> set[str]:
    """Note the ids of events; returns the ones that were not there before."""
    if not ids:
        return set()
    cursor.execute(
        # One text, because psycopg takes longer over a list than PostgreSQL does over the rest.
        f"insert into {table} (id) select distinct unnest(string_to_array(%s, ',')::uuid[]) on conflict do nothing "
        "returning id::text",
        (",".join(ids),),
    )
    return {row[0] for row in cursor.fetchall()}


def aggregates(cursor: Cursor, plan: Plan, slot: int = 0) -> None:
    """Counts, latencies, answers and facts. Rows in the order of their keys, so that nothing deadlocks.

    Args:
        cursor: of the transaction.
        plan: of the batch.
        slot: in which of the estate's rows it counts.
    """
    _add(
        cursor, "observation_minute",
        {
            "minute": "timestamptz", "zone": "text", "name": "text", "qtype": "text", "region": "text",
            "server": "text", "server_name": "text", "role": "text",
        },
        ("zone", "minute", "name", "qtype", "region", "server"),
        COUNTS,
        [
            {
                "minute": minute, "zone": zone, "name": name, "qtype": qtype, "region": region, "server": server,
                "server_name": row.server_name, "role": row.role, **row.counted(),
            }
            for (minute, zone, name, qtype, region, server), row in sorted(plan.minutes.items(), key=_key)
        ],
    )  # fmt: skip
    _add(
        cursor, "latency_minute",
        {"minute": "timestamptz", "zone": "text", "region": "text", "role": "text", "server": "text", "bucket": "int2"},
        ("zone", "minute", "region", "role", "server", "bucket"),
        ("count",),
        [
            {
                "minute": minute, "zone": zone, "region": region, "role": role, "server": server, "bucket": bucket,
                "count": count,
            }
            for (minute, zone, region, role, server, bucket), count in sorted(plan.latencies.items())
        ],
    )  # fmt: skip
    _answers(cursor, plan)
    for table, known in (("delegation_current", plan.delegations), ("registration_current", plan.registrations)):
        cursor.executemany(
            f"insert into {table} as t (zone, probe, time, body) values (%s, %s, %s, %s) on conflict (zone, probe) "  # noqa: S608 - from above
            "do update set time = excluded.time, body = excluded.body where t.time <= excluded.time",
            [(zone, probe, event.time, _json(event)) for (zone, probe), event in sorted(known.items(), key=_key)],
        )
    _others(cursor, plan)
    kinds = {"minute": "timestamptz", "region": "text", "role": "text", "slot": "int2"}
    _add(
        cursor, "estate_minute", kinds, tuple(kinds), COUNTS,
        [
            {"minute": minute, "region": region, "role": role, "slot": slot, **row.counted()}
            for (minute, region, role), row in sorted(plan.estate.items(), key=_key)
        ],
    )  # fmt: skip
    days: dict[tuple[Any, ...], Counter[str]] = {}
    for (minute, *rest), row in plan.estate.items():
        days.setdefault((minute.replace(hour=0, minute=0), *rest), Counter()).update(row.counted())
    _add(
        cursor, "estate_day", {"day": "timestamptz", "region": "text", "role": "text", "slot": "int2"},
        ("day", "region", "role", "slot"), COUNTS,
        [
            {"day": day, "region": region, "role": role, "slot": slot, **counted}
            for (day, region, role), counted in sorted(days.items(), key=_key)
        ],
    )  # fmt: skip
    kinds = {**kinds, "bucket": "int2"}
    _add(
        cursor, "estate_latency_minute", kinds, tuple(kinds), ("count",),
        [
            {"minute": minute, "region": region, "role": role, "slot": slot, "bucket": bucket, "count": count}
            for (minute, region, role, bucket), count in sorted(plan.estate_latencies.items())
        ],
    )  # fmt: skip


def _answers(cursor: Cursor, plan: Plan) -> None:
    columns = ", ".join(_ANSWER)
    others = ", ".join(f"{name} = excluded.{name}" for name in _ANSWER if name not in _ANSWER_KEY)
    # The first of all questions together, then the second: a statement may touch a row once only.
    for number in range(max(map(len, plan.answers.values()), default=0)):
        rows = [
            {
                "zone": zone, "name": name, "qtype": qtype, "region": region, "server": server,
                "server_name": event.server.name, "role": event.server.role, "outcome": event.outcome,
                "answers": event.answers, "fingerprint": answer_mark(event), "ttl": event.ttl, "serial": event.serial,
                "dnssec": event.dnssec.status if event.dnssec is not None else None, "time": event.time,
            }
            for (zone, name, qtype, region, server), listed in sorted(plan.answers.items(), key=_key)
            if number < len(listed)
            for event in (listed[number],)
        ]  # fmt: skip
        cursor.execute(
            f"insert into answer_current as a ({columns}, since) select {columns}, time from {_rows(_ANSWER)} "  # noqa: S608 - words from above
            f"on conflict ({', '.join(_ANSWER_KEY)}) do update set {others}, "
            "since = case when a.fingerprint is distinct from excluded.fingerprint then excluded.since "
            "else a.since end where a.time <= excluded.time",
            (_json(rows),),
        )


def _others(cursor: Cursor, plan: Plan) -> None:
    cursor.executemany(
        "insert into zone_change (id, zone, time, actor, serial_from, serial_to, added, removed) "
        "values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
        [
            (c.id, c.zone, c.time, c.actor, c.serial_from, c.serial_to, _json(c.added), _json(c.removed))
            for c in plan.changes
        ],
    )
    cursor.executemany(
        "insert into traffic_minute as t (minute, zone, server, probe, queries, clients, outcomes, top_nxdomain) "
        "values (date_trunc('minute', %s), %s, %s, %s, %s, %s, %s, %s) on conflict (zone, minute, server, probe) do "
        "update set queries = t.queries + excluded.queries, clients = greatest(t.clients, excluded.clients)",
        [
            (
                t.time, t.zone, "" if t.server is None else t.server.address, t.probe.id, t.queries, t.clients,
                _json(t.outcomes), _json(t.top_nxdomain),
            )
            for t in plan.traffic
        ],
    )  # fmt: skip
    cursor.executemany(
        "insert into probe_seen as p (probe, region, time, arrived, delay, events) "
        "values (%(probe)s, %(region)s, %(time)s, now(), extract(epoch from now() - %(time)s), %(events)s) "
        "on conflict (probe) do update set region = excluded.region, time = greatest(p.time, excluded.time), "
        "arrived = excluded.arrived, delay = excluded.delay, events = p.events + excluded.events",
        [
            {"probe": probe, "region": seen.region, "time": seen.time, "events": seen.events}
            for probe, seen in sorted(plan.probes.items())
        ],
    )


def _add(
    cursor: Cursor,
    table: str,
    kinds: dict[str, str],
    key: tuple[str, ...],
    counted: tuple[str, ...],
    rows: list[dict[str, Any]],
) -> None:
    """Rows whose counts are added to what is there, in one statement. A count that a row does not have is none."""
    if not rows:
        return
    columns = ", ".join([*kinds, *counted])
    values = ", ".join([*kinds, *(f"coalesce({name}, 0)" for name in counted)])
    sums = [f"{name} = t.{name} + excluded.{name}" for name in counted]
    kept = [f"{name} = coalesce(excluded.{name}, t.{name})" for name in kinds if name == "server_name"]
    cursor.execute(
        f"insert into {table} as t ({columns}) "  # noqa: S608 - the caller's words
        f"select {values} from {_rows({**kinds, **dict.fromkeys(counted, 'bigint')})} "
        f"on conflict ({', '.join(key)}) do update set {', '.join(sums + kept)}",
        (_json(rows),),
    )


def _rows(kinds: Mapping[str, str]) -> str:
    """A table of the objects in one parameter, a JSON array: psycopg takes far longer over lists."""
    return f"json_to_recordset(%s::json) as rows ({', '.join(f'{name} {kind}' for name, kind in kinds.items())})"


def _key(item: tuple[tuple[Any, ...], Any]) -> tuple[Any, ...]:
    return item[0]


def archive(cursor: Cursor, events: Iterable[Enriched]) -> None:
    """New events into the archive's queue."""
    with cursor.copy("copy archive_queue (event, enrichment) from stdin") as copy:
        for _, event, enrichment in events:
            copy.write_row((event.decode(), enrichment.decode()))


def evidence(cursor: Cursor, pieces: Iterable[Piece]) -> None:
    """Records on their way into the chain."""
    cursor.executemany(
        "insert into evidence_queue (kind, zone, time, source, body) values (%s, %s, %s, %s, %s)",
        [(piece.kind, piece.zone, piece.time, piece.source, piece.body) for piece in pieces],
    )


def recorded(cursor: Cursor, findings: Iterable[Finding]) -> None:
    """Findings, for the record."""
    cursor.executemany(
        "insert into finding (id, state, zone, rule, time, body) values (%s, %s, %s, %s, %s, %s) "
        "on conflict do nothing",
        [(f.id, f.state, f.zone, f.rule, f.time, _json(f)) for f in findings],
    )


def judgement(cursor: Cursor, findings: Iterable[Finding], health: Iterable[Health]) -> None:
    """Findings, for the record and for the correlation, and health as it is now."""
    found = list(findings)
    recorded(cursor, found)
    cursor.executemany("insert into finding_queue (body) values (%s)", [(_json(f),) for f in found])
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


def states(cursor: Cursor, partition: int, zones: Iterable[tuple[str, Parts]]) -> None:
    """What changed of the judgement's state of zones: PostgreSQL writes no column anew that lies apart and stays."""
    whole: list[tuple[str, int, bytes, bytes | None, bytes]] = []
    opened: list[tuple[bytes, str]] = []
    for zone, parts in zones:
        if parts.rest is None:
            opened.append((parts.opened, zone))
        else:
            whole.append((zone, partition, parts.rest, parts.blocks, parts.opened))
    cursor.executemany(
        "insert into zone_state (zone, partition, state, blocks, opened) values (%s, %s, %s, %s, %s) "
        "on conflict (zone) do update set partition = excluded.partition, state = excluded.state, "
        "blocks = coalesce(excluded.blocks, zone_state.blocks), opened = excluded.opened, updated = now()",
        whole,
    )
    cursor.executemany("update zone_state set opened = %s, updated = now() where zone = %s", opened)


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


def pages(cursor: Cursor, changed: Iterable[Incident], inventory: Inventory, routing: Routing) -> None:
    """Pages into the outbox: each call of an incident once, who took it on, and its resolution.

    A call goes to the team that is called; the others to all that were called.
    """
    for incident in changed:
        told: list[tuple[str, int, list[str]]] = [
            (call.why, number, [call.team]) for number, call in enumerate(incident.calls)
        ]
        called = [call.team for call in incident.calls]
        if called and incident.acknowledged is not None:
            told.append(("acknowledged", len(called), called))
        if incident.state == "resolved" and (told or _was_told(cursor, incident.id)):
            told.append((incident.state, 0, called))
        if told:
            body = _json(incident)
            for transition, number, teams in told:
                _page(cursor, routing.of(inventory, teams), (incident.id, transition, number, body))


def _was_told(cursor: Cursor, incident: str) -> bool:
    """Whether it was paged by a version that did not note its calls."""
    cursor.execute("select 1 from outbox where incident = %s limit 1", (incident,))
    return cursor.fetchone() is not None


def _page(cursor: Cursor, notifiers: list[str], page: tuple[str, str, int, str]) -> None:
    cursor.execute(
        "insert into outbox (incident, transition, number, body) values (%s, %s, %s, %s) on conflict do nothing "
        "returning id",
        page,
    )
    row = cursor.fetchone()
    if row is not None:
        cursor.executemany(
            "insert into delivery (page, notifier) values (%s, %s)", [(row[0], name) for name in notifiers]
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
        [(topic, partition, offset, letter.reason.replace("\0", "\ufffd"), letter.payload) for offset, letter in dead],
    )


def _json(value: Any) -> str:
    # PostgreSQL's text cannot hold NUL; a resolver may put one into an EDE text.
    return msgspec.json.encode(value).decode().replace("\\u0000", "\\ufffd")
