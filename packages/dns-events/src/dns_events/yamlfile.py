"""YAML files as typed values, with file, line and column in every error (extra ``yaml``).

It stands here, at the one place that every part may import, so that all configuration errors read alike.
"""

from __future__ import annotations

import bisect
import copy
import math
import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import yaml

from . import durations, hints
from .errors import DnsEventsError

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")

#: A configuration larger than this is a mistake, and YAML aliases could make it a costly one.
MAX_BYTES = 4 << 20
#: libyaml composes by recursion without end, and the stack ends somewhere.
MAX_DEPTH = 50
#: Values with every alias and merge key written out; what a file of `MAX_BYTES` may hold without any.
MAX_VALUES = 1 << 20
#: In a path of msgspec's: a name, a place in a list, or any key of a mapping.
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_INDEX = re.compile(r"\[(\d+)\]")


class _Loader(yaml.CSafeLoader):
    """YAML 1.2's booleans: ``on``, ``off``, ``yes`` and ``no`` are words, as in ``dnssec: off``."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own way to change a loader
        first: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(?:true|false)\Z"), list("tf"))


class Document:
    """One parsed YAML file that knows the place of every value.

    Args:
        path: the file.
        error: what is raised; its message is ``<file>:<line>:<column>: <what to write instead>``.
    """

    def __init__(self, path: Path, error: type[Exception] = DnsEventsError) -> None:
        self.path = path
        self._error = error
        try:
            text = self._text = path.read_bytes()
        except OSError as cause:
            msg = f"{path}: {cause.strerror}"
            raise self._error(msg) from cause
        if len(text) > MAX_BYTES:
            msg = f"{path}: {len(text)} bytes; at most {MAX_BYTES} are read"
            raise self._error(msg)
        try:
            check_depth(text)
            loader = _Loader(text)
            try:
                self._root = loader.get_single_node()
                self.value: Any = {} if self._root is None else self._plain(loader)
            finally:
                loader.dispose()
        except yaml.YAMLError as cause:
            line, column = _place(getattr(cause, "problem_mark", None))
            msg = f"{path}:{line}:{column}: not YAML: {getattr(cause, 'problem', None) or cause}"
            raise self._error(msg) from cause

    def _plain(self, loader: Any) -> Any:
        if _values(self._root, {}) > MAX_VALUES:
            msg = f"{self.path}: more than {MAX_VALUES:,} values with its aliases written out; use fewer aliases (*)"
            raise self._error(msg)
        key = _repeated(self._root, set())
        if key is not None:
            line, column = _place(key.start_mark)
            msg = f"{self.path}:{line}:{column}: {key.value!r} stands twice; keep one"
            raise self._error(msg)
        return loader.construct_document(self._root)

    def convert(self, kind: type[T]) -> T:
        """The document as a typed value.

        Raises:
            Exception: of the class given; names file, line, column and what is wrong there.
        """
        return self.convert_part("$", self.value, kind)

    def convert_part(self, at: str, value: Any, kind: type[T]) -> T:
        """A part of the document as a typed value; `at` is the part's own path, as ``$.sources[0]``.

        Raises:
            Exception: as `convert`.
        """
        try:
            return msgspec.convert(value, kind, dec_hook=_dec_hook)
        except msgspec.ValidationError as error:
            text, _, path = str(error).partition(" - at ")
            found = re.search(r"`\$([^`]*)`", path)
            steps = _STEP.findall(found[1] if found else "")
            exact, wrong = _exact(steps, value, kind, str(error))
            where = at + exact
            # A mapping has keys by its names, or of its keys' type.
            unknown = re.search(r"unknown field `(.+)`" if "`key`" not in path else r"enum value '(.+)'", text)
            if unknown:
                where += f".{unknown[1]}"
                text = f"unknown key {unknown[1]!r}; {hints.key(unknown[1], kind, steps, wrong)}"
            elif text.startswith("Invalid") and (hint := hints.word(kind, steps)):
                text += f"; {hint}"
            raise self.error(where, text, at=self.place(where, key=bool(unknown))) from error

    def seconds(self, at: str, text: Any) -> float:
        """A duration that stands at a path, as ``$.delivery.most_age``.

        Raises:
            Exception: of the class given; it is no duration.
        """
        try:
            return durations.seconds(text)
        except ValueError as error:
            raise self.error(at, str(error)) from error

    def error(self, path: str, text: str, *, at: tuple[int, int] | None = None) -> Exception:
        """An error about the value at a path such as ``$.zones[0].owner``; `at` is another place than the value's."""
        line, column = at or self.place(path)
        return self._error(f"{self.path}:{line}:{column}: {text}" + (f" (at {path})" if path else ""))

    def line(self, path: str) -> int:
        """The line of the value at a path, or of the nearest thing around it."""
        return self.place(path)[0]

    def place(self, path: str, *, key: bool = False) -> tuple[int, int]:
        """Line and column, from 1, of the value at a path or of its key, or of the nearest thing around it."""
        mark, label, _ = self._find(path)
        return _place(label if key else mark)

    def place_within(self, path: str, line: int, column: int) -> tuple[int, int]:
        """Line and column in the file of a place in the text at a path, or of the text where escapes are in it."""
        mark, _, node = self._find(path)
        if not isinstance(node, yaml.ScalarNode):
            return _place(mark)
        start, raw = node.start_mark, self._text.decode(errors="replace")[: node.end_mark.index]
        begin = start.index + (node.style in {"'", '"'})
        if node.style in {"|", ">"}:
            begin = raw.find("\n", begin) + 1
        elif "\\" in raw[begin:] or "''" in raw[begin:-1]:
            return _place(mark)
        lines = node.value.split("\n")
        # YAML folds and indents by blanks alone, so that the others are counted.
        left = len("".join(("".join(lines[: line - 1]) + lines[line - 1][: column - 1]).split()))
        end = begin
        for at in range(begin, len(raw) - (node.style in {"'", '"'})):
            if not raw[at].isspace():
                end = at if left == 0 else at + 1
                if left == 0:
                    break
                left -= 1
        return raw.count("\n", 0, end) + 1, end - raw.rfind("\n", 0, end)

    def _find(self, path: str) -> tuple[Any, Any, Any]:
        """Where the value at a path is told to stand, its key's mark, and its node; or those of what is around it."""
        node = self._root
        mark = label = None
        rest = path.removeprefix("$")
        while rest:
            index = _INDEX.match(rest)
            if isinstance(node, yaml.MappingNode):
                found = [(k, v) for k, v in node.value if _begins(rest, k.value)]
                if not found:
                    break
                name, node = max(found, key=lambda pair: len(pair[0].value))  # there may be dots in a key
                rest = rest[1 + len(name.value) :]
                mark, label = node.start_mark, name.start_mark
                # A block begins with its first item, and an alias elsewhere: what is wrong with either stands here.
                is_block = isinstance(node, yaml.CollectionNode) and not node.flow_style
                if is_block or mark.index < label.index:
                    mark = label
            elif isinstance(node, yaml.SequenceNode) and index and int(index[1]) < len(node.value):
                node = node.value[int(index[1])]
                mark = label = node.start_mark
                rest = rest[index.end() :]
            else:
                break
        return mark, label, node


def check_depth(text: bytes) -> None:
    """Refuse what would end the process when it is composed.

    Raises:
        yaml.MarkedYAMLError: it is nested too deep; knows where.
    """
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            told = f"nested more than {MAX_DEPTH} times"
            raise yaml.MarkedYAMLError(problem=told, problem_mark=event.start_mark)  # type: ignore[arg-type]  # libyaml's own


def _exact(steps: list[hints.Step], value: Any, kind: Any, told: str) -> tuple[str, Any]:
    """The path of what is wrong, with a mapping's key where msgspec's has ``[...]``, and what stands there."""
    node = tree = copy.deepcopy(value)
    path = ""
    for name, index in steps:
        if index.isdigit():
            path += f"[{index}]"
            node = None if isinstance(node, set) else node[int(index)]  # a set's members are no collections
        else:
            key = name or _wrong(tree, node, kind, told)
            if key is None:
                break
            path += f".{key}"
            node = node[key]
    return path, node


def _wrong(tree: Any, mapping: dict[str, Any], kind: Any, told: str) -> str | None:
    """The key of that part of a tree's mapping with which this is told of the tree; the others are taken out.

    None where an alias has the mapping in another place too, in which something else is wrong without the others.
    """
    parts = list(mapping.items())

    def tells(begin: int, end: int) -> bool:
        mapping.clear()
        mapping.update(parts[begin:end])
        try:
            msgspec.convert(tree, kind, dec_hook=_dec_hook)
        except msgspec.ValidationError as error:
            return str(error) == told
        return False

    # Only the first is ever told of that is wrong, so that all before it are not.
    place = bisect.bisect_left(range(len(parts) - 1), x=True, key=lambda last: tells(0, last + 1))
    return parts[place][0] if tells(place, place + 1) else None


def _begins(path: str, key: Any) -> bool:
    """Whether a path leads to this key, or on from it."""
    return path.startswith(f".{key}") and path[1 + len(key) :][:1] in {"", ".", "["}


def _place(mark: Any) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _values(node: Any, known: dict[int, float]) -> float:
    """How many values a node is with every alias in it written out; endless where it contains itself."""
    if id(node) not in known:
        known[id(node)] = math.inf  # while it is being counted, whoever meets it again is inside of it
        parts = node.value if isinstance(node, yaml.CollectionNode) else ()
        inner = (each for part in parts for each in (part if isinstance(part, tuple) else (part,)))
        known[id(node)] = 1 + sum(_values(each, known) for each in inner)
    return known[id(node)]


def _repeated(node: Any, seen: set[int]) -> Any:
    """The first key that stands twice in one mapping; YAML would silently keep the last."""
    if id(node) in seen:  # an alias: each node is looked at once
        return None
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):  # others are refused when values are made of them
                if key.value in keys:
                    return key
                keys.add(key.value)
            if (found := _repeated(value, seen)) is not None:
                return found
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            if (found := _repeated(item, seen)) is not None:
                return found
    return None


def _dec_hook(kind: type, value: Any) -> Any:
    msg = f"{value!r} is not {kind.__name__}"
    raise ValueError(msg)
