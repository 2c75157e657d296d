"""What a response holds: its records in the form of events, and the outcome that they and the code come to."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

import dns.exception
import dns.name
import dns.rdata

from dns_events.errors import DecodeError, DnsEventsError
from dns_events.events import Record
from dns_events.names import normalize

from .codes import qtype as type_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from dns_events.events import Outcome, Role

#: A message of 64 KiB cannot hold more: a record is 16 octets or more.
MAX_RECORDS = 4096
_OUTCOMES: dict[str, Outcome] = {"NXDOMAIN": "nxdomain", "SERVFAIL": "servfail", "REFUSED": "refused"}
_ALIASES = frozenset({"CNAME", "DNAME"})
_TEXTS = frozenset({"TXT", "SPF"})


def record(name: str, rdtype: str | int, data: str, ttl: int | None) -> Record:
    """A record of an answer.

    Args:
        name: its owner.
        rdtype: mnemonic or number.
        data: more or less presentation form: names may lack their last dot, texts their quotes.
        ttl: seconds; ``None``, for which a record has no place, stands as 0, and the observation's own is null.
    """
    _bounded([ttl])
    kind = type_of(rdtype)
    return Record(name=normalize(name), type=kind, ttl=ttl or 0, data=presentation(kind, data))


def chained(name: str, qtype: str, found: Iterable[tuple[str | None, str, int | None]]) -> tuple[Record, ...]:
    """Records of tools that give data without its owner: that follows from the question and the aliases before.

    Args:
        name: the question's name.
        qtype: the question's type.
        found: type, data and TTL in the order of the wire. Where the type is not told, an address has its own,
            another name in the answer to a question for addresses is an alias, and the rest is what was asked for.
    """
    owner, made = name, []
    for told, data, ttl in found:
        address = _version(data)
        if told is not None:
            kind = type_of(told)
        elif address is not None and qtype in {"A", "AAAA", "ANY"}:
            kind = address
        else:
            kind = "CNAME" if qtype in {"A", "AAAA"} else qtype
        made.append(record(owner, kind, data, ttl))
        if kind == "CNAME":
            owner = normalize(data)
    return tuple(made)


def next_owner(name: str, found: Sequence[Record]) -> str:
    """The owner of the record that follows, where it is not told: an alias leads on."""
    if not found:
        return name
    return normalize(found[-1].data) if found[-1].type == "CNAME" else found[-1].name


def follow(name: str, qtype: str, answers: Sequence[Record]) -> bool:
    """Whether records without their owners would be read as the same ones again."""
    try:
        return chained(name, qtype, [(record.type, record.data, record.ttl) for record in answers]) == tuple(answers)
    except DnsEventsError:
        return False


def lowest_ttl(ttls: Collection[int | None]) -> int | None:
    """The smallest TTL; ``None`` where one is not known."""
    _bounded(ttls)
    known = [ttl for ttl in ttls if ttl is not None]
    return min(known) if known and len(known) == len(ttls) else None


def _bounded(ttls: Iterable[int | None]) -> None:
    if any(ttl is not None and not 0 <= ttl <= 0xFFFFFFFF for ttl in ttls):
        raise DecodeError("a TTL outside of 32 bits")


def outcome(
    rcode: str,
    qtype: str,
    answers: Collection[Record],
    *,
    role: Role,
    flags: Collection[str] = (),
    authority: Collection[str] = (),
) -> Outcome:
    """What came of a question that was answered.

    An alias without the data that was asked for is an answer only from an authoritative server, whose
    data may end there. Without authority, data or SOA, and with name servers, it is a referral.

    Args:
        rcode: mnemonic.
        qtype: what was asked for.
        answers: the answer section.
        role: of the server.
        flags: of the header.
        authority: types in the authority section.
    """
    if rcode != "NOERROR":
        return _OUTCOMES.get(rcode, "error")
    types = {record.type for record in answers}
    if qtype in types or (types and qtype == "ANY") or (types - _ALIASES - {"RRSIG"}):
        return "answer"
    if types & _ALIASES:
        return "answer" if role == "authoritative" else "nodata"
    if "tc" in flags:
        return "answer"  # cut off before the first record
    if role == "authoritative" and "aa" not in flags and "NS" in authority and "SOA" not in authority:
        return "referral"
    return "nodata"


def serial(records: Iterable[tuple[str, str]]) -> int | None:
    """The serial of the first SOA record among types and data."""
    for rdtype, data in records:
        words = data.split()
        if rdtype == "SOA" and len(words) == 7 and words[2].isdecimal() and int(words[2]) <= 0xFFFFFFFF:
            return int(words[2])
    return None


def role_of(flags: Collection[str]) -> Role:
    """The part a server plays, for tools that only see packets: without RA, and with AA or unasked for recursion.

    Some of them tell AA and RA only where there was an answer, so who wants recursion is taken to ask a resolver.
    """
    return "authoritative" if "ra" not in flags and ("aa" in flags or "rd" not in flags) else "recursive"


@lru_cache(maxsize=65536)
def presentation(rdtype: str, data: str) -> str:
    """Record data in presentation form (RFC 1035 §5.1) with absolute names; as it is where it cannot be read."""
    if rdtype in _TEXTS and not data.startswith('"'):
        raw = data.encode()
        pieces = [raw[at : at + 255] for at in range(0, len(raw), 255)] or [b""]
        return " ".join(f'"{"".join(map(_escaped, piece))}"' for piece in pieces)
    try:
        return dns.rdata.from_text("IN", rdtype, data, origin=dns.name.root, relativize=False).to_text()
    except (dns.exception.DNSException, ValueError):
        return data


def _escaped(octet: int) -> str:
    if octet in b'"\\':
        return "\\" + chr(octet)
    return chr(octet) if 32 <= octet < 127 else f"\\{octet:03}"


@lru_cache(maxsize=65536)
def _version(data: str) -> str | None:
    try:
        return "A" if ipaddress.ip_address(data).version == 4 else "AAAA"
    except ValueError:
        return None
