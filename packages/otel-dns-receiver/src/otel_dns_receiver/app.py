"""The application: every source of one configuration, delivered over OTLP (extra ``app``)."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from typing import TYPE_CHECKING

from dns_events import Event, ndjson, semconv

from .config import Loaded, load
from .observer import Observer
from .probing import Counts, Prober
from .providers import Providers
from .reloading import Reloading
from .sources.running import contexts, keep
from .system import resolvers as system_resolvers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .telemetry import Telemetry

log = logging.getLogger(__name__)

_REPORT_EVERY = 1.0


def run(path: Path, *, prometheus: tuple[str, int] | None, console: bool) -> None:
    """Watch until SIGINT or SIGTERM, then deliver what waits and return.

    Raises:
        ReceiverError: the configuration cannot be used, the extra is missing, or a listener cannot be had.
    """
    loaded = load(path)
    providers = Providers(loaded.config.delivery, loaded.config.probe.id, prometheus)
    try:
        asyncio.run(_watch(path, loaded, providers, console=console))
    finally:
        providers.shutdown()


async def _watch(path: Path, loaded: Loaded, providers: Providers, *, console: bool) -> None:
    """Run one configuration after the other."""
    telemetry = providers.telemetry

    def emit(event: Event) -> None:
        telemetry.record(event)
        if console:
            sys.stdout.buffer.write(ndjson.encode(event) + b"\n")
            sys.stdout.buffer.flush()

    ended = asyncio.Event()
    reloading = Reloading(path, telemetry)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    loop.add_signal_handler(signal.SIGHUP, reloading.ask)
    while not ended.is_set():
        stop = asyncio.Event()
        watching = asyncio.create_task(_one(loaded, telemetry, emit, stop, providers.report))
        next_ = asyncio.create_task(reloading.changed())
        ending = asyncio.create_task(ended.wait())
        await asyncio.wait({watching, next_, ending}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        if next_.done():
            if next_.result().config.delivery != loaded.config.delivery:
                log.warning("`delivery` has changed, which takes effect at the next start")
            loaded = next_.result()
        next_.cancel()
        ending.cancel()
        await watching
    providers.report()


async def _one(
    loaded: Loaded,
    telemetry: Telemetry,
    emit: Callable[[Event], None],
    stop: asyncio.Event,
    report: Callable[[], None],
) -> None:
    """Run one configuration until `stop`."""
    config = loaded.config
    recursive = config.resolvers
    if recursive is None:
        recursive = system_resolvers() if config.zones else ()
    observer = Observer(config.probe, config.clock_age)
    prober = Prober(config, recursive, observer, emit)
    made = contexts(
        loaded.sources, tuple(zone.zone for zone in config.zones), loaded.base, observer.probe, emit, telemetry.counted
    )
    said = Counts()
    async with asyncio.TaskGroup() as group:
        kept = [group.create_task(keep(source, context)) for source, context in made]

        async def tell() -> None:
            while True:
                _account(prober.counts, said, telemetry)
                telemetry.of_probe(observer.probe(), blind=observer.blind, controls=observer.controls)
                report()
                await asyncio.sleep(_REPORT_EVERY)

        kept.append(group.create_task(tell()))
        await prober.run(stop)
        for task in kept:
            task.cancel()
    _account(prober.counts, said, telemetry)
    counts = prober.counts
    log.info(
        "sent %d, answered %d, timed out %d, failed %d, skipped %d",
        counts.sent, counts.answered, counts.timed_out, counts.failed, counts.skipped,
    )  # fmt: skip


def _account(counts: Counts, said: Counts, telemetry: Telemetry) -> None:
    """Bring the metric of questions up to date."""
    for state in Counts.__struct_fields__:
        number = getattr(counts, state)
        telemetry.add(semconv.QUESTIONS, number - getattr(said, state), {semconv.QUESTION_STATE: state})
        setattr(said, state, number)
