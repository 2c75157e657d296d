"""Dead letters from their topic into the store, where `kafka-bridge deadletter` finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_bridge.pipeline import write
from kafka_bridge.pipeline.decode import Dead

from . import headers
from .stage import Stage, value_of
from .within import close

if TYPE_CHECKING:
    from kafka_bridge.store.pool import Pool

    from .connection import Connection
    from .topics import Topics


class Letters(Stage):
    """Reads the dead-letter topic. The store passes over what it has, so that a repetition is none."""

    def __init__(self, connection: Connection, topics: Topics, pool: Pool) -> None:
        super().__init__("letters", connection)
        self._topics = topics
        self._pool = pool

    def work(self) -> None:
        """Batches until done."""
        consumer = self.connection.consumer("letters")
        try:
            consumer.subscribe([self._topics.deadletter])
            while not self.done:
                messages = consumer.consume(200, 0.5)
                if messages:
                    with self._pool.connection() as connection, connection.transaction():
                        for message in messages:
                            letter = Dead(
                                headers.get(message, "dnstower.reason") or "no reason given", value_of(message)
                            )
                            topic, partition, offset = _place(headers.get(message, "dnstower.place"))
                            write.dead_letters(connection.cursor(), topic, partition, [(offset, letter)])
                    consumer.commit(asynchronous=False)
                self.connection.refresh(consumer)
                self.well()
        finally:
            close(consumer)


def _place(text: str | None) -> tuple[str, int, int]:
    topic, partition, offset = (text or "unknown/0/0").rsplit("/", 2)
    return topic, int(partition), int(offset)
