"""``otel-dns-receiver``: run, probe, check. stdout is data, stderr is for people."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import socket
import sys
from pathlib import Path
from typing import Annotated, Literal

import dns.rdatatype
from cyclopts import App, Parameter
from dns_events import DnsEventsError, Observation, Probe, Transport, durations, ndjson, normalize, otlp
from dns_events.names import parse

from . import clock, read
from .ask import ask
from .config import DEFAULT_TYPES, PORTS, load, schema
from .errors import ReceiverError
from .exchange import exchange, query
from .oneshot import Validation
from .question import Question, Target
from .system import resolvers
from .transports.tls import Tls
from .version import __version__

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON for programs.")]

app = App(
    name="otel-dns-receiver",
    help="The DNS edge: asks name servers, and emits what it sees as OpenTelemetry metrics and logs.\n\n"
    "Exit codes: 0 fine, 1 failed, 2 usage, 3 a question failed.",
    version=__version__,
    result_action="return_value",
)
config_app = App(name="config", help="About the configuration.")
app.command(config_app)


blackbox_app = App(name="blackbox", help="In place of blackbox_exporter's DNS prober.")
app.command(blackbox_app)


class _UsageError(ReceiverError):
    """The words of the command are off: exit code 2."""


@app.command
def run(
    *,
    config: Path,
    prometheus: Annotated[str | None, Parameter(help="Serve metrics for scraping on ADDRESS:PORT.")] = None,
    console: Annotated[bool, Parameter(negative="", help="Print every event as NDJSON on stdout, too.")] = False,
) -> int:
    """Probe until SIGINT or SIGTERM, and export over OTLP as the OTEL_* environment says.

    Args:
        config: receiver.yaml.
        prometheus: ADDRESS:PORT.
        console: print events.
    """
    from .app import run as run_app  # noqa: PLC0415 - it needs the SDK, the other commands do not

    run_app(config, prometheus=None if prometheus is None else _endpoint(prometheus), console=console)
    return 0


@app.command
def probe(
    name: str,
    /,
    *,
    types: Annotated[tuple[str, ...], Parameter(name="--type", negative="", help="Record type; repeatable.")] = (),
    server: Annotated[str | None, Parameter(help="ADDRESS[@PORT]; the system's resolvers without it.")] = None,
    authoritative: Annotated[
        bool, Parameter(negative="", help="The server is authoritative: ask without recursion.")
    ] = False,
    transport: Transport = "udp",
    tls_name: Annotated[str | None, Parameter(help="Name in the server's certificate, for dot, doh and doq.")] = None,
    ca: Annotated[Path | None, Parameter(help="Certificate authorities; the system's without it.")] = None,
    timeout: str = "3s",
    dnssec: Annotated[bool, Parameter(negative="", help="Validate from the trust anchor down.")] = False,
    trust_anchor: Path | None = None,
    root_hints: Path | None = None,
    as_json: Json = False,
) -> int:
    """Ask about one name now and print one event a question.

    Args:
        name: the name.
        types: record types; A, AAAA, CNAME, NS and SOA without it.
        server: whom to ask.
        authoritative: ask without recursion.
        transport: udp, tcp, dot, doh or doq.
        tls_name: name in the certificate.
        ca: file of authorities.
        timeout: how long to wait for an answer.
        dnssec: validate.
        trust_anchor: DS or DNSKEY records, for private DNS.
        root_hints: the root's servers, for private DNS.
        as_json: one event a line.
    """
    try:
        seconds = durations.seconds(float(timeout) if timeout.replace(".", "").isdigit() else timeout)
        normal = normalize(name)
        qtypes = tuple(dns.rdatatype.to_text(dns.rdatatype.from_text(text)) for text in types or DEFAULT_TYPES)
    except dns.rdatatype.UnknownRdatatype as error:
        msg = f"--type {' '.join(types)}: not a record type; write for instance MX or TYPE65"
        raise _UsageError(msg) from error
    except ValueError as error:
        raise _UsageError(str(error)) from error
    encrypted = transport in {"dot", "doh", "doq"}
    tls = Tls(tls_name, None if ca is None else str(ca)) if encrypted else None
    port = PORTS[transport]
    targets = (
        (_server(server, port),)
        if server is not None
        else tuple(resolver.target._replace(port=port) for resolver in resolvers())
    )
    targets = tuple(target._replace(tls=tls) for target in targets)
    validation = Validation(trust_anchor, root_hints, seconds) if dnssec or trust_anchor or root_hints else None
    role: Literal["authoritative", "recursive"] = "authoritative" if authoritative else "recursive"
    questions = [
        Question(normal, normal, qtype, target, role, None, transport) for target in targets for qtype in qtypes
    ]
    events = asyncio.run(_probe(questions, seconds, validation))
    for event in events:
        print(ndjson.encode(event).decode() if as_json else _line(event))
    return 3 if any(otlp.error_type(event) is not None for event in events) else 0


async def _probe(questions: list[Question], timeout: float, validation: Validation | None) -> list[Observation]:
    who = Probe(id=socket.gethostname() or "localhost", clock_age=clock.age())
    zone = await _zone(questions[0], timeout)
    trust = await validation.trust(zone) if validation is not None else None
    return list(
        await asyncio.gather(*(ask(question._replace(zone=zone), who, timeout, trust) for question in questions))
    )


async def _zone(question: Question, timeout: float) -> str:
    """The apex above the name, from the SOA that comes with the answer to a question for it; else the name."""
    asked = query(parse(question.name), dns.rdatatype.SOA, recursive=question.role == "recursive")
    reply = await exchange(asked, question.target, timeout, question.transport)
    found = read.apex(reply.message) if reply.message is not None else None
    return found if found is not None else question.zone


def _line(event: Observation) -> str:
    answers = ", ".join(f"{record.type} {record.data}" for record in event.answers) or "-"
    latency = "-" if event.latency is None else f"{event.latency * 1000:.1f} ms"
    dnssec = "" if event.dnssec is None else f"  dnssec {event.dnssec.status}"
    cause = "" if event.dnssec is None or event.dnssec.cause is None else f" ({event.dnssec.cause})"
    ede = "".join(f"  EDE {item.code}{' ' + item.text if item.text else ''}" for item in event.ede)
    ttl = "" if event.ttl is None else f"  ttl {event.ttl}"
    detail = "" if event.detail is None else f"  ({event.detail})"
    return (
        f"{event.name} {event.qtype} @{event.server.address} {event.transport}: {event.outcome}  {answers}"
        f"{ttl}  {latency}{dnssec}{cause}{ede}{detail}"
    )


@app.command
def check(config: Path, /, *, as_json: Json = False) -> int:
    """Check a configuration and say what it would do; errors name file and line.

    Args:
        config: receiver.yaml.
        as_json: print JSON.
    """
    loaded = load(config).config
    interval, timeout, refresh = loaded.seconds
    questions = sum(len(name.types) for zone in loaded.zones for name in zone.names)
    recursive = len(loaded.resolvers) if loaded.resolvers is not None else len(resolvers())
    plan = {
        "zones": len(loaded.zones),
        "questions": questions,
        "resolvers": recursive,
        "interval": interval,
        "timeout": timeout,
        "refresh": refresh,
        "rate_recursive": round(questions * recursive / interval, 3),
        "sources": [keys["type"] for keys in loaded.sources],
    }
    if as_json:
        print(json.dumps(plan))
    else:
        print(
            f"{config} is fine: {plan['zones']} zones, {questions} questions every {interval:g} s to {recursive} "
            f"resolvers ({plan['rate_recursive']:g}/s) and to every authoritative server of each zone"
            + (f"; sources: {', '.join(keys['type'] for keys in loaded.sources)}" if loaded.sources else "")
        )
    return 0


@config_app.command(name="schema")
def config_schema() -> int:
    """Print the JSON Schema of receiver.yaml."""
    print(json.dumps(schema(), indent=2))
    return 0


@blackbox_app.command(name="serve")
def blackbox_serve(
    config: Path,
    /,
    *,
    listen: Annotated[str, Parameter(help="ADDRESS:PORT; blackbox_exporter's own is 9115.")] = "127.0.0.1:9115",
) -> int:
    """Serve /probe?target=&module= with blackbox_exporter's modules and metric names.

    Args:
        config: blackbox.yml.
        listen: ADDRESS:PORT.
    """
    from .blackbox.serve import serve  # noqa: PLC0415 - an extra

    serve(config, *_endpoint(listen, "--listen"))
    return 0


@app.command
def migrate(
    blackbox_yml: Path,
    /,
    *,
    scrape: Annotated[Path | None, Parameter(help="prometheus.yml, whose targets become servers to ask.")] = None,
) -> int:
    """Print blackbox_exporter's DNS modules as a receiver.yaml; notes in it say what has no counterpart.

    Args:
        blackbox_yml: the modules.
        scrape: prometheus.yml.
    """
    from .blackbox.migrate import migrate as migrate_  # noqa: PLC0415 - an extra

    print(migrate_(blackbox_yml, scrape), end="")
    return 0


def _server(text: str, default: int = 53) -> Target:
    address, at, port = text.partition("@")
    try:
        ipaddress.ip_address(address)
        number = int(port) if at else default
    except ValueError:
        number = 0
    if not 0 < number < 65536:
        msg = f"--server {text!r} is not ADDRESS[@PORT]; write for instance 192.0.2.53 or 2001:db8::53@5353"
        raise _UsageError(msg)
    return Target(address, number)


def _endpoint(text: str, option: str = "--prometheus") -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        msg = f"{option} {text!r} is not ADDRESS:PORT; write for instance 127.0.0.1:9153"
        raise _UsageError(msg)
    return host.strip("[]") or "127.0.0.1", int(port)


def main() -> None:
    """Run the command line and exit."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="otel-dns-receiver: %(message)s")
    logging.getLogger("opentelemetry").setLevel(logging.WARNING)
    try:
        code = app()
    except _UsageError as error:
        print(f"otel-dns-receiver: {error}", file=sys.stderr)
        code = 2
    except (ReceiverError, DnsEventsError, OSError) as error:
        print(f"otel-dns-receiver: {error}", file=sys.stderr)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)
