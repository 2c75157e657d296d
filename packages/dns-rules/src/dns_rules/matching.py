"""What a `match` rule asks of one event: fields and CEL, compiled once. What other events say is no matter here.

`fields` are the event's, as its JSON form names them, with a dot for what is within: ``server.address``,
``answers.data``. After the name may stand how it is compared, ``all``, and ``not``, as in Sigma::

    fields:
      qtype: [TXT, "NULL"]               # any of them, whatever the case
      name|endswith: [.example.com]
      answers.data|contains|all: [a, b]  # each of them, in one record or another
      server.address|cidr|not: [192.0.2.0/24]
"""

from __future__ import annotations

import difflib
import ipaddress
import json
import operator
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from dns_events import TYPES
from msgspec import inspect

from .errors import RulesError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .rules import Match, Value

    #: Of one value of a field, or of an event and its zone.
    Check = Callable[[Any], bool]
    Test = Callable[[dict[str, Any], dict[str, Any]], bool]

#: Of CEL's messages.
_PLACE = re.compile(r"(\d+):(\d+): ")
_INSTALL = "pip install 'dns-rules[cel]'"


class EvaluationError(RulesError):
    """A condition that says neither yes nor no of an event."""


class FaultError(RulesError):
    """A condition that is none.

    Args:
        at: where, as seen from ``detect``.
        text: what is wrong, and what to write.
        within: line and column, from 1, in the text there.
    """

    def __init__(self, at: str, text: str, within: tuple[int, int] | None = None) -> None:
        super().__init__(text)
        self.at = at
        self.within = within


def compiled(detect: Match, types: tuple[str, ...]) -> Test:
    """The test of an event as JSON has it, and the inventory's entry of its zone.

    It raises `EvaluationError` where the condition can be evaluated on neither.

    Raises:
        FaultError: the condition is none for events of these types.
    """
    if not detect.fields and detect.when is None:
        raise FaultError("", "matches every event; write `fields`, `when` or both")
    known = sorted({path for name in types for path in fields_of(name)})
    listed = detect.fields if isinstance(detect.fields, tuple) else (detect.fields,)
    alternatives = [
        [
            _field(key, wanted, known, f".fields{f'[{place}]' if detect.fields is listed else ''}.{key}")
            for key, wanted in fields.items()
        ]
        for place, fields in enumerate(listed)
    ]
    when = None if detect.when is None else _when(detect.when)

    def test(event: dict[str, Any], zone: dict[str, Any]) -> bool:
        if alternatives and not any(all(field(event) for field in fields) for fields in alternatives):
            return False
        return when is None or when({"event": event, "zone": zone})

    return test


def as_json(value: Any) -> dict[str, Any]:
    """An event, or an entry of the inventory, as JSON has it: CEL knows no tuples and no sets."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    return found


def split(key: str) -> tuple[str, str, bool, bool]:
    """The parts of a key of `fields`: the field, how it is compared, whether with all values, and whether not."""
    field, *modifiers = key.split("|")
    every, negated = "all" in modifiers, "not" in modifiers
    rest = [modifier for modifier in modifiers if modifier not in {"all", "not"}]
    return field, "|".join(rest), every, negated


def _field(key: str, wanted: Value | tuple[Value, ...], known: list[str], at: str) -> Check:
    field, comparison, every, negated = split(key)
    if not any(field == path or (path.endswith("*") and field.startswith(path[:-1])) for path in known):
        near = difflib.get_close_matches(field, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
        raise FaultError(at, f"no field {field!r} in these events; {hint}")
    if comparison not in OPERATORS:
        said = ", ".join(filter(None, OPERATORS))
        raise FaultError(at, f"no modifier {comparison!r}; there are {said}, all and not")
    values = wanted if isinstance(wanted, tuple) else (wanted,)
    if not values:
        raise FaultError(at, "no value; write one, or a list")
    try:
        checks = [OPERATORS[comparison](value) for value in values]
    except (AttributeError, TypeError, ValueError) as error:
        raise FaultError(at, f"{comparison or 'equality'} of {wanted!r}: {error}") from error
    first, *path = field.split(".")
    join = all if every else any

    def test(event: dict[str, Any]) -> bool:
        value = event.get(first)
        # Most fields are one value.
        found = list(_values(value, path)) or [None] if path or isinstance(value, list) else [value]
        return join(any(check(value) for value in found) for check in checks) is not negated

    return test


def _equals(wanted: Value) -> Check:
    if isinstance(wanted, str):
        lower = wanted.lower()
        return lambda value: isinstance(value, str | int | float) and str(value).lower() == lower
    return lambda value: value == wanted and isinstance(value, bool) is isinstance(wanted, bool)


def _of_text(compare: Callable[[str, str], bool]) -> Callable[[Any], Check]:
    def made(wanted: Any) -> Check:
        lower = wanted.lower()
        return lambda value: isinstance(value, str) and compare(value.lower(), lower)

    return made


def _of_number(compare: Callable[[float, float], bool]) -> Callable[[Any], Check]:
    def made(wanted: Any) -> Check:
        number = float(wanted)
        return lambda value: isinstance(value, int | float) and compare(value, number)

    return made


def _regex(pattern: Any) -> Check:
    """RE2's, for it takes linear time whatever an attacker lets a record say."""
    expression = _expression(f"text.matches({json.dumps(pattern)})", ("text",))
    expression({"text": ""})  # a pattern that is none is found when it is used first
    return lambda value: isinstance(value, str) and expression({"text": value})


def _cidr(text: Any) -> Check:
    network = ipaddress.ip_network(text)
    return lambda value: (address := _address(value)) is not None and address in network


@lru_cache(maxsize=16384)
def _address(text: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    # Answers are the same few for hours.
    try:
        return ipaddress.ip_address(text) if isinstance(text, str) else None
    except ValueError:
        return None


#: How the value of a field is compared.
OPERATORS: dict[str, Callable[[Any], Check]] = {
    "": _equals,
    "contains": _of_text(operator.contains),
    "startswith": _of_text(str.startswith),
    "endswith": _of_text(str.endswith),
    "re": _regex,
    "cidr": _cidr,
    "lt": _of_number(operator.lt),
    "lte": _of_number(operator.le),
    "gt": _of_number(operator.gt),
    "gte": _of_number(operator.ge),
}


def _values(value: Any, path: list[str]) -> Iterator[Any]:
    """What stands at a path, of lists every item."""
    if isinstance(value, list):
        for item in value:
            yield from _values(item, path)
    elif not path:
        yield value
    elif isinstance(value, dict) and path[0] in value:
        yield from _values(value[path[0]], path[1:])


def _when(source: str) -> Check:
    try:
        return _expression(source, ("event", "zone"))
    except ValueError as error:
        text = str(error)
        if place := _PLACE.match(text):
            raise FaultError(".when", text[place.end() :], (int(place[1]), int(place[2]))) from error
        raise FaultError(".when", text) from error


def _expression(source: str, names: tuple[str, ...]) -> Check:
    """A CEL expression that is true or false of its variables.

    The library bounds it: so many turns of its loops, and RE2 for `matches`.

    Raises:
        ValueError: it is none, or the library is not there.
    """
    try:
        from cel_expr_python import cel  # noqa: PLC0415 - an extra
    except ImportError as error:
        msg = f"CEL is not installed; {_INSTALL}"
        raise ValueError(msg) from error
    kinds = {"text": cel.Type.STRING}
    objects = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    try:
        expression = cel.NewEnv(variables={name: kinds.get(name, objects) for name in names}).compile(source)
    except RuntimeError as error:
        raise ValueError(_told(error)) from error
    kind = expression.return_type().name()
    if kind not in {"BOOL", "DYN"}:
        msg = f"is of type {kind.lower()}; write what is true or false"
        raise ValueError(msg)

    def evaluate(data: dict[str, Any]) -> bool:
        try:
            result = expression.eval(data=data)
            value, kind = result.value(), result.type().name()
        except Exception as error:
            raise EvaluationError(_told(error)) from error
        if not isinstance(value, bool):
            raise EvaluationError(str(value) if kind == "ERROR" else f"neither true nor false: {value!r}")
        return value

    return evaluate


def _told(error: Exception) -> str:
    """The library's message in one line."""
    lines = [line.strip(" |") for line in str(error).removesuffix(" [INVALID_ARGUMENT]").splitlines()]
    return "; ".join(line for line in lines if line.strip(".^")).removeprefix("INVALID_ARGUMENT: ERROR: <input>:")


@lru_cache
def fields_of(name: str) -> tuple[str, ...]:
    """The fields of a type of event that can be compared; ``*`` for whatever key."""
    return tuple(dict.fromkeys(("type", *_paths(inspect.type_info(TYPES[name])))))


def _paths(info: inspect.Type) -> tuple[str, ...]:
    match info:
        case inspect.UnionType(types=types):
            return tuple(path for each in types for path in _paths(each))
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return _paths(item)
        case inspect.TupleType(item_types=items):
            return tuple(path for each in items for path in _paths(each))
        case inspect.DictType():
            return ("*",)
        case inspect.StructType(fields=fields):
            below = ((field.encode_name, path) for field in fields for path in _paths(field.type))
            return tuple(f"{name}.{path}" if path else name for name, path in below)
    return ("",)
