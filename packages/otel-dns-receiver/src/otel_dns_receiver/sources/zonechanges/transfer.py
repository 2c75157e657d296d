"""Asking a primary: for the serial, and for the zone (RFC 5936, RFC 1995), with TSIG (RFC 8945)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dns.xfr
import dns.zone

from .difference import Contents, ZoneError, contents

if TYPE_CHECKING:
    from pathlib import Path

    Keyring = dict[dns.name.Name, dns.tsig.Key]

#: A zone with more records is not compared.
MOST_RECORDS = 1_000_000


class TransferError(ValueError):
    """A primary that does not give what was asked for."""


def load_keys(path: Path) -> Keyring:
    """TSIG keys: ``<name> <algorithm> <base64>``, one a line, ``#`` for comments.

    Raises:
        ValueError: names file and line, never a key.
        OSError: it cannot be read.
    """
    found: Keyring = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 3:
            raise ValueError(f"{path}:{number}: write `<name> <algorithm> <base64 secret>`")
        try:
            name = dns.name.from_text(words[0]).canonicalize()
            algorithm = dns.name.from_text(words[1]).canonicalize()
            key = dns.tsig.Key(name, words[2], algorithm)
        except (dns.exception.DNSException, ValueError):
            raise ValueError(f"{path}:{number}: no TSIG key; is the secret base64?") from None
        if algorithm not in dns.tsig.HMACTSig._hashes:  # noqa: SLF001 - dnspython has no other list
            raise ValueError(f"{path}:{number}: algorithm {words[1][:40]} is not known; write hmac-sha256")
        found[name] = key
    return found


def key_of(keys: Keyring, name: str | None) -> dns.tsig.Key | None:
    """A key by its name.

    Raises:
        ValueError: there is none of that name.
    """
    if name is None:
        return None
    found = keys.get(dns.name.from_text(name).canonicalize())
    if found is None:
        raise ValueError(f"no TSIG key {name!r} in `keys`")
    return found


async def serial(zone: str, address: str, port: int, key: dns.tsig.Key | None, timeout: float) -> int:
    """The primary's serial.

    Raises:
        TransferError: no answer with authority.
    """
    message = dns.message.make_query(zone, dns.rdatatype.SOA)
    message.flags &= ~dns.flags.RD
    if key is not None:
        message.use_tsig(key)
    try:
        response, _ = await dns.asyncquery.udp_with_fallback(message, address, timeout, port)
    except (dns.exception.DNSException, OSError, EOFError) as error:
        raise TransferError(f"{address} gives no serial: {_why(error)}") from error
    for rrset in response.answer:
        if rrset.rdtype == dns.rdatatype.SOA and response.flags & dns.flags.AA:
            return int(rrset[0].serial)
    raise TransferError(f"{address} has no authority for {zone}")


async def fetch(
    zone: str, address: str, port: int, key: dns.tsig.Key | None, held: dns.zone.Zone | None, timeout: float
) -> dns.zone.Zone:
    """The zone now: by IXFR onto what is held where the primary has it, whole otherwise.

    Raises:
        TransferError: it was not given.
    """
    target = held if held is not None else dns.zone.Zone(dns.name.from_text(zone), relativize=False)
    more: dict[str, Any] = {}
    if key is not None:
        more = {"keyring": {key.name: key}, "keyname": key.name, "keyalgorithm": key.algorithm}
    try:
        query, _ = dns.xfr.make_query(target, serial=0 if held is not None else None, **more)
        async with asyncio.timeout(timeout):
            await dns.asyncquery.inbound_xfr(address, target, query, port=port, timeout=timeout)
    except TimeoutError:
        raise TransferError(f"{address} did not finish the transfer within {timeout:g} s") from None
    except (dns.exception.DNSException, OSError, EOFError, ValueError, KeyError) as error:
        raise TransferError(f"{address} gives no transfer: {_why(error)}") from error
    if sum(len(rdataset) for _, rdataset in target.iterate_rdatasets()) > MOST_RECORDS:
        raise TransferError(f"{zone} has more than {MOST_RECORDS} records")
    return target


def state(zone: dns.zone.Zone) -> Contents:
    """What was transferred.

    Raises:
        TransferError: it is no zone.
    """
    try:
        return contents(zone)
    except ZoneError as error:
        raise TransferError(str(error)) from error


def _why(error: BaseException) -> str:
    return str(error)[:200] or type(error).__name__
