"""The receiver's configuration: ``receiver.yaml``, typed and checked."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import dns.rdatatype
import msgspec
from dns_events import DnsEventsError, Probe, Transport, normalize, within
from dns_events.yamlfile import Document
from msgspec import Meta, Struct, structs

from .errors import ConfigError
from .expectations import Expectation
from .question import Target
from .sources.kinds import load as sources_load
from .sources.kinds import schemas
from .transports.tls import Tls

if TYPE_CHECKING:
    from pathlib import Path

    from .sources.contract import Source

#: Asked of every watched name.
DEFAULT_TYPES = ("A", "AAAA", "CNAME", "NS", "SOA")

Duration = str | float
Port = Annotated[int, Meta(ge=1, le=65535)]


class TlsKeys(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is expected of an encrypted server."""

    name: str | None = None
    """Name in its certificate; the address where left out."""
    ca: str | None = None
    """File of certificate authorities; the system's where left out."""
    verify: bool = True


class Resolver(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A recursive server."""

    address: str
    port: Port | None = None
    """53; 853 for DoT and DoQ; 443 for DoH."""
    name: str | None = None
    transport: Transport = "udp"
    tls: TlsKeys | None = None
    path: str = "/dns-query"
    """Path of DNS over HTTPS."""
    http: Literal["2", "3"] = "2"

    @property
    def target(self) -> Target:
        """Its address, and how to know it."""
        keys = self.tls or TlsKeys()
        encrypted = self.transport in {"dot", "doh", "doq"}
        tls = Tls(keys.name, keys.ca, keys.verify, self.path, self.http) if encrypted else None
        return Target(self.address, self.port or PORTS[self.transport], tls)


#: Where each transport is served (RFC 7858, RFC 8484, RFC 9250).
PORTS: dict[str, int] = {"udp": 53, "tcp": 53, "dot": 853, "doq": 853, "doh": 443}


class Name(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A watched name; `types` come on top of `DEFAULT_TYPES`."""

    name: str
    types: tuple[str, ...] = ()
    expect: dict[str, Expectation] = {}
    """What answers must be like, by type."""


class Zone(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A watched zone. Its apex is always watched."""

    zone: str
    names: tuple[Name, ...] = ()


class Delivery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How events are kept until the OTLP endpoint has taken them. Where it is, the ``OTEL_*`` environment says."""

    directory: str | None = None
    """Folder of the queue; systemd's state directory or ``~/.local/state/otel-dns-receiver/<probe>`` where left out."""
    most_bytes: Annotated[int, Meta(ge=1 << 20, le=1 << 40)] = 1 << 30
    """Octets on disk; past them the oldest events go, and are counted."""
    most_age: Duration = "24h"
    headers_file: str | None = None
    """File of headers for the endpoint, one ``name: value`` a line; read again when it changes."""

    @property
    def most_seconds(self) -> float:
        """`most_age` in seconds."""
        return float(self.most_age)


class Parity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask the same question over several transports and UDP sizes, and report answers that differ.

    Resolvers with the same `name` count as one server that is reached in several ways.
    """

    interval: Duration = "10m"
    sizes: tuple[Annotated[int, Meta(ge=512, le=4096)], ...] = (512, 1232, 4096)
    """UDP payload sizes, octets."""


class Control(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every resolver must be able to answer, whatever happens to the watched zones."""

    name: str = "."
    type: str = "NS"


class TimeServer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server whose clock is believed (SNTP)."""

    address: str
    port: Port = 123


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of ``receiver.yaml``. Durations are seconds after loading."""

    version: Literal[1]
    probe: Probe
    zones: tuple[Zone, ...] = ()
    resolvers: tuple[Resolver, ...] | None = None
    """The system's, where left out."""
    interval: Duration = 30.0
    timeout: Duration = 3.0
    refresh: Duration = 60.0
    in_flight: Annotated[int, Meta(ge=1, le=10000)] = 64
    dnssec: bool = True
    trust_anchor: str | None = None
    root_hints: str | None = None
    clock_age: Annotated[float, Meta(ge=0)] | None = None
    """Seconds; measured where left out."""
    parity: Parity | None = None
    control: Control | None = Control()
    """``null`` asks for nothing."""
    time_server: TimeServer | None = None
    delivery: Delivery = Delivery()
    sources: tuple[dict[str, Any], ...] = ()
    """Other sources: each a mapping with `type` and that type's own keys."""

    @property
    def seconds(self) -> tuple[float, float, float]:
        """Interval, timeout and refresh."""
        return float(self.interval), float(self.timeout), float(self.refresh)


class Loaded(NamedTuple):
    """A checked configuration, and the sources that it describes, each with its type."""

    config: Config
    sources: tuple[tuple[str, Source], ...]
    base: Path
    """The file's folder."""


def load(path: Path) -> Loaded:
    """Read and check a configuration with its sources. Relative paths are relative to the file.

    Raises:
        ConfigError: names file, line and what to write instead.
    """
    document = Document(path, ConfigError)
    config = _checked(document)
    sources = tuple(
        (str(keys.get("type")), sources_load(document, f"$.sources[{index}]", keys))
        for index, keys in enumerate(config.sources)
    )
    return Loaded(config, sources, path.resolve().parent)


def load_config(path: Path) -> Config:
    """Like `load`, without making the sources."""
    return _checked(Document(path, ConfigError))


def _checked(document: Document) -> Config:
    path = document.path
    config = document.convert(Config)
    times = {name: _duration(document, name, getattr(config, name)) for name in ("interval", "timeout", "refresh")}
    if times["timeout"] >= times["interval"]:
        raise document.error("$.timeout", f"{times['timeout']:g} s is not less than the interval; write a shorter one")
    for index, resolver in enumerate(config.resolvers or ()):
        try:
            ipaddress.ip_address(resolver.address)
        except ValueError as error:
            raise document.error(
                f"$.resolvers[{index}].address",
                f"{resolver.address!r} is not an IP address; write for instance 192.0.2.53",
            ) from error
    if not config.zones and not config.sources:
        raise document.error("$.zones", "no zone and no source; write at least one, as `- {zone: example.com}`")
    zones: list[Zone] = []
    for index, zone in enumerate(config.zones):
        checked = _zone(document, zone, f"$.zones[{index}]")
        if any(other.zone == checked.zone for other in zones):
            raise document.error(f"$.zones[{index}].zone", f"zone {checked.zone} stands twice; keep one")
        zones.append(checked)
    base = path.resolve().parent
    return structs.replace(
        config,
        **times,
        zones=tuple(zones),
        resolvers=_resolvers(document, base, config.resolvers),
        parity=_parity(document, config.parity),
        control=_control(document, config.control),
        delivery=_delivery(document, base, config.delivery),
        trust_anchor=_file(document, base, "trust_anchor", config.trust_anchor),
        root_hints=_file(document, base, "root_hints", config.root_hints),
    )


def _parity(document: Document, parity: Parity | None) -> Parity | None:
    if parity is None:
        return None
    return structs.replace(parity, interval=_duration(document, "parity.interval", parity.interval))


def _control(document: Document, control: Control | None) -> Control | None:
    if control is None:
        return None
    return structs.replace(
        control,
        name=_name(document, "$.control.name", control.name),
        type=_type(document, "$.control.type", control.type),
    )


def _delivery(document: Document, base: Path, delivery: Delivery) -> Delivery:
    age = document.seconds("$.delivery.most_age", delivery.most_age)
    return structs.replace(
        delivery,
        most_age=age,
        directory=None if delivery.directory is None else str(base / delivery.directory),
        headers_file=_file(document, base, "delivery.headers_file", delivery.headers_file),
    )


def _resolvers(document: Document, base: Path, resolvers: tuple[Resolver, ...] | None) -> tuple[Resolver, ...] | None:
    if resolvers is None:
        return None
    checked = []
    for index, resolver in enumerate(resolvers):
        at = f"$.resolvers[{index}]"
        if resolver.tls is None:
            checked.append(resolver)
            continue
        if resolver.transport in {"udp", "tcp"}:
            raise document.error(f"{at}.tls", f"transport {resolver.transport} has no TLS; write dot, doh or doq")
        ca = _file(document, base, f"resolvers[{index}].tls.ca", resolver.tls.ca)
        checked.append(structs.replace(resolver, tls=structs.replace(resolver.tls, ca=ca)))
    return tuple(checked)


def _zone(document: Document, zone: Zone, at: str) -> Zone:
    apex = _name(document, f"{at}.zone", zone.zone)
    names = {apex: set(DEFAULT_TYPES)}
    expect: dict[str, dict[str, Expectation]] = {}
    for index, name in enumerate(zone.names):
        where = f"{at}.names[{index}]"
        normal = _name(document, f"{where}.name", name.name)
        if not within(normal, apex):
            raise document.error(f"{where}.name", f"{normal} is not in zone {apex}; list it under its own zone")
        types = names.setdefault(normal, set(DEFAULT_TYPES))
        types |= {_type(document, f"{where}.types[{n}]", qtype) for n, qtype in enumerate(name.types)}
        for qtype, expected in name.expect.items():
            rdtype = _type(document, f"{where}.expect.{qtype}", qtype)
            types.add(rdtype)
            expect.setdefault(normal, {})[rdtype] = expected
    return Zone(
        zone=apex,
        names=tuple(
            Name(name=name, types=tuple(sorted(types)), expect=expect.get(name, {})) for name, types in names.items()
        ),
    )


def _type(document: Document, at: str, qtype: str) -> str:
    try:
        return dns.rdatatype.to_text(dns.rdatatype.from_text(qtype))
    except (dns.rdatatype.UnknownRdatatype, ValueError) as error:
        raise document.error(at, f"{qtype!r} is not a record type; write for instance MX or TYPE65") from error


def _duration(document: Document, name: str, value: Duration) -> float:
    seconds = document.seconds(f"$.{name}", value)
    if seconds < 0.05:
        raise document.error(f"$.{name}", f"{value} is too short; write at least 50ms")
    return seconds


def _name(document: Document, at: str, name: str) -> str:
    try:
        return normalize(name)
    except DnsEventsError as error:
        raise document.error(at, str(error)) from error


def _file(document: Document, base: Path, name: str, text: str | None) -> str | None:
    if text is None:
        return None
    path = base / text
    if not path.is_file():
        raise document.error(f"$.{name}", f"no file {path}")
    return str(path)


def schema() -> dict[str, Any]:
    """The JSON Schema of ``receiver.yaml``, with the keys of every installed kind of source."""
    made = msgspec.json.schema(Config)
    kinds = [_typed(name, keys, made["$defs"]) for name, keys in schemas().items()]
    items: dict[str, Any] = {"type": "object", "required": ["type"]}
    made["$defs"]["Config"]["properties"]["sources"]["items"] = items | ({"oneOf": kinds} if kinds else {})
    return made


def _typed(name: str, schema_: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A source's schema, with the `type` that picks it; what it refers to goes into `definitions`."""
    own = schema_["$defs"].pop(schema_["$ref"].rpartition("/")[2])
    definitions.update(schema_["$defs"])
    return {**own, "properties": {"type": {"const": name}, **own["properties"]}}
