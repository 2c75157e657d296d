"""What people have said, as the store has it: drills, silences, and which incidents they have taken on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dns_rules import Acknowledgement, Silence
from dns_rules.flink.control import Deeds

if TYPE_CHECKING:
    import psycopg


def deeds(cursor: psycopg.Cursor[tuple[Any, ...]]) -> Deeds:
    """All that hold, and an hour more than they last, for the judgement is behind the clock."""
    cursor.execute("select zone, started, ended from drill where ended is null or ended > now() - interval '1 hour'")
    drills = {zone: (start, end) for zone, start, end in cursor.fetchall()}
    cursor.execute(
        "select id, started, ends, reason, actor, zone, rule, owner from silence where ends > now() - interval '1 hour'"
    )
    silences = tuple(
        Silence(id=id_, start=start, end=end, reason=reason, by=actor, zone=zone, rule=rule, owner=owner)
        for id_, start, end, reason, actor, zone, rule, owner in sorted(cursor.fetchall())
    )
    cursor.execute(
        "select a.incident, a.at, a.actor, a.note from acknowledgement a join incident i on i.id = a.incident "
        "where i.state = 'firing'"
    )
    acknowledged = {id_: Acknowledgement(time=at, by=actor, note=note) for id_, at, actor, note in cursor.fetchall()}
    return Deeds(
        drills=dict(sorted(drills.items())), silences=silences, acknowledged=dict(sorted(acknowledged.items()))
    )
