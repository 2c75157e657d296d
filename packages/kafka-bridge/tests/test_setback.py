"""Whatever interrupts a thread, it goes on, and says why it could not."""

from __future__ import annotations

import logging
import threading

import psycopg
import pytest
from confluent_kafka import KafkaError, KafkaException
from kafka_bridge.errors import BridgeError, FencedError
from kafka_bridge.kafka.connection import Connection
from kafka_bridge.kafka.normalizer import Progress
from kafka_bridge.kafka.settings import Kafka
from kafka_bridge.kafka.stage import Stage
from kafka_bridge.setback import setback

LOST = KafkaError(KafkaError._TRANSPORT, "the broker went away")
ERRORS = {
    "brokers": (KafkaException(LOST), "the broker went away"),
    "store": (psycopg.OperationalError("the store went away\nDETAIL: much more"), "the store went away"),
    "another worker": (FencedError("partition 3 was taken over"), "partition 3 was taken over"),
    "a bug": (AssertionError(), "AssertionError"),
    "another bug": (KeyError("zone"), "'zone'"),
}


class Interrupted(Stage):
    """Fails once, then works."""

    def __init__(self, error: Exception) -> None:
        super().__init__("interrupted", Connection(Kafka(brokers=("127.0.0.1:1",))))
        self.error: Exception | None = error
        self.seen: str | None = None
        self.again = threading.Event()

    def work(self) -> None:
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        self.seen = self.trouble
        self.well()
        self.again.set()
        self.stopping.wait()


@pytest.mark.parametrize("name", ERRORS)
def test_a_stage_goes_on_after(name):
    error, words = ERRORS[name]
    stage = Interrupted(error).start()
    try:
        assert stage.again.wait(10)
        assert stage.seen == words
        assert stage.part().alive
        assert stage.part().trouble is None
    finally:
        stage.stop()
    assert not stage.part().alive


@pytest.mark.parametrize(("error", "ours"), [(BridgeError("no such topic"), False), (IndexError("7"), True)])
def test_only_faults_of_our_own_have_a_traceback(caplog, error, ours):
    log = logging.getLogger("test")
    assert setback(log, "work waits", error) == str(error)
    (record,) = caplog.records
    assert (record.exc_info is not None) is ours
    assert ("a fault of kafka-bridge" in record.getMessage()) is ours


class Nowhere:
    """An error of a consumer that belongs to no partition."""

    def error(self):
        return LOST

    topic = partition = offset = staticmethod(lambda: None)


def test_an_error_without_a_partition_is_raised_as_what_it_is():
    with pytest.raises(KafkaException, match="the broker went away"):
        Progress().passed([Nowhere()])
