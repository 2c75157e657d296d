"""The zones of the lab, as they are when all is well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .addresses import FIRST_ZONE, Network

if TYPE_CHECKING:
    from collections.abc import Iterable

TTL = 30
NEGATIVE_TTL = 15
TLD = "lab"

#: cdn.geo.lab by region, and for everybody else.
CDN = {"eu-west": "192.0.2.81", "us-east": "198.51.100.82", "ap-south": "198.51.100.83"}
CDN_ELSEWHERE = "192.0.2.80"


@dataclass(frozen=True, slots=True)
class NameServer:
    """A name of an NS record, its glue, and the process that answers there."""

    name: str
    address: str
    process: str


@dataclass(frozen=True, slots=True)
class Expected:
    """A question that the inventory asks. No data: any answer will do."""

    name: str
    type: str
    data: tuple[str, ...] = ()
    split: bool = False


@dataclass(frozen=True, slots=True)
class Zone:
    """One zone: its servers, and its records without SOA, NS and glue."""

    name: str
    owner: str
    signed: bool
    servers: tuple[NameServer, ...]
    records: str
    expected: tuple[Expected, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    owner: str
    signed: bool
    processes: tuple[str, ...]
    records: str
    expected: tuple[Expected, ...]


_KNOTS = ("knot-a", "knot-b")


def _www(zone: str, address: str) -> tuple[Expected, ...]:
    return (Expected(f"www.{zone}", "A", (address,)),)


_ROWS = (
    _Row(
        "healthy.lab",
        "web",
        signed=True,
        processes=_KNOTS,
        records="""\
@ A 192.0.2.10
@ AAAA 2001:db8::10
@ MX 10 mail
@ TXT "v=spf1 mx -all"
www A 192.0.2.10
www AAAA 2001:db8::10
mail A 192.0.2.11
alias CNAME www
""",
        expected=(
            Expected("healthy.lab", "A", ("192.0.2.10",)),
            Expected("healthy.lab", "AAAA", ("2001:db8::10",)),
            Expected("healthy.lab", "MX", ("10 mail.healthy.lab.",)),
            Expected("healthy.lab", "TXT", ('"v=spf1 mx -all"',)),
            Expected("www.healthy.lab", "A", ("192.0.2.10",)),
            Expected("www.healthy.lab", "AAAA", ("2001:db8::10",)),
            Expected("alias.healthy.lab", "CNAME", ("www.healthy.lab.",)),
        ),
    ),
    _Row(
        "plain.lab",
        "web",
        signed=False,
        processes=("nsd-plain-1", "nsd-plain-2"),
        records="@ A 192.0.2.20\nwww A 192.0.2.20\n",
        expected=_www("plain.lab", "192.0.2.20"),
    ),
    _Row(
        "geo.lab",
        "edge",
        signed=False,
        processes=("bind-geo", "bind-geo"),
        records="@ A 192.0.2.30\nwww A 192.0.2.30\n",
        expected=(*_www("geo.lab", "192.0.2.30"), Expected("cdn.geo.lab", "A", split=True)),
    ),
    _Row(
        "four.lab",
        "edge",
        signed=True,
        processes=(*_KNOTS, "nsd-four-3", "nsd-four-4"),
        records="@ A 192.0.2.40\nwww A 192.0.2.40\n",
        expected=_www("four.lab", "192.0.2.40"),
    ),
    _Row(
        "bank.lab",
        "payments",
        signed=True,
        processes=_KNOTS,
        records="@ A 192.0.2.50\nwww A 192.0.2.50\n",
        expected=_www("bank.lab", "192.0.2.50"),
    ),
    _Row(
        "shop.lab",
        "payments",
        signed=True,
        processes=_KNOTS,
        records="@ A 192.0.2.60\nwww A 192.0.2.60\n",
        expected=_www("shop.lab", "192.0.2.60"),
    ),
    _Row(
        "brand.lab",
        "web",
        signed=True,
        processes=_KNOTS,
        records="@ A 192.0.2.70\nwww A 192.0.2.70\n",
        expected=_www("brand.lab", "192.0.2.70"),
    ),
    _Row(
        "news.lab",
        "web",
        signed=True,
        processes=_KNOTS,
        records="@ A 192.0.2.90\nwww A 192.0.2.90\n",
        expected=(Expected("www.news.lab", "A"),),
    ),
    _Row(
        "mail.lab",
        "web",
        signed=True,
        processes=_KNOTS,
        records='@ A 192.0.2.100\nwww A 192.0.2.100\nwww TXT "webmail"\n',
        expected=_www("mail.lab", "192.0.2.100"),
    ),
)


def zones(network: Network) -> tuple[Zone, ...]:
    """All delegated zones. Each has addresses of its own, so that a fault of one is nowhere else's."""
    return tuple(
        Zone(
            row.name,
            row.owner,
            row.signed,
            tuple(
                NameServer(f"ns{index}.{row.name}", network.at(third, index), process)
                for index, process in enumerate(row.processes, 1)
            ),
            row.records,
            row.expected,
        )
        for third, row in enumerate(_ROWS, FIRST_ZONE)
    )


def root_servers(network: Network) -> tuple[NameServer, ...]:
    """The servers of the root."""
    return tuple(NameServer(f"{x}.root-servers", network.at(2, i), "knot-parents") for i, x in enumerate("ab", 1))


def tld_servers(network: Network) -> tuple[NameServer, ...]:
    """The servers of the TLD: the same process, as some TLDs' servers also serve others."""
    return tuple(NameServer(f"{x}.nic.{TLD}", network.at(2, i), "knot-parents") for i, x in enumerate("ab", 1))


def rogue_servers(network: Network) -> tuple[NameServer, ...]:
    """The servers that nobody at brand.lab has heard of."""
    return tuple(NameServer(f"ns{i}.rogue.{TLD}", network.at(3, i), "knot-rogue") for i in (1, 2))


def lagging_address(network: Network) -> str:
    """Where an old copy of a zone is served while a region lags behind."""
    return network.at(4, 1)


def addresses(network: Network) -> list[str]:
    """Every address on which something listens, now or in a scenario."""
    servers = [*tld_servers(network), *rogue_servers(network)]
    servers += [server for zone in zones(network) for server in zone.servers]
    return [*network.resolvers.values(), *(server.address for server in servers), lagging_address(network)]


def zone_text(origin: str, serial: int, servers: Iterable[NameServer], records: str) -> str:
    """A zone file: SOA, NS, glue of the servers, records."""
    absolute = origin if origin == "." else f"{origin}."
    listed = tuple(servers)
    lines = [
        f"$ORIGIN {absolute}",
        f"$TTL {TTL}",
        f"@ SOA {listed[0].name}. hostmaster.{TLD}. {serial} 3600 600 86400 {NEGATIVE_TTL}",
        *(f"@ NS {server.name}." for server in listed),
        *(f"{server.name}. A {server.address}" for server in listed if within(server.name, origin)),
    ]
    return "\n".join(lines) + "\n" + records


def within(name: str, zone: str) -> bool:
    """Whether a name is in a zone or below it, so that its address is glue there."""
    return zone == "." or name == zone or name.endswith(f".{zone}")


def delegation(child: str, servers: Iterable[NameServer], ds: str | None) -> str:
    """What a parent says about a child."""
    lines = [f"{child}. DS {ds}"] if ds else []
    for server in servers:
        lines += [f"{child}. NS {server.name}.", f"{server.name}. A {server.address}"]
    return "".join(f"{line}\n" for line in lines)
