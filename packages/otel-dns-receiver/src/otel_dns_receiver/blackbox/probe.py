"""One probe as blackbox_exporter does it: one query without EDNS, its answer counted and held against patterns."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import ssl
import time
from typing import TYPE_CHECKING, NamedTuple

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from otel_dns_receiver.transports import udp
from otel_dns_receiver.transports.stream import Stream
from otel_dns_receiver.transports.tls import explain

from .modules import compiled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .modules import Dns, Patterns, TlsConfig

log = logging.getLogger(__name__)

_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1, "TLS11": ssl.TLSVersion.TLSv1_1, "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}  # fmt: skip


class Address(NamedTuple):
    """Where the target is."""

    ip: str
    port: int
    host: str
    """As the target names it."""


class Result(NamedTuple):
    """What one probe found; times are seconds."""

    success: bool
    protocol: int = 0
    """4 or 6."""
    ip_hash: int = 0
    resolve: float = 0.0
    connect: float = 0.0
    request: float = 0.0
    answers: int = 0
    authority: int = 0
    additional: int = 0
    succeeded: bool = False
    """Whether an answer came, whatever it says."""
    serial: int | None = None
    """Of an SOA that was asked for; 0 where the answer has none."""
    said: tuple[str, ...] = ()
    """What happened, for ``debug=true``."""


async def probe(target: str, dns_: Dns, timeout: float) -> Result:
    """Probe a target. Nothing a server does raises.

    Args:
        target: host or host:port.
        dns_: the module's keys.
        timeout: seconds in all.
    """
    said: list[str] = []
    deadline = time.monotonic() + timeout
    started = time.monotonic()
    try:
        async with asyncio.timeout(timeout):
            address = await _choose(target, dns_)
    except (OSError, TimeoutError) as error:
        said.append(f"Error resolving address: {str(error) or 'timed out'}")
        return Result(False, resolve=time.monotonic() - started, said=tuple(said))
    result = Result(
        False,
        6 if ":" in address.ip else 4,
        _fnv(ipaddress.ip_address(address.ip).packed),
        resolve=time.monotonic() - started,
    )
    said.append(f"Making DNS query: {address.ip} port {address.port} {dns_.query_name} {dns_.query_type}")
    query = dns.message.make_query(_fqdn(dns_.query_name), dns_.query_type, dns_.query_class, use_edns=False)
    if not dns_.recursion_desired:
        query.flags &= ~dns.flags.RD
    began = time.monotonic()
    connected = began
    try:
        async with asyncio.timeout(max(0.0, deadline - began)):
            if dns_.transport_protocol == "tcp":
                context = _context(dns_.tls_config) if dns_.dns_over_tls else None
                name = dns_.tls_config.server_name or address.host
                stream = await Stream.open(address.ip, address.port, context, name, dns_.source_ip_address)
                try:
                    connected = time.monotonic()
                    wire = await stream.ask(query.to_wire())
                finally:
                    await stream.close()
            else:
                async with udp.connected(address.ip, address.port, dns_.source_ip_address) as sock:
                    connected = time.monotonic()
                    await sock.send(query.to_wire())
                    wire = await sock.receive()
                    while wire[:2] != query.id.to_bytes(2, "big"):
                        wire = await sock.receive()
        request = time.monotonic() - connected
        response = dns.message.from_wire(wire, ignore_trailing=True, raise_on_truncation=False, one_rr_per_rrset=True)
    except (OSError, TimeoutError, asyncio.IncompleteReadError, dns.exception.DNSException, ValueError) as error:
        text = "timed out" if isinstance(error, TimeoutError) else explain(error, address.host)
        said.append(f"Error while sending a DNS query: {text}")
        return result._replace(connect=time.monotonic() - began, said=tuple(said))
    said.append(f"Got response:\n{response}")
    result = result._replace(
        connect=connected - began,
        request=request,
        answers=len(response.answer),
        authority=len(response.authority),
        additional=len(response.additional) + (response.opt is not None),
        succeeded=True,
        serial=_serial(response) if dns_.query_type == "SOA" else None,
    )
    success = _valid(response, dns_, said)
    return result._replace(success=success, said=tuple(said))


def _valid(response: dns.message.Message, dns_: Dns, said: list[str]) -> bool:
    rcode = dns.rcode.to_text(response.rcode())
    if rcode not in dns_.valid_rcodes:
        said.append(f"Rcode {rcode} is not one of {', '.join(dns_.valid_rcodes)}")
        return False
    for section, patterns, what in (
        (response.answer, dns_.validate_answer_rrs, "Answer"),
        (response.authority, dns_.validate_authority_rrs, "Authority"),
        (response.additional, dns_.validate_additional_rrs, "Additional"),
    ):
        why = fails([printed(rrset) for rrset in section], patterns)
        if why is not None:
            said.append(f"{what} RRs validation failed: {why}")
            return False
    return True


def fails(records: Sequence[str], patterns: Patterns) -> str | None:
    """Why records do not pass; ``None`` where they do. Semantics of blackbox_exporter, section by section."""
    needed = (*patterns.fail_if_not_matches_regexp, *patterns.fail_if_none_matches_regexp)
    if not records and needed:
        return "a pattern must match, but there is no record"
    for record in records:
        for pattern in patterns.fail_if_matches_regexp:
            if compiled(pattern).search(record):
                return f"{record!r} matches {pattern}"
        for pattern in patterns.fail_if_not_matches_regexp:
            if not compiled(pattern).search(record):
                return f"{record!r} does not match {pattern}"
    every = patterns.fail_if_all_match_regexp
    # As the original has it: the probe fails unless every record matches every one of these.
    if every and not all(compiled(pattern).search(record) for record in records for pattern in every):
        return "not all records match"
    some = patterns.fail_if_none_matches_regexp
    if some and not any(compiled(pattern).search(record) for record in records for pattern in some):
        return "no record matches any pattern"
    return None


def printed(rrset: dns.rrset.RRset) -> str:
    """A record as Go's DNS library prints it: fields of its head with tabs between them."""
    data = rrset[0].to_text(chunksize=0) if len(rrset) else ""
    rdclass, rdtype = dns.rdataclass.to_text(rrset.rdclass), dns.rdatatype.to_text(rrset.rdtype)
    return f"{rrset.name.to_text()}\t{rrset.ttl}\t{rdclass}\t{rdtype}\t{data}"


async def _choose(target: str, dns_: Dns) -> Address:
    """The target's address in the preferred family, or in the other where that is allowed.

    Raises:
        OSError: there is none.
    """
    host, port = split(target, 853 if dns_.dns_over_tls else 53)
    infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    wanted = socket.AF_INET if dns_.preferred_ip_protocol == "ip4" else socket.AF_INET6
    order = [info for info in infos if info[0] == wanted]
    if dns_.ip_protocol_fallback:
        order += [info for info in infos if info[0] != wanted]
    if not order:
        raise OSError(f"{host} has no {dns_.preferred_ip_protocol} address")
    return Address(str(order[0][4][0]), port, host)


def split(target: str, default: int) -> tuple[str, int]:
    """Host and port; an IPv6 address with a port stands in brackets."""
    if target.startswith("[") and "]" in target:
        host, _, rest = target[1:].partition("]")
        return host, int(rest[1:]) if rest[1:].isdigit() else default
    host, colon, port = target.rpartition(":")
    return (host, int(port)) if colon and port.isdigit() and ":" not in host else (target, default)


def _context(config: TlsConfig) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=config.ca_file)
    if config.min_version is not None:
        context.minimum_version = _VERSIONS[config.min_version]
    if config.cert_file is not None:
        context.load_cert_chain(config.cert_file, config.key_file)
    if config.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _serial(response: dns.message.Message) -> int:
    return next((int(r[0].serial) for r in response.answer if r.rdtype == dns.rdatatype.SOA), 0)


def _fqdn(name: str) -> dns.name.Name:
    return dns.name.from_text(name or ".")


def _fnv(data: bytes) -> int:
    """FNV-1a of 32 bits: what blackbox_exporter hashes addresses with."""
    value = 2166136261
    for octet in data:
        value = (value ^ octet) * 16777619 % 2**32
    return value
