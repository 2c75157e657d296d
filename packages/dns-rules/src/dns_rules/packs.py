"""Packs: folders of rules, one laid over another.

A folder may hold a ``pack.yaml``: its name, its version, and the pack that it is laid `over`. A rule that is there too
is changed by the keys that the upper file has, and by no others::

    # ours/pack.yaml
    {name: ours, version: 2026.11, over: packaged}
    # ours/zone-outage.yaml
    id: zone-outage
    hold: 60s
    detect: {window: {high: 2m}}
    # ours/regions-disagree.yaml
    id: regions-disagree
    disabled: true
"""

from __future__ import annotations

import difflib
import string
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from dns_events import TYPES, durations
from dns_events.yamlfile import Document
from msgspec import Struct, structs

from . import matching, plugins, words
from .errors import RulesError
from .rules import (
    CHANGE,
    PACKAGED,
    PLACEHOLDERS,
    TTL_MINIMUM,
    Baseline,
    Detector,
    Level,
    Match,
    Plugged,
    Rule,
    Rules,
    Sequence,
    Transition,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a pack says of itself.
MANIFEST = "pack.yaml"
_BASE = "packaged"
#: Packs over packs, at most.
_DEEP = 8
#: Of a `match` rule, at most: the tallies of all rules are kept for as long.
_LONGEST = 3600
BUILT_IN = tuple(str(each.__struct_config__.tag) for each in get_args(Detector) if each is not Plugged)


class Pack(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``pack.yaml``."""

    name: str
    version: str
    over: str | None = None
    """``packaged`` for the pack that comes with this distribution, or a folder, as seen from this one."""


def load_rules(directory: str | Path | None = None) -> Rules:
    """Read a folder of rules, and the packs that it is laid over; ``None`` is the packaged pack.

    Raises:
        RulesError: names file and line.
    """
    top = PACKAGED if directory is None else Path(directory)
    folders, pack = _layers(top)
    documents: dict[str, Document] = {}
    values: dict[str, dict[str, Any]] = {}
    for folder in reversed(folders):
        for path in sorted(folder.glob("*.yaml")):
            if path.name == MANIFEST or path.name.endswith(".test.yaml"):
                continue
            document = documents[path.stem] = Document(path, RulesError)
            below = values.get(path.stem)
            values[path.stem] = document.value if below is None else _laid(below, document.value)
    rules: dict[str, Rule] = {}
    for stem in sorted(values):
        disabled = values[stem].pop("disabled", False) if isinstance(values[stem], dict) else False
        if not isinstance(disabled, bool):
            raise documents[stem].error("$.disabled", f"{disabled!r}; write true or false")
        if not disabled:
            rules[stem] = _rule(documents[stem], values[stem])
    if not rules:
        msg = f"{top}: no rules; a folder of *.yaml files is needed"
        raise RulesError(msg)
    for stem, rule in rules.items():
        _others(documents[stem], rule, set(rules), set(values))
    listed = tuple(_without(rule, set(rules)) for rule in rules.values())
    return Rules(rules=listed, name=pack.name, version=pack.version, folders=tuple(folders))


def _layers(top: Path) -> tuple[list[Path], Pack]:
    """The folder and those that it is laid over, the upper ones first; and what the top one says of itself."""
    folders: list[Path] = []
    first: Pack | None = None
    folder = top
    while True:
        if folder.resolve() in {known.resolve() for known in folders} or len(folders) >= _DEEP:
            msg = f"{folder / MANIFEST}: laid over itself, or over more than {_DEEP} packs; check `over`"
            raise RulesError(msg)
        folders.append(folder)
        manifest = folder / MANIFEST
        document = Document(manifest, RulesError) if manifest.exists() else None
        pack = Pack(name=folder.resolve().name, version="0") if document is None else document.convert(Pack)
        first = first or pack
        if pack.over is None:
            return folders, first
        folder = PACKAGED if pack.over == _BASE else folder / pack.over
        if document is not None and not folder.is_dir():
            raise document.error("$.over", f"no folder {folder}; write `{_BASE}`, or a folder as seen from this one")


def _laid(below: Mapping[str, Any], above: Any) -> dict[str, Any]:
    """A mapping with the keys of another laid over it, mappings within it alike."""
    if not isinstance(above, dict):
        return dict(below)
    # A detector of another kind has nothing in common with the one below it.
    if "detector" in above and above["detector"] != below.get("detector"):
        return above
    merged = dict(below)
    for key, value in above.items():
        known = merged.get(key)
        merged[key] = _laid(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _plugged(document: Document, value: Any) -> Any:
    """The rule's values, with a detector of another package in the form that is kept of it."""
    detect = value.get("detect") if isinstance(value, dict) else None
    if not isinstance(detect, dict) or not isinstance(name := detect.get("detector"), str) or name in BUILT_IN:
        return value
    known = plugins.installed()
    if name not in known:
        near = difflib.get_close_matches(name, [*BUILT_IN, *known], n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"built in are {', '.join(BUILT_IN)}"
        raise document.error("$.detect.detector", f"no installed package has a detector {name!r}; {hint}")
    try:
        kind = plugins.kind(name)
    except ImportError as error:
        raise document.error("$.detect.detector", f"detector {name!r} cannot be used: {error}") from error
    document.convert_part("$.detect.options", detect.get("options", {}), kind)
    return {**value, "detect": {**detect, "detector": "plugin", "name": name}}


def _matches(document: Document, rule: Rule, detect: Match) -> None:
    for place, name in enumerate(rule.types):
        if name not in TYPES:
            at = "$.on" if isinstance(rule.on, str) else f"$.on[{place}]"
            raise document.error(at, f"no event {name!r}; there are {', '.join(TYPES)}")
    try:
        rule.test  # noqa: B018 - what is compiled once, now
    except matching.FaultError as fault:
        at = f"$.detect{fault.at}"
        within = None if fault.within is None else document.place_within(at, *fault.within)
        raise document.error(at, str(fault), at=within) from fault
    windows = [detect.window] if isinstance(detect.window, str) else detect.window.values()
    if any(durations.seconds(text) > _LONGEST for text in windows):
        raise document.error("$.detect.window", "longer than an hour; write 1h or less")


def _rule(document: Document, value: Any) -> Rule:
    rule: Rule = document.convert_part("$", _plugged(document, value), Rule)
    if rule.id != document.path.stem:
        raise document.error("$.id", f"id {rule.id!r} differs from the file's name; write {document.path.stem!r}")
    for path, duration in _durations(rule):
        for text in [duration] if isinstance(duration, str) else duration.values():
            document.seconds(path, text)
        if isinstance(duration, dict) and (missing := {"critical", "high", "normal"} - set(duration)):
            raise document.error(path, f"nothing for {', '.join(sorted(missing))}; write one for each criticality")
    if isinstance(rule.severity, dict) and (missing := {"critical", "high", "normal"} - set(rule.severity)):
        raise document.error("$.severity", f"nothing for {', '.join(sorted(missing))}")
    _detector(document, rule)
    if isinstance(rule.detect, Match):
        _matches(document, rule, rule.detect)
    texts = {"$.title": rule.title} | {f"$.check_first[{i}]": t for i, t in enumerate(rule.checks)}
    if rule.shared is not None:
        texts |= {"$.shared.title": rule.shared.title}
        texts |= {f"$.shared.check_first[{i}]": t for i, t in enumerate(rule.shared.check_first)}
    for path, text in texts.items():
        _placeholders(document, path, text)
    if not rule.check_first:
        raise document.error("$.check_first", "empty; write what a responder checks first")
    return rule


def _detector(document: Document, rule: Rule) -> None:
    """What parts of a detector ask of each other, and of the rule."""
    if isinstance(rule.detect, Transition | Level):
        for index, pattern in enumerate(rule.detect.records):
            if pattern.count("/") != 1 or not all(pattern.split("/")):
                raise document.error(
                    f"$.detect.records[{index}]", f"{pattern!r} is not NAME/TYPE; write for instance '@/MX' or '*/A'"
                )
    if isinstance(rule.detect, Level) and (rule.detect.of == "ttl") != (rule.detect.below == TTL_MINIMUM):
        raise document.error("$.detect.below", f"`of: ttl` goes with `below: {TTL_MINIMUM}`, all else with a duration")
    if isinstance(rule.detect, Baseline) and rule.detect.by == "name" and "observation" not in rule.types:
        raise document.error("$.detect.by", "query logs are counted for the zone as a whole; write `on: observation`")


def _without(rule: Rule, known: set[str]) -> Rule:
    """The rule without those that were taken out: they explain nothing, and are no step of a sequence."""
    rule = structs.replace(rule, explains=tuple(other for other in rule.explains if other in known))
    if not isinstance(rule.detect, Sequence):
        return rule
    steps = (tuple(other for other in step if other in known) for step in rule.detect.steps)
    return structs.replace(rule, detect=structs.replace(rule.detect, steps=tuple(step for step in steps if step)))


def _others(document: Document, rule: Rule, known: set[str], disabled: set[str]) -> None:
    """The other rules that a rule names; those that were taken out are not missed in `explains`."""
    for index, check in enumerate(rule.check_first):
        for place, word in enumerate(() if isinstance(check, str) else check.when):
            if word not in known | disabled | words.CAUSES.keys() | {CHANGE}:
                raise document.error(
                    f"$.check_first[{index}].when[{place}]",
                    f"{word!r} is no cause, no rule and not `{CHANGE}`; causes are {', '.join(sorted(words.CAUSES))}",
                )
    for index, other in enumerate(rule.explains):
        if other not in known | disabled:
            raise document.error(
                f"$.explains[{index}]", f"rule {other!r} is not in the pack; known: {', '.join(sorted(known))}"
            )
    if isinstance(rule.detect, Sequence):
        _steps(document, rule.detect, known | disabled)


def _steps(document: Document, detect: Sequence, known: set[str]) -> None:
    for index, step in enumerate(detect.steps):
        for place, other in enumerate(step):
            if other not in known:
                raise document.error(
                    f"$.detect.steps[{index}][{place}]", f"rule {other!r} is not known; {', '.join(sorted(known))} are"
                )
    if detect.least > len(detect.steps):
        raise document.error("$.detect.least", f"{detect.least} of {len(detect.steps)} steps; write fewer")


def _durations(rule: Rule) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [("$.hold", rule.hold), ("$.resolve_after", rule.resolve_after)]
    if rule.raise_.after is not None:
        found.append(("$.raise.after", rule.raise_.after))
    for name in (
        "for_",
        "window",
        "skewed",
        "silent",
        "forget",
        "learn",
        "grace",
        "adopt_after",
        "below",
        "within",
        "least",
    ):
        value = structs.asdict(rule.detect).get(name)
        if isinstance(value, str | dict) and value != TTL_MINIMUM:
            found.append((f"$.detect.{name.rstrip('_')}", value))
    return found


def _placeholders(document: Document, path: str, text: str) -> None:
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
    except ValueError as error:
        raise document.error(path, f"{error}; write {{{{ and }}}} for braces") from error
    for name in names:
        if name not in PLACEHOLDERS:
            raise document.error(path, f"placeholder {{{name}}}; known: {', '.join(sorted(PLACEHOLDERS))}")
