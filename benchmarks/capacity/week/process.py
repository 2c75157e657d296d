"""What runs beside the others in the simulation, and waits for time to pass or for something to happen."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import simpy

Process = Generator[simpy.Event, Any, None]
