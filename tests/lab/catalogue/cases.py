"""The catalogue: one zone a case, what is asked of it, and what a validator must say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import dns.name
import dns.rdata
import dns.rdatatype
from dns.dnssectypes import Algorithm

from .keys import DAY, KSK, ZSK, Key, sign, sign_nsec3

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import dns.zone

RECORDS = """\
@ A 192.0.2.1
@ MX 10 www
www A 192.0.2.1
www AAAA 2001:db8::1
a.ent TXT "an empty non-terminal is above"
*.wild A 192.0.2.2
"""


@dataclass(frozen=True, slots=True)
class Built:
    """A zone as its servers read it, and what its parent says of it."""

    text: str
    ds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One zone of the catalogue."""

    zone: str
    status: str
    cause: str | None
    build: Callable[[str, str, Path], Built]
    """From the zone's text without DNSSEC, its name, and a folder for files."""
    records: str = RECORDS
    questions: tuple[tuple[str, str], ...] = (("www", "A"),)
    """Owner within the zone, and type."""
    second: Callable[[str, str, Path], Built] | None = field(default=None)
    """What the second server has, where that is something else."""
    delegated: Literal["right", "glue", "names", "lame", "dangling"] = "right"
    """What the parent says: the truth, an old address for ns2, another name for it, a server that knows nothing, or one
    more of a domain that does not exist."""


def _text(zone: dns.zone.Zone) -> str:
    return zone.to_text(relativize=False)


def _signed(*algorithms: Algorithm, **options: object) -> Callable[[str, str, Path], Built]:
    def build(text: str, zone: str, _: Path) -> Built:
        keys = [Key.new(KSK, algorithm) for algorithm in algorithms or (Algorithm.ECDSAP256SHA256,)]
        return Built(_text(sign(text, zone, keys, **options)), tuple(key.ds(zone) for key in keys))  # type: ignore[arg-type]

    return build


def _nsec3(*options: str) -> Callable[[str, str, Path], Built]:
    def build(text: str, zone: str, folder: Path) -> Built:
        signed, ds = sign_nsec3(text, zone, folder, *options)
        return Built(_text(signed), (ds,))

    return build


def _without(rdtype: str, owner: str | None = None, builder: Callable[[str, str, Path], Built] | None = None):  # type: ignore[no-untyped-def]
    """The zone without these records, or without the signatures over them where `rdtype` begins with ``RRSIG``."""

    def build(text: str, zone: str, folder: Path) -> Built:
        built = (builder or _signed())(text, zone, folder)
        lines = []
        for line in built.text.splitlines():
            fields = line.split()
            name = fields[0] if fields else ""
            same = owner is None or name == f"{owner}.{zone}."
            wanted = rdtype.split()
            if not (same and len(fields) > 3 and wanted[0] in fields[2:4] and all(w in fields for w in wanted)):
                lines.append(line)
        return Built("\n".join(lines) + "\n", built.ds)

    return build


def _altered(text: str, zone: str, folder: Path) -> Built:
    built = _signed()(text, zone, folder)
    return Built(built.text.replace("192.0.2.1\n", "192.0.2.66\n"), built.ds)


def _plain(text: str, _zone: str, _: Path) -> Built:
    return Built(text)


def _other_ds(text: str, zone: str, folder: Path) -> Built:
    return Built(_signed()(text, zone, folder).text, (Key.new().ds(zone),))


def _no_key(text: str, zone: str, _: Path) -> Built:
    return Built(text, (Key.new().ds(zone),))


def _odd_ds(which: int, value: str) -> Callable[[str, str, Path], Built]:
    def build(text: str, zone: str, folder: Path) -> Built:
        built = _signed()(text, zone, folder)
        fields = built.ds[0].split()
        fields[which] = value
        return Built(built.text, (" ".join(fields),))

    return build


def _keys(*, published: str, signing: str, ds: str) -> Callable[[str, str, Path], Built]:
    """A rollover in one of its steps, by the names of keys: K and k key signing keys, Z and z zone signing keys."""

    def build(text: str, zone: str, _: Path) -> Built:
        made = {name: Key.new(KSK if name in "Kk" else ZSK) for name in "KkZz"}
        signed = sign(text, zone, [made[n] for n in signing], published=[made[n] for n in published])
        return Built(_text(signed), tuple(made[n].ds(zone) for n in ds))

    return build


def _algorithms(*, published: str, signing: str, ds: str) -> Callable[[str, str, Path], Built]:
    """A rollover from ECDSA (E) to Ed25519 (D)."""

    def build(text: str, zone: str, _: Path) -> Built:
        made = {"E": Key.new(), "D": Key.new(KSK, Algorithm.ED25519)}
        signed = sign(text, zone, [made[n] for n in signing], published=[made[n] for n in published])
        return Built(_text(signed), tuple(made[n].ds(zone) for n in ds))

    return build


_EVERYTHING = (
    ("www", "A"), ("www", "MX"), ("nope", "A"), ("ent", "A"), ("a.ent", "TXT"), ("x.wild", "A"), ("x.wild", "MX"),
    ("@", "SOA"), ("@", "DNSKEY"), ("@", "NS"), ("deep.nope", "A"),
)  # fmt: skip
_ALIASES = """\
here CNAME www
www A 192.0.2.1
good CNAME www.good.cat.
insecure CNAME www.unsigned.cat.
bogus CNAME www.expired.cat.
gone CNAME nope.good.cat.
dn DNAME good.cat.
"""

CASES = (
    Case("good.cat", "secure", None, _signed(), questions=_EVERYTHING),
    Case("rsa.cat", "secure", None, _signed(Algorithm.RSASHA256)),
    Case("p384.cat", "secure", None, _signed(Algorithm.ECDSAP384SHA384)),
    Case("ed25519.cat", "secure", None, _signed(Algorithm.ED25519)),
    Case("nsec3.cat", "secure", None, _nsec3("-t", "0"), questions=_EVERYTHING),
    Case("salted.cat", "secure", None, _nsec3("-t", "5", "-s", "abcd"), questions=_EVERYTHING),
    Case("many-iterations.cat", "insecure", None, _nsec3("-t", "400"), questions=(("nope", "A"),)),
    Case("opt-out.cat", "insecure", None, _nsec3("-t", "0", "-p"), questions=(("nope", "A"),)),
    Case("unsigned.cat", "insecure", None, _plain, questions=(("www", "A"), ("nope", "A"))),
    Case("odd-algorithm.cat", "insecure", "algorithm_unsupported", _odd_ds(1, "200")),
    Case("odd-digest.cat", "insecure", "algorithm_unsupported", _odd_ds(2, "200")),
    Case(
        "alias.cat", "secure", None, _signed(), _ALIASES,
        (("here", "A"), ("good", "A"), ("gone", "A"), ("www.dn", "A"), ("good", "MX")),
    ),
    Case("alias-insecure.cat", "insecure", None, _signed(), _ALIASES, (("insecure", "A"),)),
    Case("alias-bogus.cat", "bogus", "rrsig_expired", _signed(), _ALIASES, (("bogus", "A"),)),
    Case("expired.cat", "bogus", "rrsig_expired", _signed(start=-9 * DAY, end=-2 * DAY)),
    Case("future.cat", "bogus", "rrsig_not_yet_valid", _signed(start=2 * DAY, end=9 * DAY)),
    Case("altered.cat", "bogus", "signature_invalid", _altered),
    Case("no-signature.cat", "bogus", "rrsig_missing", _without("RRSIG A", "www")),
    Case("no-nsec.cat", "bogus", "nsec_missing", _without("NSEC"), questions=(("nope", "A"), ("www", "MX"))),
    Case(
        "no-nsec3.cat", "bogus", "nsec_missing", _without("NSEC3", None, _nsec3("-t", "0")),
        questions=(("www", "MX"),),
    ),
    Case("ds-mismatch.cat", "bogus", "ds_mismatch", _other_ds),
    Case("no-dnskey.cat", "bogus", "dnskey_missing", _no_key),
    Case("zsk-published.cat", "secure", None, _keys(published="KZz", signing="KZ", ds="K")),
    Case("zsk-withdrawn.cat", "bogus", "dnskey_missing", _keys(published="Kz", signing="KZ", ds="K")),
    Case("ksk-double.cat", "secure", None, _keys(published="KkZ", signing="KkZ", ds="Kk")),
    Case("ksk-withdrawn.cat", "bogus", "ds_mismatch", _keys(published="kZ", signing="kZ", ds="K")),
    Case("ksk-idle.cat", "bogus", "dnskey_missing", _keys(published="KkZ", signing="KZ", ds="k")),
    Case("algorithm-double.cat", "secure", None, _algorithms(published="ED", signing="ED", ds="ED")),
    Case("algorithm-early-ds.cat", "bogus", "ds_mismatch", _algorithms(published="E", signing="E", ds="D")),
    Case(
        "one-stale.cat", "secure", None, _keys(published="K", signing="K", ds="K"),
        second=_signed(start=-9 * DAY, end=-2 * DAY),
    ),
    Case("old-glue.cat", "secure", None, _signed(), delegated="glue"),
    Case("other-names.cat", "secure", None, _signed(), delegated="names"),
    Case("lame.cat", "secure", None, _signed(), delegated="lame"),
    Case("dangling.cat", "secure", None, _signed(), delegated="dangling"),
)  # fmt: skip
