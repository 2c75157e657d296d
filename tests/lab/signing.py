"""Keys, signatures and DS records."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

import dns.dnssec
import dns.name
import dns.rdtypes.ANY.DNSKEY
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec
from dns.dnssectypes import Algorithm, DSDigest

from .zones import TTL

#: The flags of a key that signs everything in its zone (RFC 4034 §2.1.1: zone key and secure entry point).
_CSK = 257


@dataclass(frozen=True, slots=True)
class Key:
    """A zone's one key, ECDSAP256SHA256."""

    private: ec.EllipticCurvePrivateKey
    public: dns.rdtypes.ANY.DNSKEY.DNSKEY

    @classmethod
    def new(cls) -> Key:
        """A key that never was."""
        return cls._of(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def of(cls, zone: str) -> Key:
        """A zone's key, the same in each lab: for who watched another lab just before, it was not replaced."""
        secret = int.from_bytes(hashlib.sha256(zone.encode()).digest()[1:], "big")
        return cls._of(ec.derive_private_key(secret, ec.SECP256R1()))

    @classmethod
    def _of(cls, private: ec.EllipticCurvePrivateKey) -> Key:
        return cls(private, dns.dnssec.make_dnskey(private.public_key(), Algorithm.ECDSAP256SHA256, flags=_CSK))

    def ds(self, zone: str) -> str:
        """The data of the DS record that the zone's parent publishes for this key."""
        return dns.dnssec.make_ds(dns.name.from_text(zone), self.public, DSDigest.SHA256).to_text()


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when signatures hold, relative to the moment of signing."""

    inception: dt.timedelta
    expiration: dt.timedelta


CURRENT = Validity(-dt.timedelta(hours=1), dt.timedelta(days=14))
# Validators forgive a skew of up to a day (Unbound's val-sig-skew-max), so it is two days over.
EXPIRED = Validity(-dt.timedelta(days=16), -dt.timedelta(days=2))


def sign(text: str, zone: str, key: Key, validity: Validity = CURRENT) -> str:
    """The zone with DNSKEY, NSEC and RRSIG."""
    contents = dns.zone.from_text(text, origin=dns.name.from_text(zone), relativize=False)
    now = dt.datetime.now(dt.UTC)
    dns.dnssec.sign_zone(
        contents,
        keys=[(key.private, key.public)],
        dnskey_ttl=TTL,
        inception=now + validity.inception,
        expiration=now + validity.expiration,
    )
    return contents.to_text(relativize=False)
