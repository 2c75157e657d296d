"""How far a topic was read, kept by the store in the transaction of what was made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg


def offset(cursor: psycopg.Cursor[Any], consumer: str, partition: int = 0) -> int:
    """Up to where a partition was read; nobody else reads on before this transaction ends."""
    cursor.execute(
        "insert into bus_offset (consumer, partition, epoch) values (%s, %s, 1) on conflict do nothing",
        (consumer, partition),
    )
    cursor.execute(
        'select "offset" from bus_offset where consumer = %s and partition = %s for update', (consumer, partition)
    )
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def move(cursor: psycopg.Cursor[Any], consumer: str, to: int, partition: int = 0) -> None:
    """It was read up to there."""
    cursor.execute(
        'update bus_offset set "offset" = %s where consumer = %s and partition = %s', (to, consumer, partition)
    )
