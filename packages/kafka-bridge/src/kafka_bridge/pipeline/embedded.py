"""The embedded bus: requests wait in PostgreSQL, one partition, all in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_bridge.intake.journal import Journal

from .correlator import Correlator
from .worker import Worker

if TYPE_CHECKING:
    from dns_rules import Inventory, Rules

    from kafka_bridge.health.measures import Measures
    from kafka_bridge.health.vitals import Part
    from kafka_bridge.notify.routing import Routing
    from kafka_bridge.store.pool import Pool
    from kafka_bridge.timekeeper import Timekeeper


class EmbeddedBus:
    """Journal, worker and correlator, from `start` to `stop`."""

    def __init__(
        self,
        pool: Pool,
        conninfo: str,
        inventory: Inventory,
        rules: Rules,
        routing: Routing,
        *,
        archive: bool,
        measures: Measures,
        settle: float,
        time: Timekeeper,
    ) -> None:
        self.way_in = Journal(pool)
        self._correlator = Correlator(conninfo, inventory, rules, routing)
        self._worker = Worker(
            pool,
            inventory,
            rules,
            arrived=self.way_in.appended,
            committed=self._correlator.arrived.set,
            archive=archive,
            measures=measures,
            settle=settle,
            time=time,
        )

    def start(self) -> None:
        """Judge from here on."""
        self._correlator.start()
        self._worker.start()

    def stop(self) -> None:
        """Write what waits, finish the batch at hand."""
        self.way_in.close()
        self._worker.stop()
        self._correlator.stop()

    def use(self, inventory: Inventory, rules: Rules) -> None:
        """Judge by these from the next batch on."""
        for part in (self._worker.partition, self._correlator):
            part.inventory, part.rules = inventory, rules

    def parts(self) -> list[Part]:
        """How each part is."""
        return [self.way_in.part(), self._worker.part(), self._correlator.part()]

    @property
    def partitions(self) -> int:
        """The one."""
        return 1

    @property
    def leading(self) -> bool:
        """Whether incidents are made here."""
        return self._correlator.leading

    @property
    def failure(self) -> BaseException | None:
        """Why it judges no more."""
        return self._worker.failure
