"""The checks by their ids, and what they find. A check is a function that yields reasons, and its docstring says what.

A reason is a path as seen from the zone or the rule, such as ``.records[0].expect``, and what to write instead.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from dns_events.yamlfile import Document
from msgspec import Struct

from dns_rules.errors import RulesError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Iterator

    from dns_rules.inventory import Inventory, Zone
    from dns_rules.rules import Rule, Rules

    Reasons = Iterator[tuple[str, str]]
    OfZone = Callable[[Zone, Inventory, dt.datetime], Reasons]
    OfRule = Callable[[Rule, Rules], Reasons]
    F = TypeVar("F", bound=Callable[..., Reasons])

Set = Literal["rfc", "best-practice"]
#: What ``--set`` takes.
Sets = Literal["all", "rfc", "best-practice", "none"]


class Check(Struct, frozen=True, kw_only=True):
    """One check."""

    id: str
    set: Set
    of: Literal["zone", "rule"]
    source: str
    """An RFC and its section, or the reason."""
    sentence: str
    reasons: Any
    """The function, `OfZone` or `OfRule`."""


class Finding(Struct, frozen=True, kw_only=True, order=True):
    """What a check found, and where."""

    file: str
    line: int
    column: int
    id: str
    set: Set
    about: str
    """The zone or the rule."""
    text: str
    source: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.text} ({self.id}, {self.source})"


CHECKS: dict[str, Check] = {}


def zone_check(kind: Set, source: str) -> Callable[[F], F]:
    """A function as a check of each zone; its name is the id, the first line of its docstring the sentence."""
    return _registered(kind, "zone", source)


def rule_check(source: str) -> Callable[[F], F]:
    """A function as a check of each rule; no RFC says how rules are to be, so that it is advice."""
    return _registered("best-practice", "rule", source)


def wanted(sets: Sets, ignore: Collection[str] = ()) -> list[Check]:
    """The checks of a set without those that are ignored.

    Raises:
        RulesError: no check has such an id.
    """
    for id_ in ignore:
        if id_ not in CHECKS:
            raise RulesError(_no_check(id_))
    return [check for id_, check in sorted(CHECKS.items()) if sets in {"all", check.set} and id_ not in ignore]


def of_inventory(
    document: Document, inventory: Inventory, now: dt.datetime, checks: Collection[Check]
) -> list[Finding]:
    """What the checks find in an inventory, as it was read from a document.

    Raises:
        RulesError: a zone ignores what is no check; names file, line and column.
    """
    found = []
    for index, zone in enumerate(inventory.zones):
        at = f"$.zones[{index}]"
        for place, id_ in enumerate(zone.ignore):
            if id_ not in CHECKS:
                raise document.error(f"{at}.ignore[{place}]", _no_check(id_))
        for check in checks:
            if check.of == "zone" and check.id not in zone.ignore:
                reasons = check.reasons(zone, inventory, now)
                found += [_finding(check, document, at + path, zone.zone, text) for path, text in reasons]
    return sorted(found)


def of_rules(rules: Rules, checks: Collection[Check]) -> list[Finding]:
    """What the checks find in the rules that stand in the folder itself; those below it are not its to mend."""
    found = []
    for rule in rules.rules:
        files = [file for folder in rules.folders if (file := folder / f"{rule.id}.yaml").exists()]
        if files[0].parent != rules.folders[0]:
            continue
        documents = [Document(file, RulesError) for file in files]
        for check in checks:
            for path, text in check.reasons(rule, rules) if check.of == "rule" else ():
                key = path.lstrip(".").partition(".")[0]
                # The uppermost file that has the key.
                document = next((each for each in documents if key in each.value), documents[0])
                found.append(_finding(check, document, f"${path}", rule.id, text))
    return sorted(found)


def _finding(check: Check, document: Document, path: str, about: str, text: str) -> Finding:
    line, column = document.place(path)
    return Finding(
        file=str(document.path),
        line=line,
        column=column,
        id=check.id,
        set=check.set,
        about=about,
        text=text,
        source=check.source,
    )


def _registered(kind: Set, of: Literal["zone", "rule"], source: str) -> Callable[[F], F]:
    def register(function: F) -> F:
        id_ = function.__name__.replace("_", "-")
        sentence = (function.__doc__ or "").partition("\n")[0]
        CHECKS[id_] = Check(id=id_, set=kind, of=of, source=source, sentence=sentence, reasons=function)
        return function

    return register


def _no_check(id_: str) -> str:
    near = difflib.get_close_matches(id_, CHECKS, n=1)
    return f"no check {id_!r}; {f'did you mean {near[0]}?' if near else '`dns-rules check --list` names them'}"
