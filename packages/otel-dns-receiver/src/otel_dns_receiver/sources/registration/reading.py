"""What one answer about a domain says, whatever protocol it came over. Pure."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from typing import NamedTuple

from dns_events import DnsEventsError, normalize

#: EPP's words that RDAP writes otherwise than by taking them apart (RFC 8056 §2).
_EPP = {"ok": "active", "linked": "associated"}
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_CLIENT_LOCK = frozenset({"client transfer prohibited"})
_REGISTRY_LOCK = frozenset({"server transfer prohibited", "server update prohibited", "server delete prohibited"})


class ReadingError(ValueError):
    """An answer that cannot be read; nothing of it counts."""


class Reading(NamedTuple):
    """What an answer says. ``None`` is what it does not say."""

    registrar: str | None = None
    statuses: tuple[str, ...] | None = None
    nameservers: tuple[str, ...] | None = None
    expires: dt.datetime | None = None
    changed: dt.datetime | None = None
    registrant: str | None = None
    transfer: str | None = None
    ds: tuple[str, ...] | None = None

    def completed(self, other: Reading) -> Reading:
        """With what only the other one knows."""
        missing = {field: value for field, value in other._asdict().items() if getattr(self, field) is None}
        return self._replace(**missing)


def registrar_lock(statuses: tuple[str, ...]) -> bool:
    """Whether the registrar prohibits transfers."""
    return bool(_CLIENT_LOCK & set(statuses))


def registry_lock(statuses: tuple[str, ...]) -> bool:
    """Whether the registry prohibits transfer, update and deletion, so that no registrar account can."""
    return set(statuses) >= _REGISTRY_LOCK


def status(word: str) -> str:
    """A status as RDAP writes it (RFC 8056): EPP's ``clientTransferProhibited`` is ``client transfer prohibited``."""
    word = word.strip()
    return _EPP.get(word, _CAMEL.sub(" ", word).lower())


def names(words: list[str]) -> tuple[str, ...]:
    """Name servers in canonical form, in order.

    Raises:
        ReadingError: one is no name.
    """
    try:
        return tuple(sorted({normalize(word) for word in words}))
    except DnsEventsError as error:
        raise ReadingError(str(error)) from error


def time(text: str) -> dt.datetime | None:
    """A time as registries write it, in UTC; ``None`` where it cannot be told."""
    text = text.strip()
    if len(text) > 40:
        return None
    found = _parsed(text)
    if found is None:
        return None
    found = found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)
    try:
        return found.astimezone(dt.UTC)
    except OverflowError:
        return None


def _parsed(text: str) -> dt.datetime | None:
    with contextlib.suppress(ValueError):
        return dt.datetime.fromisoformat(text)
    for form in ("%Y.%m.%d", "%d-%b-%Y", "%Y/%m/%d", "%d.%m.%Y"):
        with contextlib.suppress(ValueError):
            return dt.datetime.strptime(text, form).replace(tzinfo=dt.UTC)
    return None
