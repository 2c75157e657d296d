"""Rules as Sigma rules over the events, as the store and Kafka carry them (https://sigmahq.io).

A Sigma rule sees one event, or counts them; it knows neither the inventory nor what was before.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from .matching import split
from .model import gravest
from .rules import Match, Transition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .rules import FactName, Fields, Rule, Where

#: The product of Sigma rules on the events themselves, of which each type is a service.
PRODUCT = "dnstower"
_LEVELS = {"critical": "critical", "warning": "high", "info": "low"}
#: Facts that an event tells to be amiss by itself.
_FACTS: dict[FactName, Fields] = {
    "lock": {"statuses|endswith|not": "transfer prohibited", "statuses|not": None},
    "transfer": {"statuses": "pending transfer"},
}
_FAMILIES = {"ipv4": ".", "ipv6": ":"}


class InexpressibleError(ValueError):
    """A rule that Sigma has no words for; the message says what it is."""


def written(rule: Rule) -> list[dict[str, Any]]:
    """The Sigma rule; and the correlation that counts it, where the rule does.

    Raises:
        InexpressibleError: Sigma cannot say it.
    """
    detect = rule.detect
    if len(rule.types) > 1:
        raise InexpressibleError("is on several types of events; a Sigma rule has one log source")
    if isinstance(detect, Match):
        if detect.when is not None:
            raise InexpressibleError("its `when` is CEL")
        if detect.least > 1 and detect.probes > 1:
            raise InexpressibleError("counts events and probes; a Sigma correlation counts one")
        listed = detect.fields if isinstance(detect.fields, tuple) else (detect.fields,)
    elif isinstance(detect, Transition) and not detect.records and all(fact in _FACTS for fact in detect.facts):
        listed = tuple(_FACTS[fact] for fact in detect.facts)
    elif isinstance(detect, Transition):
        raise InexpressibleError("compares with the inventory, or with what was before")
    else:
        raise InexpressibleError(f"is `{type(detect).__name__.lower()}`, which looks at more than single events")
    where = _where(rule.where)
    severity = rule.severity if isinstance(rule.severity, str) else gravest(*rule.severity.values())
    head = {
        "title": rule.id.replace("-", " ").capitalize(),
        "id": _id(rule.id),
        "name": rule.id.replace("-", "_"),
        "status": "test",
        "description": " ".join(rule.about.split()) or rule.title,
    }
    level = _LEVELS[severity]
    document = {
        **head,
        "logsource": {"product": PRODUCT, "service": rule.types[0]},
        "detection": _detection([{**fields, **where} for fields in listed], rule.types[0]),
        "level": level,
    }
    if not isinstance(detect, Match) or max(detect.least, detect.probes) == 1:
        return [document]
    together = ["zone", "name", "qtype"] if detect.by == "question" and rule.types == ("observation",) else ["zone"]
    window = detect.window if isinstance(detect.window, str) else detect.window["critical"]
    counted: dict[str, Any] = {"gte": max(detect.least, detect.probes)}
    if detect.probes > 1:
        counted["field"] = "probe.id"
    correlation = {
        "type": "value_count" if detect.probes > 1 else "event_count",
        "rules": [head["name"]],
        "group-by": together,
        "timespan": window,
        "condition": counted,
    }
    many = {"title": f"{head['title']}, several times", "id": _id(f"{rule.id} counted")}
    document["level"] = "informational"  # one of them is none
    return [document, {**many, "status": "test", "correlation": correlation, "level": level}]


def _where(where: Where) -> Fields:
    if where.expected or where.validated:
        raise InexpressibleError("its `where` asks the inventory or the validation")
    found: Fields = {} if where.role is None else {"server.role": where.role}
    return found if where.family is None else {**found, "server.address|contains": _FAMILIES[where.family]}


def _detection(alternatives: list[Fields], event: str) -> dict[str, Any]:
    """Searches and the condition over them: of each alternative what holds, and what does not."""
    found: dict[str, Any] = {}
    terms = []
    for number, fields in enumerate(alternatives, 1):
        suffix = f"_{number}" if len(alternatives) > 1 else ""
        holds = {key: _values(key, value) for key, value in fields.items() if not split(key)[3]}
        denied = [{_positive(key): _values(key, value)} for key, value in fields.items() if split(key)[3]]
        # Few backends can say what is not so alone.
        found[f"selection{suffix}"] = holds or {"type": event}
        terms.append(f"selection{suffix}")
        if denied:
            found[f"filter{suffix}"] = denied if len(denied) > 1 else denied[0]
            terms[-1] += f" and not filter{suffix}"
    bare = len(terms) == 1
    return {**found, "condition": " or ".join(term if bare or " " not in term else f"({term})" for term in terms)}


def _positive(key: str) -> str:
    return "|".join(part for part in key.split("|") if part != "not")


def _values(key: str, value: Any) -> Any:
    """Values as Sigma has them, in which stars, question marks and backslashes are signs."""
    if isinstance(value, tuple):
        return [_values(key, each) for each in value]
    if isinstance(value, str) and split(key)[1] != "re":
        return re.sub(r"([*?\\])", r"\\\1", value)
    return value


def _id(said: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://dnstower/rules/{said}"))


def exported(rules: Iterable[Rule]) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    """The Sigma rules by the ids of ours, and why others cannot be."""
    found, reasons = {}, {}
    for rule in rules:
        try:
            found[rule.id] = written(rule)
        except InexpressibleError as error:
            reasons[rule.id] = str(error)
    return found, reasons
