"""YAML of anybody's as nodes that know their places. Nothing is constructed, so aliases cost no memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from dns_events.yamlfile import check_depth

from dns_rules.errors import RulesError

from .source import read

if TYPE_CHECKING:
    from pathlib import Path

_MERGE = "tag:yaml.org,2002:merge"
_NULL = "tag:yaml.org,2002:null"


class Nodes:
    """One YAML document.

    Args:
        path: the file.

    Raises:
        RulesError: names file, line and column.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        content = read(path)
        try:
            check_depth(content)
            self.root: yaml.Node | None = yaml.compose(content, yaml.CSafeLoader)
        except yaml.YAMLError as error:
            told = getattr(error, "problem", None) or error
            msg = f"{path}:{_place(getattr(error, 'problem_mark', None))}: not YAML: {told}"
            raise RulesError(msg) from error

    def error(self, node: yaml.Node, text: str) -> RulesError:
        """An error about a node."""
        return RulesError(f"{self.path}:{_place(node.start_mark)}: {text}")

    def mapping(self, node: yaml.Node, what: str) -> dict[str, yaml.Node]:
        """The values of a mapping by their keys; `what` says in an error what it should be."""
        self._check_tag(node)
        if not isinstance(node, yaml.MappingNode):
            raise self.error(node, f"{what} must be a mapping of keys and values")
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                raise self.error(key, "merge keys (<<) are not read; write the keys out")
            if not isinstance(key, yaml.ScalarNode):
                raise self.error(key, f"a key of {what} must be a text")
            if key.value in found:
                raise self.error(key, f"{key.value!r} stands twice; keep one")
            found[key.value] = value
        return found

    def items(self, node: yaml.Node) -> list[yaml.Node]:
        """The members of a list, or the one value that stands for a list."""
        self._check_tag(node)
        return node.value if isinstance(node, yaml.SequenceNode) else [node]

    def text(self, node: yaml.Node, what: str) -> str:
        """A scalar as it is written."""
        self._check_tag(node)
        if not isinstance(node, yaml.ScalarNode) or node.tag == _NULL:
            raise self.error(node, f"{what} must be a text or a number")
        return str(node.value)

    def number(self, node: yaml.Node, what: str) -> int:
        """A whole number of 32 bits."""
        text = self.text(node, what)
        if not (text.isascii() and text.isdecimal()) or int(text[:11]) >= 1 << 32:
            raise self.error(node, f"{what} {text[:20]!r} must be a whole number")
        return int(text)

    def _check_tag(self, node: yaml.Node) -> None:
        if node.tag.startswith("!"):
            raise self.error(node, f"{node.tag} is not followed; write in what it stands for")


def _place(mark: Any) -> str:
    """Line and column, counted from one."""
    return "1:1" if mark is None else f"{mark.line + 1}:{mark.column + 1}"
