"""Where the walk begins: root servers and trust anchors, built in or from files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import dns.exception
import dns.name
import dns.rdatatype
import dns.rrset
import dns.zonefile

from otel_dns_receiver.errors import ConfigError
from otel_dns_receiver.question import Target

if TYPE_CHECKING:
    from dns.rdtypes.ANY.DNSKEY import DNSKEY
    from dns.rdtypes.ANY.DS import DS

#: The root's key signing keys (IANA root-anchors.xml): KSK-2017 and KSK-2024.
IANA_ANCHORS = """\
. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
. IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
"""
_STATE = re.compile(r";;state=(\d)")
#: RFC 5011 §4.2 as Unbound numbers it: 2 VALID, 3 MISSING.
_TRUSTED = frozenset("23")
#: Addresses of a.root-servers.net to m.root-servers.net (named.root).
ROOT_SERVERS = (
    "198.41.0.4", "2001:503:ba3e::2:30", "170.247.170.2", "2801:1b8:10::b", "192.33.4.12", "2001:500:2::c",
    "199.7.91.13", "2001:500:2d::d", "192.203.230.10", "2001:500:a8::e", "192.5.5.241", "2001:500:2f::f",
    "192.112.36.4", "2001:500:12::d0d", "198.97.190.53", "2001:500:1::53", "192.36.148.17", "2001:7fe::53",
    "192.58.128.30", "2001:503:c27::2:30", "193.0.14.129", "2001:7fd::1", "199.7.83.42", "2001:500:9f::42",
    "202.12.27.33", "2001:dc3::35",
)  # fmt: skip


def load_hints(path: str | None) -> tuple[Target, ...]:
    """Addresses of root servers, from a zone file of hints or built in.

    Raises:
        ConfigError: the file cannot be read, or has no address in it.
    """
    if path is None:
        return tuple(Target(address) for address in ROOT_SERVERS)
    found = tuple(
        Target(rdata.address)
        for rrset in _read(path)
        if rrset.rdtype in {dns.rdatatype.A, dns.rdatatype.AAAA}
        for rdata in rrset
    )
    if not found:
        msg = f"{path}: no A or AAAA record; root hints need the addresses of the root's servers"
        raise ConfigError(msg)
    return found


def load_anchors(path: str | None) -> dict[dns.name.Name, list[DS | DNSKEY]]:
    """DS and DNSKEY records by their owner, from a file or built in.

    The file may be one that a resolver keeps up to date (RFC 5011): of keys with a state only those that are valid,
    or missing for the moment, are anchors.

    Raises:
        ConfigError: the file cannot be read, or has neither.
    """
    rrsets = _parse(IANA_ANCHORS, "built-in anchors") if path is None else _parse(_trusted(_text(path)), path)
    anchors: dict[dns.name.Name, list[DS | DNSKEY]] = {}
    for rrset in rrsets:
        if rrset.rdtype in {dns.rdatatype.DS, dns.rdatatype.DNSKEY}:
            anchors.setdefault(rrset.name, []).extend(rrset)
    if not anchors:
        msg = f"{path}: no DS or DNSKEY record; write the zone's trust anchor in presentation form"
        raise ConfigError(msg)
    return anchors


def _read(path: str) -> list[dns.rrset.RRset]:
    return _parse(_text(path), path)


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: {getattr(error, 'strerror', None) or 'not text'}"
        raise ConfigError(msg) from error


def _trusted(text: str) -> str:
    """Without keys that Unbound's ``auto-trust-anchor-file`` marks as pending, revoked or removed."""
    states = ((line, _STATE.search(line)) for line in text.splitlines())
    return "\n".join(line for line, state in states if state is None or state[1] in _TRUSTED) + "\n"


def _parse(text: str, where: str) -> list[dns.rrset.RRset]:
    try:
        return dns.zonefile.read_rrsets(text, rdclass=None, default_ttl=3600)
    except (dns.exception.DNSException, ValueError) as error:
        msg = f"{where}: {error}"
        raise ConfigError(msg) from error
