"""The edge beside its peers: the same server, the same run, one core each."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dns.message

from tests.lab import Lab

from .figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 3.0
#: Targets of the plot.
STEPS = (100, 300, 1000, 3000, 10_000)
ROOT = Path(__file__).parent.parent

_SINK = """
import grpc
from concurrent import futures
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
count = 0
def export(request, context):
    global count
    message = logs.ExportLogsServiceRequest.FromString(request)
    count += sum(len(s.log_records) for r in message.resource_logs for s in r.scope_logs)
    return b""
def handler(service, function):
    method = grpc.unary_unary_rpc_method_handler(function)
    return grpc.method_handlers_generic_handler(f"opentelemetry.proto.collector.{service}", {"Export": method})
server = grpc.server(futures.ThreadPoolExecutor(2), options=[("grpc.max_receive_message_length", -1)])
metrics = handler("metrics.v1.MetricsService", lambda request, context: b"")
server.add_generic_rpc_handlers((handler("logs.v1.LogsService", export), metrics))
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
input()
print(count, flush=True)
"""


def child(what: str, environment: dict[str, str] | None = None, **arguments: Any) -> dict[str, float]:
    """Measure in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.child", what, json.dumps(arguments)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def figures() -> list[Figure]:
    """Every row of the edge, and the plot's file."""
    with tempfile.TemporaryDirectory(prefix="dnstower-") as place, Lab.start(Path(place)) as lab:
        addresses = list(lab.nameservers["healthy.lab"].values())
        one = addresses[:1]
        rows = []
        ours = child("observe", addresses=one)
        if (peer := _dnsperf(one[0], Path(place))) is not None:
            rows.append(Figure("complete observations/s, one core", ours["rate"], "dnsperf, one thread", peer))
        if (peer := _blackbox(one[0], Path(place))) is not None:
            rows.append(Figure("the same, per second of CPU", 1 / ours["cpu"], "blackbox_exporter's probes", peer))
        with sink() as (environment, count):
            delivered = child("deliver", environment, addresses=one)
            plain = child("plain_sdk", environment, addresses=one)
        assert count[0] > 0
        rows.append(Figure("observations/s to OTLP, one core", delivered["rate"], "the plain SDK", plain["rate"]))
        rows.append(Figure("the same", delivered["rate"], "the limit that was set", 20_000))
        checked = child("validation", address=one[0], hints=str(lab.root_hints), anchor=str(lab.trust_anchor))
        rows.append(Figure("validation from a warm cache, ms", checked["milliseconds"], "the limit", 1.0))
        steps = {n: child("observe", addresses=addresses, targets=n, seconds=4.0) for n in STEPS}
        rows.append(Figure("memory with 10,000 targets, MB", steps[STEPS[-1]]["megabytes"], "the limit", 200))
        first, last = steps[STEPS[0]]["cpu"], steps[STEPS[-1]]["cpu"]
        rows.append(Figure("CPU a question with 10,000 targets, µs", last * 1e6, "with 100", first * 1e6))
        _plot({n: found["cpu"] * 1e6 for n, found in steps.items()})
        return rows


def dnstap() -> Figure:
    """Frames a second of CPU through the dnstap source, from another process over a Unix socket."""
    frames = 200_000
    with tempfile.TemporaryDirectory(prefix="dnstower-") as place:
        path = f"{place}/tap"
        command = [sys.executable, "-m", "benchmarks.child", "dnstap", json.dumps({"path": path, "frames": frames})]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as measured:
            assert measured.stdout is not None
            assert measured.stdin is not None
            assert measured.stdout.readline() == "ready\n"
            measured.stdin.write("go\n")
            measured.stdin.flush()
            with socket.socket(socket.AF_UNIX) as writer:
                writer.connect(path)
                writer.sendall(_tap(frames))
                found = json.loads(measured.stdout.readline())
    return Figure("dnstap frames/s, one core, each accounted for", found["rate"], "the limit that was set", 40_000)


def _tap(frames: int) -> bytes:
    """A stream of queries and their responses, of a few hundred names and thousands of clients."""
    from otel_dns_receiver.sources.dnstap.dnstap_pb2 import Dnstap  # type: ignore[attr-defined]

    def framed(data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + data

    content = b"protobuf:dnstap.Dnstap"
    start = (2).to_bytes(4, "big") + (1).to_bytes(4, "big") + framed(content)
    parts = [bytes(4) + framed(start)]
    now = int(time.time())
    for n in range(frames // 2):
        query = dns.message.make_query(f"www{n % 300}.tower.test", "A", id=n % 65536).to_wire()
        response = bytearray(query)
        response[2] |= 0x84
        response[3] = 3 if n % 10 == 0 else 0
        for kind, wire in ((1, query), (2, bytes(response))):
            tap = Dnstap(type=1)
            message = tap.message
            message.type, message.socket_family, message.socket_protocol = kind, 1, 1
            message.query_address, message.response_address = n.to_bytes(4, "big"), bytes([127, 0, 0, 1])
            message.query_port, message.response_port = 1024 + n % 60_000, 53
            message.query_time_sec = now
            if kind == 1:
                message.query_message = wire
            else:
                message.response_message, message.response_time_sec = wire, now
            parts.append(framed(tap.SerializeToString()))
    return b"".join(parts)


@contextlib.contextmanager
def sink() -> Iterator[tuple[dict[str, str], list[int]]]:
    """A gRPC endpoint that reads everything; the environment that leads to it, and in the end what came."""
    count = [0]
    with subprocess.Popen(
        [sys.executable, "-c", _SINK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        yield {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_METRICS_EXPORTER": "otlp"}, count
        out, _ = server.communicate("\n")
        count[0] = int(out)
        server.kill()


def _program(name: str) -> str | None:
    """Where it is; says so where it is not. Debian's package has its name."""
    found = shutil.which(name)
    if found is None:
        print(f"{name} is not installed (apt-get install {name}); its row is left out", file=sys.stderr)
    return found


def _dnsperf(address: str, place: Path) -> float | None:
    program = _program("dnsperf")
    if program is None:
        return None
    data = place / "queries"
    data.write_text("".join(f"www.healthy.lab {qtype}\n" for qtype in ("A", "AAAA", "SOA", "NS")))
    core = str(min(os.sched_getaffinity(0)))
    done = subprocess.run(
        ["taskset", "-c", core, program, "-s", address, "-d", str(data), "-l", str(int(SECONDS)), "-t", "1", "-D",
         "-T", "1", "-c", "1"],
        capture_output=True, text=True, check=True, timeout=SECONDS + 30,
    )  # fmt: skip
    found = re.search(r"Queries per second:\s+([\d.]+)", done.stdout)
    assert found is not None, done.stdout
    return float(found[1])


def _blackbox(address: str, place: Path) -> float | None:
    """Probes a second of the exporter's own CPU time, under 16 scrapes at once."""
    program = _program("prometheus-blackbox-exporter")
    if program is None:
        return None
    config = place / "blackbox.yml"
    config.write_text("modules: {a: {prober: dns, dns: {query_name: www.healthy.lab, query_type: A}}}\n")
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    url = f"http://127.0.0.1:{port}/probe?module=a&target={address}"
    with subprocess.Popen(
        [program, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    ) as server:
        try:
            for _ in range(100):
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(url, timeout=1).read()
                    break
                time.sleep(0.05)
            end, lock, count = time.monotonic() + SECONDS, threading.Lock(), [0]

            def scrape() -> None:
                while time.monotonic() < end:
                    assert b"probe_success 1" in urllib.request.urlopen(url, timeout=5).read()
                    with lock:
                        count[0] += 1

            before = _cpu(server.pid)
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                for one in [pool.submit(scrape) for _ in range(16)]:
                    one.result()
            return count[0] / (_cpu(server.pid) - before)
        finally:
            server.terminate()


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _plot(costs: dict[int, float]) -> None:
    """CPU a question over the number of targets, as a picture for the docs."""
    import math

    width, height, left, bottom = 640, 300, 60, 250
    most = max(*costs.values(), 20.0) * 1.2

    def x(n: float) -> float:
        return left + 30 + (math.log10(n) - 2) / 2 * (width - left - 70)

    def y(value: float) -> float:
        return bottom - value / most * (bottom - 30)

    points = " ".join(f"{x(n):.1f},{y(v):.1f}" for n, v in costs.items())
    labels = "".join(
        f'<circle cx="{x(n):.1f}" cy="{y(v):.1f}" r="4" fill="#2563eb"/>'
        f'<text x="{x(n):.1f}" y="{y(v) - 10:.1f}" text-anchor="middle">{v:.1f}</text>'
        f'<text x="{x(n):.1f}" y="{bottom + 20}" text-anchor="middle">{n:,}</text>'
        for n, v in costs.items()
    )
    picture = ROOT / "docs" / "pictures" / "cost-per-target.svg"
    picture.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">'
        f'<rect width="{width}" height="{height}" fill="#fff"/>'
        f'<text x="{left}" y="18" font-size="13">CPU for one complete observation, µs, by number of targets</text>'
        f'<line x1="{left}" y1="{bottom}" x2="{width - 20}" y2="{bottom}" stroke="#888"/>'
        f'<line x1="{left}" y1="30" x2="{left}" y2="{bottom}" stroke="#888"/>'
        f'<text x="{left - 8}" y="{bottom + 4}" text-anchor="end">0</text>'
        f'<text x="{left - 8}" y="{y(10):.1f}" text-anchor="end">10</text>'
        f'<polyline points="{points}" fill="none" stroke="#2563eb" stroke-width="2"/>{labels}'
        f'<text x="{width / 2}" y="{bottom + 42}" text-anchor="middle">'
        "targets (one question to one server each)</text></svg>\n"
    )
