"""Enriched events, findings and incidents to their topics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import KafkaException, Producer

from . import headers

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message
    from dns_rules.enrichment import Enriched

    from .connection import Connection
    from .topics import Topics


class Publisher:
    """Writes and returns once the brokers have all of it. Any thread may call it."""

    def __init__(self, connection: Connection, topics: Topics) -> None:
        self._connection = connection
        self._topics = topics
        self._certificates = connection.certificates
        self._producer: Producer = connection.producer()

    def __call__(self, rows: list[tuple[str, str, bytes]]) -> None:
        """Send ``(topic, key, body)``, in their order.

        Raises:
            KafkaException: some may be missing, and all are to be sent again.
        """
        self.send([(topic, key, body, headers.of_judgement(topic, key)) for topic, key, body in rows])

    def enriched(self, listed: list[Enriched]) -> None:
        """Send judged events to their topic by zone.

        Raises:
            KafkaException: some may be missing, and all are to be sent again.
        """
        self.send([("enriched", e.event.zone, e.encode(), headers.of_event(e.event)) for e in listed])

    def send(self, rows: list[tuple[str, str, bytes, headers.Headers]]) -> None:
        """Like the call, with headers."""
        if self._certificates != self._connection.certificates:
            self._certificates = self._connection.certificates
            self._producer = self._connection.producer()
        producer = self._producer
        self._connection.refresh(producer)
        errors: list[KafkaError] = []

        def delivered(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                errors.append(error)

        for topic, key, body, head in rows:
            name = getattr(self._topics, topic)
            while True:
                try:
                    producer.produce(name, body, key, headers=head, on_delivery=delivered)
                    break
                except BufferError:
                    producer.poll(0.1)
        waiting = producer.flush(15)
        if errors:
            raise KafkaException(errors[0])
        if waiting:
            msg = f"{waiting} messages were not taken within 15 s"
            raise OSError(msg)
