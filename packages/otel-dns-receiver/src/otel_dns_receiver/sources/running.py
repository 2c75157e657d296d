"""Keeps every source running: one that fails is said, counted, and started again after a pause."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from typing import TYPE_CHECKING

from .contract import Context, Source, Zones

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from dns_events import Event, Probe

log = logging.getLogger(__name__)

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0


def contexts(
    sources: Sequence[tuple[str, Source]],
    zones: tuple[str, ...],
    base: Path,
    probe: Callable[[], Probe],
    emit: Callable[[Event], None],
    count: Callable[[str, str, int], None],
) -> list[tuple[Source, Context]]:
    """A context for each source; where several are of one type, the second is ``dnstap-2`` and so on."""
    seen: Counter[str] = Counter()
    known = Zones(zones)
    made = []
    for kind, source in sources:
        seen[kind] += 1
        name = kind if seen[kind] == 1 else f"{kind}-{seen[kind]}"

        def counted(state: str, number: int, name: str = name) -> None:
            count(name, state, number)

        context = Context(name, known, base, probe, emit, counted, log.getChild(name))
        made.append((source, context))
    return made


async def keep(source: Source, context: Context) -> None:
    """Run a source until cancelled, again and again."""
    pause = _FIRST_PAUSE
    while True:
        started = asyncio.get_running_loop().time()
        try:
            await source.run(context)
            context.log.warning("%s ended by itself; it is started again", context.name)
        except Exception as error:
            context.count("failed", 1)
            context.log.warning("%s failed and is started again in %.0f s: %s", context.name, pause, error)
            context.log.debug("traceback", exc_info=error)
        if asyncio.get_running_loop().time() - started > _LONGEST_PAUSE:
            pause = _FIRST_PAUSE
        await asyncio.sleep(pause * random.uniform(0.8, 1.2))
        pause = min(_LONGEST_PAUSE, pause * 2)
