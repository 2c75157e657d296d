"""The probes of one probes.yaml: whose credentials these are, and for whom they may speak."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, NamedTuple

from dns_events.durations import seconds
from dns_events.yamlfile import Document

from kafka_bridge.errors import ConfigError

from .settings import ANYONE, Entry, Probes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: A longer list is a generated mistake, and each unknown token is compared with all of it.
_MOST_PROBES = 10_000
_MOST_NAME = 128


class UnknownSenderError(Exception):
    """Credentials that prove nobody; the message says what is missing and holds no secret."""


class Limits(NamedTuple):
    """How much one probe may send."""

    rate: float
    rate_bytes: float
    burst: float
    """Seconds."""
    max_bytes: int | None


class Roster:
    """Who may send.

    Args:
        probes: a checked probes.yaml.
    """

    def __init__(self, probes: Probes) -> None:
        self._probes = probes
        self._by_id = {entry.id: entry for entry in probes.probes}
        self._tokens = [(bytes.fromhex(text), entry) for entry in probes.probes for text in entry.tokens]
        self._certificates = {entry.certificate: entry for entry in probes.probes if entry.certificate is not None}

    @property
    def entries(self) -> tuple[Entry, ...]:
        """As they stand in the file."""
        return self._probes.probes

    def __contains__(self, probe: str) -> bool:
        return probe in self._by_id

    def limits(self, entry: Entry) -> Limits:
        """The limits that hold for a probe."""
        own, common = entry, self._probes
        return Limits(
            rate=common.rate if own.rate is None else own.rate,
            rate_bytes=common.rate_bytes if own.rate_bytes is None else own.rate_bytes,
            burst=seconds(common.burst if own.burst is None else own.burst),
            max_bytes=common.max_bytes if own.max_bytes is None else own.max_bytes,
        )

    def identify(self, token: str | None, names: Iterable[str]) -> Entry:
        """Whose credentials these are.

        Args:
            token: the bearer token, if one came.
            names: common name and subject alternative names of the client's verified certificate.

        Raises:
            UnknownSenderError: nobody's.
        """
        shown = tuple(names)
        if token is None and not shown:
            msg = "no credentials; send `Authorization: Bearer TOKEN`, or a client certificate"
            raise UnknownSenderError(msg)
        by_token = None if token is None else self._by_token(token)
        certified = {entry.id: entry for name in shown if (entry := self._certificates.get(name)) is not None}
        if len(certified) > 1:
            msg = f"the certificate names more than one probe ({', '.join(sorted(certified))}); issue one for each"
            raise UnknownSenderError(msg)
        by_certificate = next(iter(certified.values()), None)
        entry = by_token or by_certificate
        if entry is None:
            msg = f"the certificate of {_shown(shown)} is no probe's; write `certificate: …` into probes.yaml"
            raise UnknownSenderError(msg)
        if by_certificate is not None and by_certificate is not entry:
            msg = "token and certificate are of different probes; send those of one"
            raise UnknownSenderError(msg)
        if entry.certificate is not None and by_certificate is None:
            msg = "this token needs its probe's client certificate beside it"
            raise UnknownSenderError(msg)
        if entry.tokens and by_token is None:
            msg = "this certificate needs its probe's token beside it; send `Authorization: Bearer TOKEN`"
            raise UnknownSenderError(msg)
        return entry

    def objection(self, sender: Entry, probe: str | None, region: str | None) -> str | None:
        """Why a sender may not say this of who looked; ``None``: it may.

        What an event does not say contradicts nothing.
        """
        proved = f"{sender.id!r} of region {sender.region!r}" if sender.region else f"{sender.id!r}"
        anyone = ANYONE in sender.speaks_for
        if probe is not None and not anyone and probe != sender.id and probe not in sender.speaks_for:
            return f"an event claims to be of probe {probe!r}; proved is {proved}"
        if region is None:
            return None
        # Whom a gateway means by an event without a probe, nobody can say: it is no event, and becomes a dead letter.
        alone = None if sender.speaks_for else sender
        looked = alone if probe is None else self._by_id.get(probe)
        if looked is None or region == looked.region:
            return None
        return (
            f"an event of probe {looked.id!r} claims region {region!r}; proved is {proved}, "
            f"and probes.yaml has {looked.id!r} in {looked.region!r}"
        )

    def _by_token(self, token: str) -> Entry:
        digest = hashlib.sha256(token.encode(errors="replace")).digest()
        found = None
        for known, entry in self._tokens:
            # To the end, whichever it is, so that the time tells nothing.
            if hmac.compare_digest(known, digest):
                found = entry
        if found is None:
            msg = "the token is no probe's; make one with `kafka-bridge probes token ID`"
            raise UnknownSenderError(msg)
        return found


def load_roster(path: Path, *, certificates: bool = True) -> Roster:
    """Read and check a probes.yaml.

    Args:
        path: the file.
        certificates: whether the bridge asks for client certificates (`otlp.tls.clients`).

    Raises:
        ConfigError: names file, line and what to write instead.
    """
    document = Document(path, ConfigError)
    probes = document.convert(Probes)
    if len(probes.probes) > _MOST_PROBES:
        raise document.error("$.probes", f"{len(probes.probes)} probes; at most {_MOST_PROBES} are taken")
    _check_limits(document, "$", probes)
    ids, tokens, names = set[str](), set[str](), set[str]()
    spoken_for = {probe for entry in probes.probes for probe in entry.speaks_for}
    for number, entry in enumerate(probes.probes):
        at = f"$.probes[{number}]"
        if not 0 < len(entry.id) <= _MOST_NAME or not entry.id.isprintable():
            raise document.error(f"{at}.id", f"an id is 1 to {_MOST_NAME} printable characters")
        if entry.id == ANYONE or entry.id in ids:
            raise document.error(f"{at}.id", f"{entry.id!r} stands twice, or stands for all; give each its own id")
        if entry.region is not None and not (0 < len(entry.region) <= _MOST_NAME and entry.region.isprintable()):
            raise document.error(f"{at}.region", f"a region is 1 to {_MOST_NAME} printable characters")
        _check_limits(document, at, entry)
        for token in entry.tokens:
            if not re.fullmatch(r"[0-9a-f]{64}", token):
                text = (
                    f"not a SHA-256 in lower-case hex; take the line that `kafka-bridge probes token {entry.id}` prints"
                )
                raise document.error(f"{at}.token_sha256", text)
            if token in tokens:
                raise document.error(f"{at}.token_sha256", "another probe's token; give each its own")
            tokens.add(token)
        if entry.certificate is not None:
            if not certificates:
                text = "client certificates are not asked for; write `otlp: {tls: {clients: FILE}}` into bridge.yaml"
                raise document.error(f"{at}.certificate", text)
            if not entry.certificate or entry.certificate in names:
                raise document.error(f"{at}.certificate", "empty, or another probe's; give each its own")
            names.add(entry.certificate)
        if not entry.tokens and entry.certificate is None and not spoken_for & {entry.id, ANYONE}:
            text = (
                f"{entry.id!r} cannot prove who it is; write `token_sha256` (from `kafka-bridge probes token "
                f"{entry.id}`) or `certificate`, or name it in a Collector's `speaks_for`"
            )
            raise document.error(at, text)
        ids.add(entry.id)
    _check_speakers(document, probes, ids)
    return Roster(probes)


def _check_speakers(document: Document, probes: Probes, ids: set[str]) -> None:
    for number, entry in enumerate(probes.probes):
        at = f"$.probes[{number}].speaks_for"
        if ANYONE in entry.speaks_for and len(entry.speaks_for) > 1:
            raise document.error(at, f"`{ANYONE}` is everybody already; write it alone")
        if unknown := sorted(set(entry.speaks_for) - ids - {ANYONE}):
            raise document.error(at, f"{unknown[0]!r} is not listed; write `- {{id: {unknown[0]}, region: …}}` as well")


def _check_limits(document: Document, at: str, limits: Probes | Entry) -> None:
    for name in ("rate", "rate_bytes"):
        value = getattr(limits, name)
        if value is not None and not 0 < value < 1e12:
            raise document.error(f"{at}.{name}", "not a rate; write a number a second above 0")
    if limits.max_bytes is not None and limits.max_bytes < 1024:
        raise document.error(f"{at}.max_bytes", "less than 1024 bytes; nothing would fit")
    if limits.burst is not None:
        try:
            if seconds(limits.burst) <= 0:
                raise document.error(f"{at}.burst", "no time at all; write for instance 10s")
        except ValueError as error:
            raise document.error(f"{at}.burst", str(error)) from error


def _shown(names: tuple[str, ...]) -> str:
    return ", ".join(repr(name[:_MOST_NAME]) for name in names[:4])
