"""What both functions are told over the control topic, as Flink's broadcast state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyflink.common import Types
from pyflink.datastream.state import MapStateDescriptor

from dns_rules.errors import RulesError

from .control import Told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dns_rules.inventory import Inventory
    from dns_rules.rules import Rules

#: The newest message of each key.
CONTROL = MapStateDescriptor("control", Types.STRING(), Types.PICKLED_BYTE_ARRAY())


class Listening:
    """Keeps what was told decoded, and reads it from Flink's state after a restart."""

    def open(self, runtime_context: Any) -> None:  # noqa: ARG002 - Flink's
        """Nothing is known yet."""
        self._told: Told | None = None

    def process_broadcast_element(self, value: Any, ctx: Any) -> Iterator[Any]:
        """Go by a new message; one that cannot be read changes nothing."""
        key, message, place = value[0], value[1], value[2]
        state = ctx.get_broadcast_state(CONTROL)
        try:
            if self._known(state).take(key, message):
                state.put(key, message)
        except RulesError as error:
            yield from self.refused(message, str(error), place)

    def refused(self, message: bytes, reason: str, place: str) -> Iterator[Any]:  # noqa: ARG002 - one of both says so
        """What becomes of a message that cannot be read."""
        yield from ()

    def told(self, ctx: Any) -> tuple[Inventory, Rules] | None:
        """What is watched, by which rules; ``None`` before both are known."""
        told = self._known(ctx.get_broadcast_state(CONTROL)) if self._told is None else self._told
        return None if told.inventory is None or told.rules is None else (told.inventory, told.rules)

    def _known(self, state: Any) -> Told:
        if self._told is None:
            self._told = Told()
            for key, message in state.items():
                self._told.take(key, message)
        return self._told
