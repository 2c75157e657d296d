"""The bus on Kafka: the stages that this process runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import KafkaException

from kafka_bridge.errors import BridgeError
from kafka_bridge.pipeline.correlator import Correlator

from .clock import Clock
from .connection import Connection, last_trouble
from .enriched import Archiving, begin, end
from .forwarder import Forwarder
from .judging import Judging
from .letters import Letters
from .normalizer import Normalizer
from .publisher import Publisher
from .telling import Telling
from .told import Told
from .topics import topics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dns_rules import Inventory, Rules

    from kafka_bridge.health.measures import Measures
    from kafka_bridge.health.vitals import Part
    from kafka_bridge.notify.routing import Routing
    from kafka_bridge.store.pool import Pool
    from kafka_bridge.timekeeper import Timekeeper

    from .settings import Kafka
    from .stage import Stage


class KafkaBus:
    """The stages of the roles of this process, from `start` to `stop`.

    Args:
        kafka: the settings, with absolute paths.
        pool: connections to the store.
        conninfo: of the store.
        inventory: what is watched.
        rules: the rule pack.
        routing: the ways out of pages.
        most: largest request in bytes.
        archive: new events go into the archive's queue.
        measures: what is measured of commits.
        settle: seconds for which time stands still after a start.
        time: tells what time it is.
    """

    def __init__(
        self,
        kafka: Kafka,
        pool: Pool,
        conninfo: str,
        inventory: Inventory,
        rules: Rules,
        routing: Routing,
        *,
        most: int,
        archive: bool,
        measures: Measures,
        settle: float,
        time: Timekeeper,
    ) -> None:
        self.topics = topics(kafka.prefix)
        connection = Connection(kafka)
        foreign = tuple(entry.topic for entry in kafka.foreign)
        external = kafka.judge == "external"
        used = [name for name in self.topics if external or name != self.topics.control]
        _require(connection, [*used, *foreign])
        self.way_in: Forwarder | None = None
        self._correlator: Correlator | None = None
        self._judging: Judging | None = None
        self._normalizer: Normalizer | None = None
        self._telling: Telling | None = None
        self._stages: list[Stage] = []
        clock = Clock(connection, self.topics, foreign=foreign, settle=settle, time=time)
        if "judge" in kafka.roles or (external and "correlate" in kafka.roles):
            self._stages.append(clock)
        if "correlate" in kafka.roles and external:
            self._telling = Telling(connection, self.topics.control, pool, inventory, rules, clock)
            self._stages += [self._telling, Told(connection, self.topics, pool, inventory, routing)]
        elif "correlate" in kafka.roles:
            self._correlator = Correlator(
                conninfo, inventory, rules, routing, publish=Publisher(connection, self.topics)
            )
        if "correlate" in kafka.roles:
            self._stages.append(Letters(connection, self.topics, pool))
        if "judge" in kafka.roles:
            arrived = None if self._correlator is None else self._correlator.arrived.set
            elsewhere = kafka.enrich == "external"
            publishing = kafka.enriched and not elsewhere
            if not elsewhere:
                end(self.topics.enriched, pool)
            elif archive:
                begin(connection, self.topics.enriched, pool)
                self._stages.append(Archiving(connection, self.topics.enriched, pool))
            self._judging = Judging(
                connection, self.topics, pool, inventory, rules, clock, committed=arrived,
                archive=archive and not elsewhere, measures=measures,
                publish=Publisher(connection, self.topics).enriched if publishing else None, external=external,
            )  # fmt: skip
            self._stages.append(self._judging)
        if "normalize" in kafka.roles:
            self._normalizer = Normalizer(connection, self.topics, inventory, time)
            self._stages.append(self._normalizer)
        if "forward" in kafka.roles:
            self.way_in = Forwarder(connection, self.topics.raw, most)
            self._stages.append(self.way_in)

    def start(self) -> None:
        """Work from here on."""
        if self._correlator is not None:
            self._correlator.start()
        for stage in self._stages:
            stage.start()

    def use(self, inventory: Inventory, rules: Rules) -> None:
        """Judge by these from the next batches on."""
        if self._judging is not None:
            self._judging.use(inventory, rules)
        if self._normalizer is not None:
            self._normalizer.use(inventory)
        if self._telling is not None:
            self._telling.use(inventory, rules)
        for stage in self._stages:
            if isinstance(stage, Told):
                stage.inventory = inventory
        if self._correlator is not None:
            self._correlator.inventory, self._correlator.rules = inventory, rules

    def stop(self) -> None:
        """Finish what is at hand, from the way in to the way out."""
        for stage in reversed(self._stages):
            stage.stop()
        if self._correlator is not None:
            self._correlator.stop()

    def parts(self) -> list[Part]:
        """How each stage is."""
        found = [stage.part() for stage in self._stages]
        return found if self._correlator is None else [*found, self._correlator.part()]

    @property
    def partitions(self) -> int:
        """How many are judged here."""
        return 0 if self._judging is None else len(self._judging.partitions)

    @property
    def leading(self) -> bool:
        """Whether incidents are made here."""
        return self._correlator is not None and self._correlator.leading

    @property
    def failure(self) -> BaseException | None:
        """Stages begin anew by themselves; nothing ends the bus."""
        return None


class ForwardBus:
    """The way in alone: requests into the raw topic.

    Args:
        kafka: the settings, with absolute paths.
        most: largest request in bytes.
    """

    def __init__(self, kafka: Kafka, *, most: int) -> None:
        connection = Connection(kafka)
        raw = topics(kafka.prefix).raw
        _require(connection, [raw])
        self.way_in = Forwarder(connection, raw, most)

    def start(self) -> None:
        """Serve delivery reports."""
        self.way_in.start()

    def stop(self) -> None:
        """Write what waits."""
        self.way_in.stop()

    def parts(self) -> list[Part]:
        """How it is."""
        return [self.way_in.part()]

    @property
    def partitions(self) -> int:
        """None."""
        return 0

    @property
    def leading(self) -> bool:
        """Never."""
        return False

    @property
    def failure(self) -> BaseException | None:
        """Nothing ends it."""
        return None


def _require(connection: Connection, names: Iterable[str]) -> None:
    brokers = ", ".join(connection.kafka.brokers)
    try:
        found = connection.admin().list_topics(timeout=15).topics
    except KafkaException as error:
        msg = f"the brokers at {brokers} cannot be asked: {error.args[0].str()}; {last_trouble() or 'no answer'}"
        raise BridgeError(msg) from error
    missing = [name for name in names if name not in found]
    if missing:
        msg = (
            f"no topic {', '.join(missing)} on {brokers}, or no right to see it; "
            "`kafka-bridge topics plan` and `apply` make them"
        )
        raise BridgeError(msg)
