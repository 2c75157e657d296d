"""DNSSEC of recorded responses, validated again at the time at which they were seen (RFC 4035 §5.3). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import dns.dnssec
import dns.exception
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
from dns.rdataset import from_rdata_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dns.rdtypes.ANY.DNSKEY import DNSKEY
    from dns.rdtypes.ANY.RRSIG import RRSIG

    from .responses import Response

#: What becomes of a signature; the gravest first.
Result = Literal[
    "signature does not verify", "expired at that time", "not yet valid", "algorithm not supported",
    "no key in the bundle", "not checked", "cannot be read", "not signed", "valid",
]  # fmt: skip
_GRAVEST: tuple[Result, ...] = get_args(Result)
#: Results that a recorded cause foretells. Other causes lie in the chain of trust and show in no signature.
_FORETOLD: dict[str, Result] = {
    "rrsig_expired": "expired at that time",
    "rrsig_not_yet_valid": "not yet valid",
    "signature_invalid": "signature does not verify",
}
#: Whoever made a bundle may have made it to keep us busy (CVE-2023-50387): signatures of one response, keys tried
#: for one signature, keys kept of one zone, and signatures checked in all.
_MOST_SETS, _MOST_TRIES, _MOST_KEYS, MOST_CHECKS = 64, 4, 64, 200_000
#: A verdict stands for up to a minute before it is looked at again, and an answer takes its time: so close to the
#: first or last second of a signature both verdicts are right.
_CLOSE = 90.0


class Key(NamedTuple):
    """A DNSKEY of the bundle."""

    key: DNSKEY
    secure: bool
    """Whether the response that it came with was found secure when it was seen."""


class Judged(NamedTuple):
    """What one response comes to."""

    seq: int
    question: str
    result: Result
    sets: tuple[tuple[str, Result], ...]
    """Each RRset, as ``OWNER TYPE``, and what became of its signatures."""
    secure_keys: bool
    """Whether it is valid by keys alone that were secure when they were seen."""
    contradiction: str | None
    """How this differs from what was recorded."""


class Keys:
    """The DNSKEYs of a bundle's own responses, by zone, key tag and algorithm."""

    def __init__(self, responses: Iterable[Response] = ()) -> None:
        self._keys: dict[tuple[dns.name.Name, int, int], dict[bytes, Key]] = {}
        self._counted: dict[dns.name.Name, int] = {}
        for response in responses:
            self.add(response)

    def add(self, response: Response) -> None:
        """Learn the keys that a response tells; one that cannot be read tells none."""
        message = _read(response.wire)
        for rrset in message.answer if message is not None else ():
            if rrset.rdtype != dns.rdatatype.DNSKEY:
                continue
            for key in rrset:
                self._learn(rrset.name, key, secure=response.status == "secure")

    def _learn(self, zone: dns.name.Name, key: DNSKEY, *, secure: bool) -> None:
        known = self._keys.setdefault((zone, dns.dnssec.key_id(key), int(key.algorithm)), {})
        wire = key.to_wire() or b""
        if wire in known:
            known[wire] = Key(key, secure or known[wire].secure)
        elif self._counted.get(zone, 0) < _MOST_KEYS:
            self._counted[zone] = self._counted.get(zone, 0) + 1
            known[wire] = Key(key, secure)

    def of(self, signature: RRSIG) -> list[Key]:
        """Keys that may have made a signature, the secure ones first."""
        found = self._keys.get((signature.signer, signature.key_tag, int(signature.algorithm)), {})
        return sorted(found.values(), key=lambda key: not key.secure)[:_MOST_TRIES]


class Revalidation:
    """Validates responses against the keys of the same bundle; never against the clock of today.

    Args:
        keys: of the bundle.
        most: signatures that are checked at most; the rest is said to be not checked.
    """

    def __init__(self, keys: Keys, *, most: int = MOST_CHECKS) -> None:
        self._keys = keys
        self._left = most

    def judge(self, response: Response) -> Judged:
        """One response, at its own time."""
        message = _read(response.wire)
        question = f"{response.name} {response.qtype}"
        if message is None:
            return Judged(response.seq, question, "cannot be read", (), secure_keys=False, contradiction=None)
        now = response.time.timestamp()
        sets, secure, close = [], True, False
        for rrset, signatures in _signed(message):
            result, by_secure = self._set(rrset, signatures, now)
            close = close or any(
                abs(now - second) <= _CLOSE for one in signatures for second in (one.inception, one.expiration)
            )
            sets.append((f"{rrset.name.to_text(omit_final_dot=True)} {dns.rdatatype.to_text(rrset.rdtype)}", result))
            secure = secure and by_secure
        whole: Result = min((result for _, result in sets), key=_GRAVEST.index, default="not signed")
        return Judged(
            response.seq, question, whole, tuple(sets), secure and whole == "valid",
            None if close else _contradiction(response, whole, secure=secure),
        )  # fmt: skip

    def _set(self, rrset: dns.rrset.RRset, signatures: list[RRSIG], now: float) -> tuple[Result, bool]:
        """One RRset: one signature that fits suffices; of several that do not, the one that came nearest is told."""
        found: list[tuple[Result, bool]] = [self._signature(rrset, signature, now) for signature in signatures]
        if not found:
            return "not signed", False
        if ("valid", True) in found:
            return "valid", True
        results = [result for result, _ in found]
        return ("valid" if "valid" in results else min(results, key=_GRAVEST.index)), False

    def _signature(self, rrset: dns.rrset.RRset, signature: RRSIG, now: float) -> tuple[Result, bool]:
        candidates = self._keys.of(signature)
        if not rrset.name.is_subdomain(signature.signer):
            return "signature does not verify", False
        if not candidates:
            return "no key in the bundle", False
        if now > signature.expiration:
            return "expired at that time", False
        if now < signature.inception:
            return "not yet valid", False
        if not any(dns.dnssec.default_policy.ok_to_validate(key.key) for key in candidates):
            return "algorithm not supported", False
        for key in candidates:
            if self._left <= 0:
                return "not checked", False
            self._left -= 1
            try:
                dns.dnssec.validate_rrsig(rrset, signature, {signature.signer: from_rdata_list(0, [key.key])}, now=now)
            except dns.exception.UnsupportedAlgorithm:
                return "algorithm not supported", False
            except (dns.exception.DNSException, ValueError):
                continue
            return "valid", key.secure
        return "signature does not verify", False


def revalidate(responses: Iterable[Response], *, most: int = MOST_CHECKS) -> Iterator[Judged]:
    """Every response of a bundle, against the keys that its own responses told.

    Args:
        responses: gone through twice.
        most: signatures that are checked at most.
    """
    listed = list(responses)
    validation = Revalidation(Keys(listed), most=most)
    for response in listed:
        yield validation.judge(response)


def _read(wire: bytes) -> dns.message.Message | None:
    try:
        return dns.message.from_wire(wire, ignore_trailing=True, raise_on_truncation=False)
    except (dns.exception.DNSException, ValueError):
        return None


def _signed(message: dns.message.Message) -> list[tuple[dns.rrset.RRset, list[RRSIG]]]:
    """Each RRset of the answer, and what is signed of the rest: a referral's NS and glue bear no signatures."""
    made: list[tuple[dns.rrset.RRset, list[RRSIG]]] = []
    any_ = False
    for section in (message.answer, message.authority):
        signatures: dict[tuple[dns.name.Name, int], list[RRSIG]] = {}
        for rrset in section:
            if rrset.rdtype == dns.rdatatype.RRSIG:
                signatures.setdefault((rrset.name, int(rrset.covers)), []).extend(list(rrset)[:_MOST_TRIES])
                any_ = True
        for rrset in section:
            own = signatures.get((rrset.name, int(rrset.rdtype)), [])
            wanted = section is message.answer and not _synthesized(rrset, section)
            if rrset.rdtype != dns.rdatatype.RRSIG and (own or wanted):
                made.append((rrset, own[:_MOST_TRIES]))
    return made[:_MOST_SETS] if any_ else []


def _synthesized(rrset: dns.rrset.RRset, section: list[dns.rrset.RRset]) -> bool:
    """Whether it is a CNAME that a DNAME above it makes; that one bears the signature (RFC 6672 §5.3.1)."""
    return rrset.rdtype == dns.rdatatype.CNAME and any(
        other.rdtype == dns.rdatatype.DNAME and rrset.name != other.name and rrset.name.is_subdomain(other.name)
        for other in section
    )


def _contradiction(response: Response, result: Result, *, secure: bool) -> str | None:
    if response.status == "secure" and result in {*_FORETOLD.values(), "not signed"}:
        return f"recorded as secure, but: {result}"
    foretold = _FORETOLD.get(response.cause or "")
    if response.status == "bogus" and foretold is not None and result == "valid" and secure:
        return f"recorded as bogus ({response.cause}), but: valid at that time"
    return None
