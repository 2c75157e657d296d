"""Pages for receivers that are not configured any more: told, kept for a while, and then given up."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from kafka_bridge import audit

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

log = logging.getLogger(__name__)

#: A configuration that is mended within this time loses no page.
DAYS = 7
#: Pages that the audit log names of one receiver.
_NAMED = 100
_BACK = "update delivery set missed = null where missed is not null and notifier = any(%s)"
_MISSED = "update delivery set missed = now() where delivered is null and missed is null and notifier <> all(%s)"
_GIVEN_UP = """
    with gone as (
        delete from delivery d using outbox o
        where o.id = d.page and d.delivered is null and d.missed < now() - %s * interval '1 day'
            and d.notifier <> all(%s)
        returning d.notifier, o.id, o.incident, o.transition)
    select notifier, count(*), (array_agg(incident || ' ' || transition order by id))[:%s]
    from gone group by 1 order by 1"""
_WAITING = """
    select notifier, count(*), min(missed) at time zone 'UTC' + %s * interval '1 day'
    from delivery where delivered is null and missed is not null group by 1 order by 1"""


def give_up(connection: Connection, receivers: Sequence[str]) -> None:
    """Note which undelivered pages have no receiver, and delete those that had none for a week.

    What is deleted is in the log and in the audit log (``pages.give-up``). A receiver that is back gets its pages.

    Args:
        connection: without a transaction.
        receivers: names of all that are configured.
    """
    known = list(receivers)
    with connection.transaction():
        connection.execute(_BACK, (known,))
        connection.execute(_MISSED, (known,))
        for name, count, pages in connection.execute(_GIVEN_UP, (DAYS, known, _NAMED)).fetchall():
            audit.record(connection, "pages.give-up", {"receiver": name, "count": count, "pages": pages})
            log.warning(
                "%d pages for %s are given up: it is not configured since %d days (%s)", count, name, DAYS,
                ", ".join(pages[:5]),
            )  # fmt: skip


def waiting(connection: Connection) -> list[str]:
    """Of each receiver that is gone, a sentence on what waits for it."""
    return [
        f"{count} pages wait for {name}, which is not among the receivers; "
        f"on {until:%Y-%m-%d %H:%M} UTC they are given up"
        for name, count, until in connection.execute(_WAITING, (DAYS,)).fetchall()
    ]
