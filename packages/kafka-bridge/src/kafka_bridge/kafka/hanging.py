"""Transactions that were begun and that nobody ends: what was written behind them is not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Far longer than our own transactions may take, which the brokers abort after 10 s.
_PATIENCE = 60.0


class Hanging:
    """Watches whether what readers of committed messages may read moves along.

    Brokers that lost the end of a transaction (seen with Kafka 4.3.1, killed between deciding on it and telling the
    partitions) hold back every reader for good. Only an administrator can end it.

    Args:
        topic: that is watched.
    """

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._stands: dict[int, tuple[int, float]] = {}

    def look(self, committed: Mapping[int, int], ends: Mapping[int, int], now: float) -> str | None:
        """What is wrong, or ``None``.

        Args:
            committed: by partition, the offset of the first message that no transaction has decided on.
            ends: by partition, the next offset.
            now: monotonic seconds.
        """
        for partition, offset in committed.items():
            if offset >= ends.get(partition, offset):
                self._stands.pop(partition, None)
            elif self._stands.get(partition, (None, 0.0))[0] != offset:
                self._stands[partition] = (offset, now)
        late = sorted(number for number, (_, since) in self._stands.items() if now - since >= _PATIENCE)
        if not late:
            return None
        where = ", ".join(f"{number} (offset {self._stands[number][0]})" for number in late)
        return (
            f"a transaction in {self._topic} does not end, and nothing behind it is judged: partition {where}; "
            "find it with `kafka-transactions.sh find-hanging`, end it with `kafka-transactions.sh abort`, and have "
            "what was in it read again (operation.md: A transaction that does not end)"
        )
