"""msgspec Structs as tables: each key, what it takes, what it is without being given, and what its docstring says."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from typing import Any

import msgspec
from msgspec import NODEFAULT, UNSET
from msgspec import inspect as of

_PLAIN = {
    of.StrType: "text", of.IntType: "number", of.FloatType: "number", of.BoolType: "true or false",
    of.NoneType: "null", of.AnyType: "anything", of.DateTimeType: "time", of.RawType: "anything",
}  # fmt: skip


def sections(root: type[msgspec.Struct], *, level: int = 2) -> str:
    """A section for the Struct and for each one that is in it, every one once."""
    found: dict[type, of.StructType] = {}
    _collect(of.type_info(root), found)
    return "\n".join(_section(cls, info, level, {*found}) for cls, info in found.items())


def _collect(info: of.Type, found: dict[type, of.StructType]) -> None:
    if isinstance(info, of.StructType):
        if info.cls in found:
            return
        found[info.cls] = info
    for inner in _inner(info):
        _collect(inner, found)


def _inner(info: of.Type) -> list[of.Type]:
    match info:
        case of.StructType():
            return [field.type for field in info.fields]
        case of.UnionType():
            return list(info.types)
        case of.DictType():
            return [info.key_type, info.value_type]
        case of.VarTupleType() | of.ListType() | of.SetType() | of.FrozenSetType():
            return [info.item_type]
        case of.TupleType():
            return list(info.item_types)
        case of.Metadata():
            return [info.type]
        case _:
            return []


def _section(cls: type, info: of.StructType, level: int, known: set[type]) -> str:
    said = field_docs(cls)
    lines = [f"{'#' * level} {_name(info)}", "", _text(inspect.getdoc(cls) or ""), ""]
    rows = [
        f"| `{field.encode_name}` | {words(field.type, known)} | {_default(field)} | {said.get(field.name, '')} |"
        for field in info.fields
    ]
    if info.tag_field:
        rows.insert(0, f"| `{info.tag_field}` | `{info.tag}` | required | |")
    if rows:
        lines += ["| key | takes | default | |", "|---|---|---|---|", *rows, ""]
    return "\n".join(lines)


def _name(info: of.StructType) -> str:
    return str(info.tag) if info.tag_field else info.cls.__name__


def words(info: of.Type, known: set[type]) -> str:
    """What a key takes, in words; Structs of `known` are links to their sections."""
    match info:
        case of.StructType():
            name = _name(info)
            return f"[{name}](#{name.lower()})" if info.cls in known else f"`{name}`"
        case of.LiteralType():
            return ", ".join(f"`{json.dumps(value).strip(chr(34))}`" for value in info.values)
        case of.UnionType():
            return " or ".join(dict.fromkeys(words(one, known) for one in _null_last(info.types)))
        case of.DictType():
            return f"mapping of {words(info.key_type, known)} to {words(info.value_type, known)}"
        case of.VarTupleType() | of.ListType() | of.SetType() | of.FrozenSetType():
            return f"list of {words(info.item_type, known)}"
        case of.TupleType():
            return "list of " + ", ".join(words(one, known) for one in info.item_types)
        case of.Metadata():
            return words(info.type, known)
        case of.IntType() | of.FloatType():
            bounds = [f"{sign} {value}" for sign, value in _bounds(info) if value is not None]
            return "number" + (f" {', '.join(bounds)}" if bounds else "")
        case _:
            return _PLAIN.get(type(info), type(info).__name__.removesuffix("Type").lower())


def _bounds(info: of.IntType | of.FloatType) -> list[tuple[str, float | None]]:
    return [(">", info.gt), ("≥", info.ge), ("<", info.lt), ("≤", info.le)]


def _null_last(types: tuple[of.Type, ...]) -> list[of.Type]:
    return sorted(types, key=lambda one: isinstance(one, of.NoneType))


def _default(field: of.Field) -> str:
    if field.required:
        return "required"
    value: Any = field.default
    if value is NODEFAULT:
        value = field.default_factory() if callable(field.default_factory) else None
    if value is UNSET:
        return "–"
    if isinstance(value, str) and value:
        return f"`{value}`"
    try:
        text = json.dumps(msgspec.to_builtins(value, enc_hook=str), ensure_ascii=False)
    except TypeError:
        text = str(value)
    # The keys of a Struct have their defaults in its own section.
    return "–" if text.startswith("{") and len(text) > 2 else f"`{text}`"


def field_docs(cls: type) -> dict[str, str]:
    """The string that stands after each field, of the class and those that it is made of."""
    said: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base is msgspec.Struct or not issubclass(base, msgspec.Struct):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
        assert isinstance(body, ast.ClassDef)
        for before, after in zip(body.body, body.body[1:], strict=False):
            match before, after:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    said[name] = _text(text).replace("\n", " ").replace("|", "\\|")
    return said


def _text(docstring: str) -> str:
    """A docstring as Markdown: two backticks are reStructuredText's, and arguments are the code's business."""
    return inspect.cleandoc(docstring).partition("\n\nArgs:")[0].replace("``", "`")
