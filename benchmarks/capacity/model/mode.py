"""Ways to run it: all in one process, a consumer group on Kafka, or Flink."""

from __future__ import annotations

from typing import Literal

Mode = Literal["embedded", "group", "flink"]
MODES: tuple[Mode, ...] = ("embedded", "group", "flink")
