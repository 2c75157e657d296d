"""RDAP answers, read (RFC 9083). Pure."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .reading import Reading, ReadingError, names, status, time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Deeper or longer than any registry's.
_MOST_ENTITIES = 100
_MOST_ITEMS = 200


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object in an answer.

    Raises:
        ReadingError: there is none.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ReadingError("the answer is not JSON") from error
    if not isinstance(found, dict):
        raise ReadingError("the answer is not a JSON object")
    return found


def read(answer: Mapping[str, Any], domain: str) -> Reading:
    """A domain object.

    Args:
        answer: the JSON object.
        domain: canonical; what was asked for.

    Raises:
        ReadingError: it is about something else, or not in the form of RFC 9083 §5.3.
    """
    if answer.get("objectClassName") not in {None, "domain"}:
        raise ReadingError(f"the answer is about a {str(answer.get('objectClassName'))[:40]}")
    about = answer.get("ldhName")
    if not isinstance(about, str) or names([about]) != (domain,):
        raise ReadingError(f"the answer is about {str(about)[:80]!r}")
    events = {_text(event, "eventAction"): _text(event, "eventDate") for event in _objects(answer, "events")}
    statuses = tuple(sorted({status(word) for word in _list(answer, "status") if isinstance(word, str)}))
    expires = events.get("expiration") or events.get("registrar expiration")
    return Reading(
        registrar=_registrar(answer),
        statuses=statuses if "status" in answer else None,
        nameservers=(
            names([found for server in _objects(answer, "nameservers") if (found := _text(server, "ldhName"))])
            if "nameservers" in answer
            else None
        ),
        expires=time(expires) if expires else None,
        changed=time(changed) if (changed := events.get("last changed")) else None,
        registrant=_registrant(answer),
        transfer="pending" if "pending transfer" in statuses else events.get("transfer"),
        ds=_ds(answer),
    )


def related(answer: Mapping[str, Any], asked: str) -> str | None:
    """Where the registrar tells more (RFC 9083 §4.2, `related`); ``None`` where nowhere, or not safely.

    Args:
        answer: the registry's.
        asked: the URL that it came from; plain HTTP is followed only from plain HTTP.
    """
    schemes = {"https", urlsplit(asked).scheme}
    for link in _objects(answer, "links"):
        href = _text(link, "href")
        if _text(link, "rel") == "related" and _text(link, "type") == "application/rdap+json" and href:
            try:
                parts = urlsplit(href)
            except ValueError:
                continue
            if parts.scheme in schemes and parts.hostname and href != asked and len(href) < 2000:
                return href
    return None


def bases(answer: Mapping[str, Any]) -> dict[str, str]:
    """The RDAP server of each TLD, from IANA's bootstrap file (RFC 9224 §4); HTTPS is preferred.

    Raises:
        ReadingError: it is in another form.
    """
    found: dict[str, str] = {}
    services = answer.get("services")
    if not isinstance(services, list):
        raise ReadingError("the bootstrap file has no services")
    for service in services:
        try:
            tlds, urls = service
            usable = sorted((url for url in urls if urlsplit(url).scheme in {"https", "http"}), reverse=True)
            found |= {names([tld])[0]: usable[0].rstrip("/") + "/" for tld in tlds if usable}
        except (TypeError, ValueError, AttributeError) as error:
            raise ReadingError("the bootstrap file is not as RFC 9224 says") from error
    return found


def _registrar(answer: Mapping[str, Any]) -> str | None:
    for entity in _entities(answer, "registrar"):
        if name := _full_name(entity):
            return name
    return None


def _registrant(answer: Mapping[str, Any]) -> str | None:
    """A hash of the entity; the entity itself goes no further."""
    for entity in _entities(answer, "registrant"):
        told = {key: entity[key] for key in ("handle", "vcardArray", "jscard_version", "jscard") if key in entity}
        if told:
            canonical = json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
            return f"sha256:{hashlib.sha256(canonical).hexdigest()}"
    return None


def _ds(answer: Mapping[str, Any]) -> tuple[str, ...] | None:
    secure = answer.get("secureDNS")
    if not isinstance(secure, dict):
        return None
    if secure.get("delegationSigned") is False:
        return ()
    found = []
    for item in _objects(secure, "dsData"):
        fields = [item.get(key) for key in ("keyTag", "algorithm", "digestType", "digest")]
        if not all(isinstance(field, int) for field in fields[:3]) or not isinstance(fields[3], str):
            raise ReadingError("a DS record that is none")
        found.append(" ".join(str(field) for field in fields).lower())
    return tuple(sorted(found)) if "dsData" in secure else None


def _entities(answer: Mapping[str, Any], role: str) -> Iterator[Mapping[str, Any]]:
    for entity in _objects(answer, "entities")[:_MOST_ENTITIES]:
        if role in _list(entity, "roles"):
            yield entity


def _full_name(entity: Mapping[str, Any]) -> str | None:
    """The `fn` of a jCard (RFC 7095)."""
    card = entity.get("vcardArray")
    if not isinstance(card, list) or len(card) != 2 or not isinstance(card[1], list):
        return None
    for line in card[1][:_MOST_ITEMS]:
        if isinstance(line, list) and len(line) >= 4 and line[0] == "fn" and isinstance(line[3], str) and line[3]:
            return line[3].strip()[:200] or None
    return None


def _list(answer: Mapping[str, Any], key: str) -> list[Any]:
    value = answer.get(key, [])
    if not isinstance(value, list):
        raise ReadingError(f"{key} is not a list")
    return value[:_MOST_ITEMS]


def _objects(answer: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    return [item for item in _list(answer, key) if isinstance(item, dict)]


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""
