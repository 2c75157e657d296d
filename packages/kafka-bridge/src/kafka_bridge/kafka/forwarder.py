"""OTLP requests into the raw topic. A request is acknowledged once the brokers have it."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING

from confluent_kafka import KafkaException

from kafka_bridge.intake.contract import UnavailableError

from .stage import Stage

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message, Producer

    from .connection import Connection

log = logging.getLogger(__name__)

_WAITING = "the brokers do not answer"
_FULL = "too many requests are waiting for the brokers"


class Forwarder(Stage):
    """Takes requests as the journal of the embedded bus does, and writes them to the raw topic as they are.

    Args:
        connection: to the brokers.
        topic: the raw topic.
        most: largest request in bytes.
    """

    def __init__(self, connection: Connection, topic: str, most: int) -> None:
        super().__init__("forward", connection)
        self._topic = topic
        self._most = most
        self._producer = self._made()

    def append(self, payload: bytes, peer: str, timeout: float = 12.0) -> None:
        """Return once the payload is durable.

        Raises:
            UnavailableError: it is not, and the client must keep it.
        """
        done: Future[None] = Future()

        def delivered(error: KafkaError | None, _message: Message) -> None:
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(KafkaException(error))

        try:
            self._producer.produce(
                self._topic, payload, headers=[("dnstower.peer", peer.encode())], on_delivery=delivered
            )
            done.result(timeout)
        except BufferError:
            self.trouble = _FULL
            raise UnavailableError(_FULL) from None
        except (FutureTimeoutError, KafkaException) as error:
            said = error.args[0].str() if isinstance(error, KafkaException) else _WAITING
            self.trouble = f"the brokers do not take requests: {said}"
            log.warning("the brokers did not take a request (%s); its client keeps it", said)
            raise UnavailableError(_WAITING) from error
        self.well()

    def stop(self) -> None:
        """Write what waits, then stop."""
        super().stop()
        self._producer.flush(10)

    def work(self) -> None:
        """Serve delivery reports."""
        if self._certificates != self.connection.certificates:
            # Requests in flight end with the old producer.
            old, self._producer = self._producer, self._made()
            old.flush(10)
        while not self.done:
            self._producer.poll(0.2)
            self.connection.refresh(self._producer)

    def _made(self) -> Producer:
        self._certificates = self.connection.certificates
        return self.connection.producer(message_max_bytes=self._most + 4096)
