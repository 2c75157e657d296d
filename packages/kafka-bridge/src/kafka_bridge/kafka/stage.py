"""A step between topics, on a thread of its own, begun anew after an error."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

from confluent_kafka import KafkaException

from kafka_bridge.health.vitals import Part
from kafka_bridge.setback import setback

if TYPE_CHECKING:
    from confluent_kafka import Message

    from .connection import Connection

log = logging.getLogger(__name__)

_LONGEST_PAUSE = 10.0


class Stage(ABC):
    """Runs `work` until stopped. What an error interrupts is taken up where the last commit left it.

    Args:
        name: of the stage, in logs and metrics.
        connection: makes the clients.
    """

    def __init__(self, name: str, connection: Connection) -> None:
        self.name = name
        self.connection = connection
        self.stopping = threading.Event()
        self.generation = connection.generation
        """Under which `work` began."""
        self.errors = 0
        """How often it was begun anew."""
        self.trouble: str | None = None
        """Why it does not work right now."""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def work(self) -> None:
        """Make clients, work until `done` says so, and close them."""

    @property
    def done(self) -> bool:
        """Whether `work` is to return: to end, or to begin anew with new clients."""
        return self.stopping.is_set() or self.generation != self.connection.generation

    def part(self) -> Part:
        """How it is."""
        return Part(name=self.name, trouble=self.trouble, alive=self._thread.is_alive())

    def start(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Finish the turn at hand."""
        self.stopping.set()
        self._thread.join(30)

    def well(self) -> None:
        """To be called by `work` after each turn that went well."""
        self.trouble = None

    def _run(self) -> None:
        pause = 0.2
        while not self.stopping.is_set():
            errors = self.errors
            self.generation = self.connection.generation
            try:
                self.work()
            except Exception as error:  # noqa: BLE001 - see setback
                self.errors += 1
                self.trouble = setback(log, f"{self.name}: rolled back and taken again", error, KafkaException)
            if self.errors > errors:
                self.stopping.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            if self.trouble is None:
                pause = 0.2


def value_of(message: Message) -> bytes:
    """The message's bytes.

    Raises:
        KafkaException: it is no message but an error.
    """
    if (error := message.error()) is not None:
        raise KafkaException(error)
    return message.value() or b""
