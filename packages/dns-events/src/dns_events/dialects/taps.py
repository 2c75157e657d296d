"""dnstap's message types, as the tools that write them as JSON name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dns_events.errors import DecodeError, NotAnObservationError

if TYPE_CHECKING:
    from collections.abc import Collection

    from dns_events.events import Role, Source

_LOOKUPS: dict[str, tuple[Role, Source]] = {
    "AUTH": ("authoritative", "authoritative_log"),
    "RESOLVER": ("authoritative", "resolver_log"),
    "CLIENT": ("recursive", "resolver_log"),
    "FORWARDER": ("recursive", "resolver_log"),
    "STUB": ("recursive", "resolver_log"),
}
_OTHERS = frozenset({"TOOL", "UPDATE"})
#: DNS-collector's normalizer can shorten types to two letters, such as CR.
_SHORT = {family[0] + end[0]: f"{family}_{end}" for family in (*_LOOKUPS, *_OTHERS) for end in ("QUERY", "RESPONSE")}


class Kind(NamedTuple):
    """What a message type means."""

    role: Role
    """Of the server that answers."""
    source: Source
    response: bool


def kind(operation: str, flags: Collection[str]) -> Kind:
    """What a type such as ``CLIENT_RESPONSE`` means.

    Raises:
        NotAnObservationError: updates and tools.
        DecodeError: no such type.
    """
    family, _, end = _SHORT.get(operation.upper(), operation.upper()).rpartition("_")
    if end not in {"QUERY", "RESPONSE"} or family not in _OTHERS | set(_LOOKUPS):
        raise DecodeError(f"message type {operation[:40]!r} is none of dnstap's, such as CLIENT_RESPONSE")
    if family in _OTHERS:
        raise NotAnObservationError(f"{operation}: says nothing of lookups")
    role, source = _LOOKUPS[family]
    response = end == "RESPONSE"
    # No RA: whatever the producer calls it, this server does not recurse.
    if family == "CLIENT" and response and "ra" not in flags:
        role, source = _LOOKUPS["AUTH"]
    return Kind(role, source, response)


def query_alone(operation: str) -> NotAnObservationError:
    """The reason of a query's own record: what came of it stands in the response's, or nowhere."""
    return NotAnObservationError(f"{operation}: a query without its response is no observation")
