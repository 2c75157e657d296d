"""Sigma rules on DNS query logs as `match` rules (https://sigmahq.io; extra ``sigma``).

The condition is written out: alternatives, of which each is a mapping of `matching`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import dns.rcode
import dns.rdatatype
import msgspec
from dns_events import TYPES
from dns_events.yamlfile import Document
from sigma import conditions, types
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule

from .errors import RulesError
from .matching import FaultError, compiled, fields_of
from .rules import Match
from .sigma_writing import PRODUCT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .rules import Value

    #: A mapping of `Match.fields`, with tuples alone.
    Fields = dict[str, tuple[Value, ...]]

#: More alternatives make a rule that nobody reads, or a condition that was not meant.
_MOST = 64
#: What DNS logs call a field, in small letters.
_FIELDS = {
    "name": ("query", "queryname", "query_name", "dns_query", "dns.question.name"),
    "qtype": ("record_type", "querytype", "query_type", "qtype", "qtype_name", "dns.question.type"),
    "answers.data": ("answer", "answers", "queryresults", "dns.answers.data"),
    "rcode": ("rcode", "rcode_name", "response_code", "dns.response_code"),
}
#: What is a name in the data of a record, and no address.
_NAME = re.compile(r"[\w.-]*\.[a-z][a-z0-9-]+", re.IGNORECASE)
_KNOWN = {said: ours for ours, names in _FIELDS.items() for said in names}
_LEVELS = {"critical": "critical", "high": "warning", "medium": "warning", "low": "info", "informational": "info"}


def read(path: Path) -> dict[str, Any]:
    """A file with one Sigma rule, as a rule of ours.

    Raises:
        RulesError: it is none, or cannot be expressed; names file and line.
    """
    document = Document(path, RulesError)
    value = document.value
    for key in ("correlation", "filter"):
        if isinstance(value, dict) and key in value:
            raise document.error(f"$.{key}", f"a Sigma {key} cannot be expressed; write `least` and `window` yourself")
    if not isinstance(value, dict) or not isinstance(value.get("detection"), dict):
        raise document.error("$.detection", "no Sigma rule: it is without `detection`")
    try:
        rule = SigmaRule.from_dict(value)
        source = rule.logsource
        event = _event(document, source.category, source.product, source.service)
        found: list[Fields] = []
        for condition in rule.detection.parsed_condition:
            found += _alternatives(condition.parsed, document, event, negated=False)
    except SigmaError as error:
        raise document.error(_at(document, error), str(error)) from error
    fields = [
        {key: values[0] if len(values) == 1 else list(values) for key, values in each.items()}
        for each in _folded(found)
    ]
    detect = {"detector": "match", "fields": fields[0] if len(fields) == 1 else fields, "window": "5m"}
    try:
        compiled(msgspec.convert(detect, Match), (event,))
    except FaultError as fault:
        raise document.error("$.detection", str(fault)) from fault
    said = (rule.description or rule.title).strip().rstrip(".")
    about = f"{said}. Sigma rule {rule.id or 'without id'} by {rule.author or 'somebody'}."
    checks = ["Which client is it, and what runs there? The logs of {servers} say who asked for {names}."]
    checks += [f"Known to be harmless: {_plain(text)}" for text in rule.falsepositives if text.lower() != "unknown"]
    checks += [f"Read {_plain(text)}" for text in rule.references]
    id_ = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")
    return {
        "id": id_,
        "title": f"{{names}}: {_plain(rule.title)}, seen in {{regions}}",
        "class": "security",
        "severity": _LEVELS[str(rule.level)] if rule.level is not None else "warning",
        "on": event,
        "detect": detect,
        "check_first": checks,
        "runbook": id_,
        "about": about,
    }


def _event(document: Document, category: str | None, product: str | None, service: str | None) -> str:
    """The type of events that a log source stands for."""
    if product == PRODUCT and service in TYPES:
        return service
    if category in {"dns", "dns_query"} or product == "dns" or service in {"dns", "dns-server"}:
        return "observation"
    parts = {"category": category, "product": product, "service": service}
    said = ", ".join(f"{name} {text}" for name, text in parts.items() if text is not None)
    raise document.error("$.logsource", f"{said}: no DNS query log; `category: dns` is, and `product: {PRODUCT}`")


def _alternatives(node: Any, document: Document, event: str, *, negated: bool) -> list[Fields]:
    """Mappings of which one holds where the condition does, or, negated, where it does not."""
    if isinstance(node, conditions.ConditionNOT):
        return _alternatives(node.args[0], document, event, negated=not negated)
    if isinstance(node, conditions.ConditionValueExpression):
        raise document.error(_place(document, str(node.value)), f"{node.value}: a word in no field; write which field")
    if isinstance(node, conditions.ConditionFieldEqualsValueExpression):
        if isinstance(node.value, types.SigmaExpansion):
            each = [conditions.ConditionFieldEqualsValueExpression(node.field, value) for value in node.value.values]
            return _alternatives(conditions.ConditionOR([*each]), document, event, negated=negated)
        return [_leaf(node, document, event, negated=negated)]
    parts = [_alternatives(each, document, event, negated=negated) for each in node.args]
    if isinstance(node, conditions.ConditionOR) is not negated:
        return _folded(each for part in parts for each in part)
    found: list[Fields] = [{}]
    for part in parts:
        found = [both for known in found for each in part for both in _both(known, each)]
        if len(found) > _MOST:
            raise document.error("$.detection", f"more than {_MOST} alternatives when written out; write several rules")
    return found


def _leaf(node: Any, document: Document, event: str, *, negated: bool) -> Fields:
    field = _KNOWN.get(node.field.lower(), node.field) if event == "observation" else node.field
    known = fields_of(event)
    if field not in known and not any(path.endswith("*") and field.startswith(path[:-1]) for path in known):
        logs = [names[0] for names in _FIELDS.values()] if event == "observation" else []
        listed = ", ".join((*logs, *known))
        raise document.error(
            _place(document, node.field), f"no field {node.field!r} in the {event}; there are {listed}"
        )
    operator, value, flipped = _value(node, document)
    if isinstance(value, int) and operator == "" and field in {"qtype", "rcode"}:
        value = dns.rdatatype.to_text(value) if field == "qtype" else dns.rcode.to_text(value)  # type: ignore[arg-type]
    values: tuple[Value, ...] = (value,)
    if isinstance(value, str) and operator in {"", "endswith"}:
        bare = value.removesuffix(".")
        if field == "name":
            values = (bare,)
        elif field == "answers.data" and _NAME.fullmatch(bare):
            values = (bare, f"{bare}.")  # names are absolute there
    return {f"{field}{operator and '|' + operator}{'|not' if negated is not flipped else ''}": values}


def _value(node: Any, document: Document) -> tuple[str, Value, bool]:
    """How a value is compared, with what, and whether it must not be so."""
    match node.value:
        case types.SigmaString():
            return _text(node.value.s, cased=isinstance(node.value, types.SigmaCasedString))
        case types.SigmaRegularExpression(regexp=regexp, flags=flags):
            letters = "".join(sorted(types.SigmaRegularExpression.sigma_to_re_flag[flag] for flag in flags))
            return "re", f"(?{letters}){regexp}" if letters else str(regexp), False
        case types.SigmaTimestampPart() | types.SigmaFieldReference() | types.SigmaQueryExpression():
            kind = type(node.value).__name__.removeprefix("Sigma")
            raise document.error(_place(document, node.field), f"{kind} of {node.field} cannot be expressed")
        case types.SigmaNumber(number=number):
            return "", number, False
        case types.SigmaBool(boolean=boolean):
            return "", boolean, False
        case types.SigmaExists(exists=exists):
            return "", None, exists
        case types.SigmaCIDRExpression(cidr=cidr):
            return "cidr", cidr, False
        case types.SigmaCompareExpression(number=number, op=op):
            return op.name.lower(), number.number, False
        case _:
            return "", None, False  # null


def _text(parts: list[Any], *, cased: bool) -> tuple[str, Value, bool]:
    """Text with wildcards, as Sigma has it: without regard to case, unless it says so."""
    stars = ["*" if str(getattr(part, "name", "")) == "WILDCARD_MULTI" else "" for part in parts]
    plain = [part for part in parts if isinstance(part, str)]
    if stars == ["*"]:
        return "", None, True
    if len(plain) == 1 and not cased and len(parts) == 1 + stars.count("*"):
        operator = {(False, False): "", (True, False): "endswith", (False, True): "startswith"}
        return operator.get((stars[0] == "*", stars[-1] == "*"), "contains"), plain[0], False
    if not parts:
        return "", "", False
    signs = [re.escape(part) if isinstance(part, str) else "." for part in parts]
    said = "".join(f"{sign}{star}" for sign, star in zip(signs, stars, strict=True))
    return "re", f"(?{'s' if cased else 'is'})^{said}$", False


def _both(left: Fields, right: Fields) -> list[Fields]:
    """Mappings of which one holds where both do."""
    found = [left]
    for key, values in right.items():
        found = [both for known in found for both in _with(known, key, values)]
    return found


def _with(known: Fields, key: str, values: tuple[Value, ...]) -> list[Fields]:
    if key not in known or known[key] == values:
        return [{**known, key: values}]
    if key.endswith(("|not", "|all")):
        return [{**known, key: tuple(dict.fromkeys((*known[key], *values)))}]
    rest = {name: each for name, each in known.items() if name != key}
    return [both for one in known[key] for other in values for both in _with(rest, f"{key}|all", (one, other))]


def _folded(alternatives: Iterable[Fields]) -> list[Fields]:
    """With values of one field in one list."""
    found: list[Fields] = []
    for each in alternatives:
        (key, values), *more = each.items()
        if not more and not key.endswith(("|not", "|all")):
            same = next((known for known in found if list(known) == [key]), None)
            if same is not None:
                same[key] = tuple(dict.fromkeys((*same[key], *values)))
                continue
        found.append(dict(each))
    return found


def _at(document: Document, error: SigmaError) -> str:
    """Where it stands, of which pySigma complains: it knows no lines."""
    part = type(error).__name__.removeprefix("Sigma").removesuffix("Error").lower()
    if part == "condition" or part in document.value:
        return "$.detection.condition" if part == "condition" else f"$.{part}"
    return _place(document, *re.findall(r"'([^']+)'", str(error)))


def _place(document: Document, *said: str) -> str:
    """Where in `detection` a field, a modifier or a value stands that is one of these words."""
    for name, search in document.value["detection"].items():
        items = search if isinstance(search, list) else [search]
        for place, item in enumerate(items):
            at = f"$.detection.{name}{f'[{place}]' if isinstance(search, list) else ''}"
            for key, value in item.items() if isinstance(item, dict) else ():
                values = value if isinstance(value, list) else [value]
                if not {*str(key).split("|"), *map(str, values)}.isdisjoint(said):
                    return f"{at}.{key}"
            if item in said:
                return at
    return "$.detection"


def _plain(text: str) -> str:
    """Text without placeholders."""
    return text.replace("{", "{{").replace("}", "}}")
