"""Keys of any algorithm, and zones signed with some of them."""

from __future__ import annotations

import datetime as dt
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dns.dnssec
import dns.name
import dns.rdatatype
import dns.rdtypes.ANY.DNSKEY
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from dns.dnssectypes import Algorithm, DSDigest

from tests.lab.programs import path_of
from tests.lab.zones import TTL

if TYPE_CHECKING:
    from pathlib import Path

KSK, ZSK = 257, 256
DAY = dt.timedelta(days=1)


def _private(algorithm: Algorithm) -> Any:
    match algorithm:
        case Algorithm.RSASHA256 | Algorithm.RSASHA512:
            return rsa.generate_private_key(65537, 2048)
        case Algorithm.ECDSAP384SHA384:
            return ec.generate_private_key(ec.SECP384R1())
        case Algorithm.ED25519:
            return ed25519.Ed25519PrivateKey.generate()
        case _:
            return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True, slots=True)
class Key:
    """One key pair."""

    private: Any
    public: dns.rdtypes.ANY.DNSKEY.DNSKEY

    @classmethod
    def new(cls, flags: int = KSK, algorithm: Algorithm = Algorithm.ECDSAP256SHA256) -> Key:
        """A key that never was."""
        private = _private(algorithm)
        return cls(private, dns.dnssec.make_dnskey(private.public_key(), algorithm, flags=flags))

    def ds(self, zone: str) -> str:
        """The data of its DS record."""
        return dns.dnssec.make_ds(dns.name.from_text(zone), self.public, DSDigest.SHA256).to_text()


def sign(
    text: str,
    zone: str,
    signers: list[Key],
    *,
    published: list[Key] | None = None,
    start: dt.timedelta = -DAY,
    end: dt.timedelta = 14 * DAY,
) -> dns.zone.Zone:
    """The zone with NSEC, signed by `signers`, with the DNSKEYs of `published` (those of the signers, if left out)."""
    keys = "".join(f"@ DNSKEY {key.public.to_text()}\n" for key in (signers if published is None else published))
    contents = dns.zone.from_text(text + keys, origin=dns.name.from_text(zone), relativize=False)
    now = dt.datetime.now(dt.UTC)
    dns.dnssec.sign_zone(
        contents,
        keys=[(key.private, key.public) for key in signers],
        add_dnskey=False,
        dnskey_ttl=TTL,
        inception=now + start,
        expiration=now + end,
    )
    return contents


def sign_nsec3(text: str, zone: str, folder: Path, *options: str) -> tuple[dns.zone.Zone, str]:
    """The zone signed with NSEC3 by ldns, and its DS data."""
    folder.mkdir(parents=True, exist_ok=True)
    named = subprocess.run(
        [path_of("ldns-keygen"), "-a", "ECDSAP256SHA256", "-k", zone],
        cwd=folder, check=True, capture_output=True, text=True,
    )  # fmt: skip
    key = named.stdout.strip()
    file = folder / "zone"
    file.write_text(text)
    now = dt.datetime.now(dt.UTC)
    start, end = (f"{time:%Y%m%d%H%M%S}" for time in (now - DAY, now + 14 * DAY))
    subprocess.run(
        [path_of("ldns-signzone"), "-n", *options, "-i", start, "-e", end, "-o", zone, "-f", "signed", str(file), key],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    signed = dns.zone.from_text((folder / "signed").read_text(), origin=dns.name.from_text(zone), relativize=False)
    (public,) = (
        rdata for rdata in signed.find_rdataset(dns.name.from_text(zone), dns.rdatatype.DNSKEY) if rdata.flags == KSK
    )
    return signed, dns.dnssec.make_ds(dns.name.from_text(zone), public, DSDigest.SHA256).to_text()
