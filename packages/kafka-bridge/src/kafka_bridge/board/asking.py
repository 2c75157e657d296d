"""Questions of ``questions/`` asked of the store: read only, as of one moment, for a bounded time, by few at once."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row
from psycopg_pool import PoolTimeout

from .questions.words import ALL

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterator

    import psycopg

    from kafka_bridge.store.pool import Pool

    from .choice import Choice

    Row = dict[str, Any]

#: A page whose questions take longer is not waited for.
SECONDS = 15
#: So many pages are read at once: the store has other things to do.
READERS = 3
#: Seconds that a page waits for its turn; health checks share the threads.
_WAIT = 3
_MACROS = (
    (re.compile(r"\$__timeFilter\((\w+)\)"), r"\1 between %(start)s and %(end)s"),
    (
        re.compile(r"\$__timeGroup\((\w+), \$__interval\)"),
        r"date_bin(make_interval(secs => %(step)s), \1, timestamptz 'epoch')",
    ),
    (re.compile(r"\$__timeFrom\(\)"), "%(start)s"),
    (re.compile(r"\$__timeTo\(\)"), "%(end)s"),
)
_VARIABLE = re.compile(r"\$\{(\w+):sqlstring\}")


def expand(question: str, chosen: Collection[str]) -> str:
    """A question as psycopg takes it: macros and `chosen` variables become parameters, all others subqueries."""
    text = question.replace("%", "%%")
    for pattern, becomes in _MACROS:
        text = pattern.sub(becomes, text)
    return _VARIABLE.sub(lambda found: f"%({found[1]})s" if found[1] in chosen else ALL[found[1]], text)


class Reading:
    """All questions of one page, answered as of one moment."""

    def __init__(self, connection: psycopg.Connection[Any], choice: Choice) -> None:
        self._connection = connection
        self.choice = choice
        (now,) = connection.execute("select now()").fetchone() or (choice.end,)
        self.now: dt.datetime = now

    def rows(self, question: str, choice: Choice | None = None, **values: str | list[str]) -> list[Row]:
        """A question's rows.

        Args:
            question: a text of ``questions/``.
            choice: another than the page's.
            values: of variables that are no choice.
        """
        chosen = choice or self.choice
        variables = chosen.values() | values
        given = {"start": chosen.start, "end": chosen.end, "step": chosen.step, **variables}
        with self._connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(expand(question, variables).encode(), given).fetchall()

    def value(self, question: str) -> float | None:
        """The only column of a question's only row."""
        rows = self.rows(question)
        found = next(iter(rows[0].values())) if rows else None
        return None if found is None else float(found)

    def list(self, question: str) -> list[str]:
        """The only column of all rows."""
        return [str(next(iter(row.values()))) for row in self.rows(question)]


class Asking:
    """The store, as pages ask it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._readers = threading.BoundedSemaphore(READERS)

    @contextmanager
    def reading(self, choice: Choice) -> Iterator[Reading]:
        """One page's questions.

        Raises:
            PoolTimeout: too many ask already.
            psycopg.Error: the store is away, or a question took too long.
        """
        if not self._readers.acquire(timeout=_WAIT):
            raise PoolTimeout("too many pages are read at once")
        try:
            with self._pool.connection() as connection, connection.transaction():
                connection.execute("set transaction isolation level repeatable read read only")
                connection.execute(f"set local statement_timeout to '{SECONDS}s'".encode())
                yield Reading(connection, choice)
        finally:
            self._readers.release()
