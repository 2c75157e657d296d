"""``kafka-bridge acknowledge|silence``: who has taken an incident on, and of what nobody is called."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter
from dns_events import InvalidNameError, durations, normalize

from kafka_bridge import audit
from kafka_bridge.errors import BridgeError
from kafka_bridge.store.locate import Dir, Json, Where, connected, query

from .acknowledging import take_on

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

silence_app = App(name="silence", help="Call nobody for a zone, a rule or a team's zones, for a time and a reason.")

_MOST = 2000
_COLUMNS = ("id", "started", "ends", "zone", "rule", "owner", "reason", "actor")
_SELECT = "select id, started, ends, zone, rule, owner, reason, actor from silence "
_KNOWN = {
    "zone": "select 1 from zone_owner where zone = %s limit 1",
    # Of a team that owns a subdomain alone, only incidents tell.
    "owner": "select 1 from (select owner from zone_owner union all select owner from incident) known "
    "where owner = %s limit 1",
}


def acknowledge(
    incident: str,
    /,
    *,
    note: str = "",
    by: str | None = None,
    config: Where = None,
    dir_: Dir = Path(".dnstower"),
    as_json: Json = False,
) -> int:
    """Take an incident on: nobody else is called for it, unless it becomes graver.

    Args:
        incident: its id, or the beginning of it, as `incidents` prints it.
        note: what is being done.
        by: who takes it on; you, without.
        config: bridge.yaml.
        dir_: state folder of a running `up`.
        as_json: print JSON.
    """
    who = by or audit.actor()
    with connected(config, dir_) as connection:
        found = _one(
            connection, "incident", "select id, title from incident where starts_with(id, %s) limit 3", incident
        )
        take_on(connection, found[0], _text("--note", note), by=who)
    if as_json:
        print(json.dumps({"incident": found[0], "by": who, "note": note}))
    else:
        print(f"{who} has taken on {found[0]}: {found[1]}")
    return 0


@silence_app.command
def add(
    *,
    reason: str,
    zone: str | None = None,
    rule: str | None = None,
    owner: str | None = None,
    for_: Annotated[str | None, Parameter(name="--for")] = None,
    until: dt.datetime | None = None,
    by: str | None = None,
    config: Where = None,
    dir_: Dir = Path(".dnstower"),
    as_json: Json = False,
) -> int:
    """Call nobody for what all of --zone, --rule and --owner that are given say; it is judged and shown as ever.

    Args:
        reason: why, for those who wonder.
        zone: of this zone.
        rule: incidents that this rule leads.
        owner: of this team's zones.
        for_: for how long, for instance 2h.
        until: or until when (UTC where it says no zone), for instance 2026-11-26T06:00:00.
        by: who says so; you, without.
        config: bridge.yaml.
        dir_: state folder of a running `up`.
        as_json: print JSON.
    """
    ends = _ends(for_, until)
    if zone is None and rule is None and owner is None:
        msg = "everything is too much; give --zone, --rule or --owner"
        raise BridgeError(msg)
    who = by or audit.actor()
    with connected(config, dir_) as connection:
        zone = None if zone is None else _zone(zone)
        _known(connection, zone=zone, owner=owner)
        (id_,) = connection.execute(
            "insert into silence (ends, reason, actor, zone, rule, owner) values (%s, %s, %s, %s, %s, %s) returning id",
            (ends, _text("--reason", reason), who, zone, rule, owner),
        ).fetchone() or ("",)
        entry = _entry(_one(connection, "silence", f"{_SELECT}where id = %s", id_))
        audit.record(connection, "silence.add", entry, by=who)
    print(json.dumps(entry) if as_json else _line(entry))
    return 0


@silence_app.command(name="list")
def list_(
    *,
    all_: Annotated[bool, Parameter(name="--all", negative="")] = False,
    config: Where = None,
    dir_: Dir = Path(".dnstower"),
    as_json: Json = False,
) -> int:
    """List the silences that are in force, the one that ends first before the others.

    Args:
        all_: those that are over too.
        config: bridge.yaml.
        dir_: state folder of a running `up`.
        as_json: one JSON object a line.
    """
    for row in query(config, dir_, f"{_SELECT}where ends > now() or %s order by ends, id limit 1000", (all_,)):
        entry = _entry(row)
        print(json.dumps(entry) if as_json else _line(entry))
    return 0


@silence_app.command
def end(
    silence: str,
    /,
    *,
    by: str | None = None,
    config: Where = None,
    dir_: Dir = Path(".dnstower"),
    as_json: Json = False,
) -> int:
    """End a silence now; what still lasts, calls.

    Args:
        silence: its id, or the beginning of it.
        by: who says so; you, without.
        config: bridge.yaml.
        dir_: state folder of a running `up`.
        as_json: print JSON.
    """
    who = by or audit.actor()
    with connected(config, dir_) as connection:
        (id_, *_) = _one(
            connection, "silence in force",
            "select id from silence where starts_with(id, %s) and ends > now() limit 3", silence,
        )  # fmt: skip
        connection.execute("update silence set ends = greatest(now(), started + interval '1 ms') where id = %s", (id_,))
        audit.record(connection, "silence.end", {"id": id_}, by=who)
    print(json.dumps({"id": id_, "by": who}) if as_json else f"silence {id_} is over")
    return 0


def _one(connection: Connection, kind: str, statement: str, id_: str) -> tuple[Any, ...]:
    rows = connection.execute(statement.encode(), (id_,)).fetchall() if id_ else []
    if len(rows) != 1:
        msg = f"{'no' if not rows else 'more than one'} {kind} begins with {id_!r}"
        raise BridgeError(msg)
    return rows[0]


def _ends(for_: str | None, until: dt.datetime | None) -> dt.datetime:
    now = dt.datetime.now(dt.UTC)
    if (for_ is None) == (until is None):
        msg = "a silence ends: give --for, for instance 2h, or --until"
        raise BridgeError(msg)
    if until is not None:
        ends = until if until.tzinfo is not None else until.replace(tzinfo=dt.UTC)
        if ends <= now:
            msg = f"--until {ends:%Y-%m-%d %H:%M:%S}Z has passed"
            raise BridgeError(msg)
        return ends
    assert for_ is not None
    try:
        return now + dt.timedelta(seconds=durations.seconds(for_))
    except (ValueError, OverflowError) as error:
        msg = f"--for: {error}"
        raise BridgeError(msg) from error


def _zone(text: str) -> str:
    try:
        return normalize(text)
    except InvalidNameError as error:
        msg = f"--zone: {error}"
        raise BridgeError(msg) from error


def _known(connection: Connection, **of: str | None) -> None:
    """Say so where nothing in the inventory is meant: it may come, or be a slip of the hand."""
    for column, value in of.items():
        if value is not None and connection.execute(_KNOWN[column].encode(), (value,)).fetchone() is None:
            print(f"kafka-bridge: note: the inventory has no zone of which {column} is {value}", file=sys.stderr)


def _text(option: str, text: str) -> str:
    if not text.isprintable() or len(text) > _MOST:
        msg = f"{option}: one line of at most {_MOST} characters"
        raise BridgeError(msg)
    return text


def _entry(row: tuple[Any, ...]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, dt.datetime) else value
        for name, value in zip(_COLUMNS, row, strict=True)
    }


def _line(entry: dict[str, Any]) -> str:
    of = ", ".join(f"{name} {entry[name]}" for name in ("zone", "rule", "owner") if entry[name] is not None)
    return f"{entry['id'][:8]}  until {entry['ends'][:19]}Z  {of}: {entry['reason']} ({entry['actor']})"
