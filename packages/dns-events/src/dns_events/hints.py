"""What to write instead of what a type does not take."""

from __future__ import annotations

import difflib
from typing import Any

from msgspec import inspect

#: On the way to a value: a name and ``""``, or ``""`` and a place in a list; ``("", "...")`` is any key of a mapping.
Step = tuple[str, str]
#: So many keys are listed.
_MOST_KEYS = 12


def key(unknown: str, kind: Any, steps: list[Step], value: Any) -> str:
    """For a key that is unknown in this value, at the end of these steps into a kind."""
    known = sorted({name for form in _forms(kind, steps) for name in _keys(form, value)})
    if near := difflib.get_close_matches(unknown, known, n=1):
        return f"did you mean {near[0]!r}?"
    if not 0 < len(known) <= _MOST_KEYS:
        return f"{kind.__name__}'s keys are in its JSON Schema"
    return f"write {_listed(known)}"


def word(kind: Any, steps: list[Step]) -> str:
    """For a value that must be one of some words or numbers; nothing where any is taken."""
    allowed = {str(each) for form in _forms(kind, steps) for each in _words(form)}
    return f"write {_listed(sorted(allowed))}" if allowed else ""


def _forms(kind: Any, steps: list[Step]) -> list[inspect.Type]:
    """What may stand at the end of the steps."""
    found = _each(inspect.type_info(kind))
    for name, index in steps:
        found = [each for form in found for inner in _inner(form, name, index) for each in _each(inner)]
    return found


def _each(form: inspect.Type) -> list[inspect.Type]:
    match form:
        case inspect.Metadata():
            return _each(form.type)
        case inspect.UnionType():
            return [inner for each in form.types for inner in _each(each)]
        case _:
            return [form]


def _inner(form: inspect.Type, name: str, index: str) -> list[inspect.Type]:
    match form:
        case inspect.StructType(tag_field=tag_field) if tag_field == name:
            return [inspect.LiteralType((form.tag,))]
        case inspect.StructType():
            return [field.type for field in form.fields if field.encode_name == name]
        case inspect.DictType():
            return [form.value_type]
        case inspect.TupleType():
            return [form.item_types[int(index)]]
        case inspect.CollectionType():
            return [form.item_type]
        case _:
            return []


def _words(form: inspect.Type) -> list[Any]:
    return [word for word in form.values if word is not None] if isinstance(form, inspect.LiteralType) else []


def _keys(form: inspect.Type, value: Any) -> list[str]:
    """The keys of one form of a mapping; none where the tag of the value is another form's."""
    if isinstance(form, inspect.DictType):
        return [str(word) for word in _words(form.key_type)]
    if not isinstance(form, inspect.StructType):
        return []
    names = [field.encode_name for field in form.fields]
    if form.tag_field is None:
        return names
    return [*names, form.tag_field] if value.get(form.tag_field) == form.tag else []


def _listed(words: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
