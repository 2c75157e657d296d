"""The bus on Kafka: the stages that this process runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_bridge.errors import BridgeError
from kafka_bridge.pipeline.correlator import Correlator

from .clock import Clock
from .connection import Connection
from .forwarder import Forwarder
from .judging import Judging
from .letters import Letters
from .normalizer import Normalizer
from .publisher import Publisher
from .topics import topics

if TYPE_CHECKING:
    from dns_rules import Inventory, Rules

    from kafka_bridge.store.pool import Pool

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
        notifiers: names under which pages are to be delivered.
        most: largest request in bytes.
        settle: seconds for which time stands still after a start.
    """

    def __init__(
        self,
        kafka: Kafka,
        pool: Pool,
        conninfo: str,
        inventory: Inventory,
        rules: Rules,
        notifiers: list[str],
        *,
        most: int,
        settle: float,
    ) -> None:
        self.topics = topics(kafka.prefix)
        connection = Connection(kafka)
        self._require(connection)
        self.way_in: Forwarder | None = None
        self._correlator: Correlator | None = None
        self._stages: list[Stage] = []
        if "correlate" in kafka.roles:
            self._correlator = Correlator(
                conninfo, inventory, rules, notifiers, publish=Publisher(connection, self.topics)
            )
            self._stages.append(Letters(connection, self.topics, pool))
        if "judge" in kafka.roles:
            clock = Clock(connection, self.topics, settle=settle)
            arrived = None if self._correlator is None else self._correlator.arrived.set
            self._stages += [
                clock,
                Judging(connection, self.topics, pool, inventory, rules, clock, committed=arrived),
            ]
        if "normalize" in kafka.roles:
            self._stages.append(Normalizer(connection, self.topics))
        if "forward" in kafka.roles:
            self.way_in = Forwarder(connection, self.topics.raw, most)
            self._stages.append(self.way_in)

    def start(self) -> None:
        """Work from here on."""
        if self._correlator is not None:
            self._correlator.start()
        for stage in self._stages:
            stage.start()

    def stop(self) -> None:
        """Finish what is at hand, from the way in to the way out."""
        for stage in reversed(self._stages):
            stage.stop()
        if self._correlator is not None:
            self._correlator.stop()

    @property
    def failure(self) -> BaseException | None:
        """Stages begin anew by themselves; nothing ends the bus."""
        return None

    def _require(self, connection: Connection) -> None:
        found = connection.admin().list_topics(timeout=15).topics
        missing = [name for name in self.topics if name not in found]
        if missing:
            msg = (
                f"no topic {', '.join(missing)} on {', '.join(connection.kafka.brokers)}, or no right to see it; "
                "`kafka-bridge topics plan` and `apply` make them"
            )
            raise BridgeError(msg)
