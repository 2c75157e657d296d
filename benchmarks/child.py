"""What is measured, in a process of its own on one core; it prints one JSON object. See `edge` and `dnstap`."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dns_events import Probe
from otel_dns_receiver import Question, Target, ask
from otel_dns_receiver.config import Delivery
from otel_dns_receiver.dnssec.answer import validate
from otel_dns_receiver.dnssec.trust import Trust
from otel_dns_receiver.exchange import exchange, query
from otel_dns_receiver.facts import observation
from otel_dns_receiver.observer import Observer
from otel_dns_receiver.probing.turn import Turn
from otel_dns_receiver.providers import Providers
from otel_dns_receiver.reach import Reach
from otel_dns_receiver.resolve.roots import load_anchors, load_hints
from otel_dns_receiver.resolve.walk import Walker
from otel_dns_receiver.sources import Context
from otel_dns_receiver.sources.dnstap import Dnstap
from otel_dns_receiver.transports.datagrams import Datagrams

if TYPE_CHECKING:
    from collections.abc import Callable

    from dns_events import Observation

SECONDS = 3.0
IN_FLIGHT = 64
TYPES = ("A", "AAAA", "SOA", "NS")


async def closed_loop(
    addresses: list[str], targets: int, record: Callable[[Observation], None], seconds: float = SECONDS
) -> dict[str, float]:
    """Ask `targets` different questions round and round, `IN_FLIGHT` at a time: complete observations a second.

    The first round, in which every answer is new, is not measured.
    """
    observer = Observer(Probe(id="bench", region="bench"), 1.0)
    turns = [
        Turn(
            Question(
                "healthy.lab", "www.healthy.lab", TYPES[n % 4], Target(addresses[n % len(addresses)]), "authoritative"
            )
        )
        for n in range(targets)
    ]
    offset = time.time() - time.monotonic()
    done = lost = at = 0
    end = float("inf")

    def following() -> None:
        nonlocal at
        at = (at + 1) % targets
        datagrams.ask(turns[at])

    def answered(turn: Turn, _wire: bytes, sent: float, now: float) -> None:
        nonlocal done
        assert turn.facts is not None
        asked = dt.datetime.fromtimestamp(sent + offset, dt.UTC)
        record(observation(turn.question, turn.facts, observer.probe(), asked, "udp", now - sent))
        done += 1
        if now < end:
            following()

    def silent(_turn: Turn, _why: object, _sent: float) -> None:
        nonlocal lost
        lost += 1
        following()

    datagrams = Datagrams[Turn](1.0, answered, silent)
    for _ in range(IN_FLIGHT):
        following()
    while done < targets:  # noqa: ASYNC110 - callbacks count
        await asyncio.sleep(0.01)
    before, began, spent = done, time.monotonic(), time.process_time()
    end = began + seconds
    while time.monotonic() < end:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    figures = {
        "rate": (done - before) / (time.monotonic() - began),
        "cpu": (time.process_time() - spent) / (done - before),
        "lost": float(lost),
        "megabytes": _peak(),
    }
    datagrams.close()
    return figures


def _peak() -> float:
    """Most that this program held; `getrusage` has what its parent held before it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def observe(addresses: list[str], targets: int = IN_FLIGHT, seconds: float = SECONDS) -> dict[str, float]:
    """Complete observations, handed to nobody."""
    return asyncio.run(closed_loop(addresses, targets, lambda _: None, seconds))


def deliver(addresses: list[str]) -> dict[str, float]:
    """Complete observations, each recorded in metrics and delivered as a log event; the sink counts what came."""
    with tempfile.TemporaryDirectory() as place:
        providers = Providers(Delivery(directory=place, most_age=86400.0), "bench", None)
        began = time.monotonic()
        figures = asyncio.run(closed_loop(addresses, IN_FLIGHT, providers.telemetry.record))
        assert providers.logs is not None
        providers.logs.flush()
        while providers.logs.spool.events and time.monotonic() - began < 60:
            time.sleep(0.02)
        figures["rate"] = providers.logs.sender.sent / (time.monotonic() - began)
        assert not providers.logs.spool.dropped
        providers.shutdown()
    return figures


def plain_sdk(addresses: list[str]) -> dict[str, float]:
    """The same as one writes it with the SDK alone: a histogram, a log record an observation, the batch processor."""
    from dns_events import otlp, semconv
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    loggers = LoggerProvider()
    loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(), max_queue_size=1 << 20))
    logger = loggers.get_logger("bench")
    histogram = MeterProvider([InMemoryMetricReader()]).get_meter("bench").create_histogram(semconv.LOOKUP_DURATION)
    probe = Probe(id="bench", region="bench", clock_age=1.0)
    done = 0

    async def loop(qtype: str, address: str, end: float) -> None:
        nonlocal done
        question = Question("healthy.lab", "www.healthy.lab", qtype, Target(address), "authoritative")
        while time.monotonic() < end:
            event = await ask(question, probe, 1.0)
            histogram.record(event.latency or 0.0, {semconv.DNS_QUESTION_NAME: event.name, semconv.QTYPE: event.qtype})
            fields = otlp.encode(event)
            logger.emit(
                LogRecord(
                    timestamp=fields.time_unix_nano,
                    severity_number=SeverityNumber(fields.severity_number),
                    body=fields.body,
                    attributes=fields.attributes,
                    event_name=fields.event_name,
                )
            )
            done += 1

    async def go() -> None:
        end = time.monotonic() + SECONDS
        loops = (loop(TYPES[n % 4], addresses[n % len(addresses)], end) for n in range(IN_FLIGHT))
        await asyncio.gather(*loops)

    began, spent = time.monotonic(), time.process_time()
    asyncio.run(go())
    loggers.shutdown()  # the rest is delivered
    return {"rate": done / (time.monotonic() - began), "cpu": (time.process_time() - spent) / done}


def validation(address: str, hints: str, anchor: str) -> dict[str, float]:
    """A signed answer against a chain that is known."""
    import dns.name

    async def learn() -> tuple[Any, Any]:
        walker = Walker(load_hints(hints), load_anchors(anchor), 2.0, Reach(), 60.0)
        chain = (await walker.find(dns.name.from_text("healthy.lab"))).chain
        name = dns.name.from_text("www.healthy.lab")
        reply = await exchange(query(name, dns.rdatatype.A, recursive=False), Target(address), 2.0)
        return Trust(chain), reply.message

    trust, message = asyncio.run(learn())
    name, count = dns.name.from_text("www.healthy.lab"), 2000
    assert validate(message, name, dns.rdatatype.A, trust, time.time()).status == "secure"
    began = time.perf_counter()
    for _ in range(count):
        validate(message, name, dns.rdatatype.A, trust, time.time())
    return {"milliseconds": (time.perf_counter() - began) / count * 1000}


def dnstap(path: str, frames: int) -> dict[str, float]:
    """Frames a second through the source, from a real socket; the parent writes."""

    async def go() -> dict[str, float]:
        context, _, counts = Context.collecting(("tower.test",))
        task = asyncio.create_task(Dnstap(listen=f"unix:{path}").run(context))
        while not Path(path).exists():  # noqa: ASYNC110, ASYNC240
            await asyncio.sleep(0.01)
        print("ready", flush=True)
        began = spent = 0.0
        while counts["received"] < frames:
            await asyncio.sleep(0.05)
            if not began and sys.stdin in await asyncio.to_thread(_readable):
                began, spent = time.monotonic(), time.process_time()
        elapsed = time.process_time() - spent
        ends = ("paired", "response_only", "timed_out", "repeated", "over_limit", "unsupported", "unparsable")
        assert counts["received"] == sum(counts[end] for end in ends) == frames, dict(counts)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return {"rate": frames / elapsed}

    return asyncio.run(go())


def _readable() -> list[Any]:
    import select

    return select.select([sys.stdin], [], [], 0)[0]


def main() -> int:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    logging.disable(logging.WARNING)
    what, arguments = sys.argv[1], json.loads(sys.argv[2])
    print(json.dumps(globals()[what](**arguments)), flush=True)
    # The sender's and gRPC's threads have nothing left to do.
    assert threading.active_count() < 64
    return 0


if __name__ == "__main__":
    sys.exit(main())
