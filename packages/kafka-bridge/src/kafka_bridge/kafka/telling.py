"""Tells a job on another engine what is watched, by which rules, what people have done, and what time it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import KafkaException
from dns_rules.flink import control

from kafka_bridge.pipeline.deeds import deeds

from .stage import Stage

if TYPE_CHECKING:
    import datetime as dt

    from confluent_kafka import Producer
    from dns_rules import Inventory, Rules

    from kafka_bridge.store.pool import Pool

    from .clock import Clock
    from .connection import Connection

_PACE = 1.0
_TIMEOUT = 10


class Telling(Stage):
    """Writes the control topic: what changed at once, the time once a second.

    Several may run; the topic is compacted, and the newest of each kind counts.

    Args:
        connection: to the brokers.
        topic: the control topic.
        pool: connections to the store.
        inventory: what is watched.
        rules: the rule pack.
        clock: until when time has passed.
    """

    def __init__(
        self, connection: Connection, topic: str, pool: Pool, inventory: Inventory, rules: Rules, clock: Clock
    ) -> None:
        super().__init__("telling", connection)
        self._topic = topic
        self._pool = pool
        self._watched = (inventory, rules)
        self._clock = clock

    def use(self, inventory: Inventory, rules: Rules) -> None:
        """Tell of these from now on."""
        self._watched = (inventory, rules)

    def work(self) -> None:
        """Tell until done."""
        producer = self.connection.producer()
        watched, done = None, None
        while not self.done:
            time = self._clock.newest
            if time is not None:
                messages = [control.of_clock()]
                now = self._watched
                if now is not watched:
                    messages += [control.of_inventory(now[0]), control.of_rules(now[1])]
                with self._pool.connection() as connection, connection.cursor() as cursor:
                    newest = deeds(cursor)
                if newest != done:
                    messages.append(control.of_deeds(newest))
                self._send(producer, messages, time)
                watched, done = now, newest
                self.well()
            self.connection.refresh(producer)
            self.stopping.wait(_PACE)

    def _send(self, producer: Producer, messages: list[tuple[control.Key, bytes]], time: dt.datetime) -> None:
        errors: list[KafkaException] = []
        for key, value in messages:
            producer.produce(
                self._topic, value, key.encode(), headers=[control.header(time)],
                on_delivery=lambda error, _: None if error is None else errors.append(KafkaException(error)),
            )  # fmt: skip
        if producer.flush(_TIMEOUT):
            msg = f"the brokers did not take messages for {self._topic} within {_TIMEOUT} s"
            raise OSError(msg)
        if errors:
            raise errors[0]
