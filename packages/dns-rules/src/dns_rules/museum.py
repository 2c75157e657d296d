"""The museum: recordings of real incidents, and of days on which nothing was wrong, with what should be said of them.

They stand in ``alert-rules/incidents/<id>.yaml``: a story with its sources, the inventory, a timeline as in rule tests,
and what is expected: who is told what, and how soon. A page that is not expected is a false one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dns_events import durations
from dns_events.yamlfile import Document
from msgspec import Struct, field, structs

from .engine import Engine
from .errors import RulesError
from .generate import EPOCH, Span, events
from .inventory import Inventory, Team, Zone, checked
from .model import Severity
from .rules import PACKAGED

if TYPE_CHECKING:
    from collections.abc import Collection

    from dns_events import Event

    from .model import Incident
    from .rules import Rules

#: The recordings that ship with this distribution.
EXHIBITS = PACKAGED.parent / "incidents"


class Scene(Span, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stretch of the timeline."""

    zone: str | None = None
    """Of which zone; the first one without."""


class Expected(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page that must come."""

    rule: str
    owner: str
    title: str
    """A part of it."""
    fault: str
    """When it went wrong, from the beginning of the timeline."""
    within: str
    """The page must come so soon after."""
    zone: str | None = None
    """The incident's; the first one without."""
    verdict: str | None = None
    becomes: str | None = None
    """The rule that leads it in the end, where that is another one."""
    severity: Severity | None = None
    """The gravest that it becomes."""
    resolves: bool = False


class Recording(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of the museum."""

    id: str
    kind: Literal["incident", "quiet"]
    title: str
    story: str
    date: str | None = None
    """Of what really happened."""
    sources: tuple[str, ...] = ()
    """Addresses of post-mortems."""
    teams: dict[str, Team] = field(default_factory=lambda: {"web": Team(name="Web"), "tower": Team(name="Tower")})
    observers: str | None = "tower"
    zones: tuple[Zone, ...]
    timeline: tuple[Scene, ...]
    expect: tuple[Expected, ...] = ()

    @property
    def inventory(self) -> Inventory:
        """What is watched."""
        return Inventory(version=1, teams=self.teams, observers=self.observers, zones=self.zones)

    def events(self) -> list[Event]:
        """What happened, in the order of time."""
        found = []
        for number, scene in enumerate(self.timeline):
            # Each by itself, so that the ids of two zones' spans differ.
            found += events(scene.zone or self.zones[0].zone, (scene,), number=number)
        return sorted(found, key=lambda event: (event.time, event.id))


class Page(Struct, frozen=True, kw_only=True):
    """One page that was sent."""

    rule: str
    zone: str
    owner: str
    title: str
    after: float
    """Seconds from the fault that it was expected for, or else from the beginning."""
    expected: bool
    calls: int
    """How often somebody was called: when it fired, and each time it became graver or nobody acknowledged it."""


class Verdict(Struct, frozen=True, kw_only=True):
    """What became of one recording."""

    recording: Recording
    file: str
    pages: tuple[Page, ...]
    failures: tuple[str, ...]

    @property
    def false_pages(self) -> int:
        """Pages that nobody expected."""
        return sum(not page.expected for page in self.pages)

    @property
    def delay(self) -> float | None:
        """Seconds from the fault to the first page that was expected."""
        return min((page.after for page in self.pages if page.expected), default=None)


def recordings(folder: Path | None = None, only: Collection[str] = ()) -> list[tuple[Document, Recording]]:
    """Read the museum.

    Args:
        folder: of the recordings; ``None`` are the packaged ones.
        only: ids; none: all.

    Raises:
        RulesError: names file and line.
    """
    place = EXHIBITS if folder is None else Path(folder)
    found = []
    for path in sorted(place.glob("*.yaml")):
        if only and path.stem not in only:
            continue
        document = Document(path, RulesError)
        recording = document.convert(Recording)
        found.append((document, _checked(document, recording)))
    missing = set(only) - {recording.id for _, recording in found}
    if missing or not found:
        msg = f"{place}: no recording {', '.join(sorted(missing))}" if missing else f"{place}: no recordings"
        raise RulesError(msg)
    return found


def _checked(document: Document, recording: Recording) -> Recording:
    if recording.id != document.path.stem:
        raise document.error("$.id", f"id {recording.id!r} differs from the file's name; write {document.path.stem!r}")
    if recording.kind == "incident" and not (recording.expect and recording.sources and recording.date):
        raise document.error("$", "an incident has a date, sources, and something that is expected")
    if recording.kind == "quiet" and recording.expect:
        raise document.error("$.expect", "nothing is expected of a quiet day; take it out, or write kind: incident")
    inventory = checked(document, recording.inventory)
    for index, scene in enumerate(recording.timeline):
        at = f"$.timeline[{index}]"
        _known(document, inventory, at, scene.zone)
        times = {"from": scene.from_, "to": scene.to, "every": scene.every}
        begin, end, pace = (document.seconds(f"{at}.{key}", text) for key, text in times.items())
        if not 0 < pace <= end - begin:
            raise document.error(at, f"every {scene.every} from {scene.from_} to {scene.to} is never")
        for key in ("signatures", "expires"):
            if (text := getattr(scene, key)) is not None:
                document.seconds(f"{at}.{key}", text)
    for index, expected in enumerate(recording.expect):
        at = f"$.expect[{index}]"
        _known(document, inventory, at, expected.zone)
        if expected.owner not in inventory.teams:
            raise document.error(f"{at}.owner", f"owner {expected.owner!r} is not under `teams`")
        for key in ("fault", "within"):
            document.seconds(f"{at}.{key}", getattr(expected, key))
    return structs.replace(recording, zones=inventory.zones)


def _known(document: Document, inventory: Inventory, at: str, zone: str | None) -> None:
    if zone is not None and inventory.zone(zone) is None:
        raise document.error(f"{at}.zone", f"zone {zone!r} is not under `zones`")


def judge(document: Document, recording: Recording, rules: Rules) -> Verdict:
    """Put a recording through the engine, and compare what was said with what should be."""
    for index, expected in enumerate(recording.expect):
        if rules.rule(expected.rule) is None:
            raise document.error(f"$.expect[{index}].rule", f"rule {expected.rule!r} is not in the pack")
    incidents = Engine(recording.inventory, rules).run(recording.events())
    resolved = {incident.id for incident in incidents if incident.state == "resolved"}
    last = {incident.id: incident for incident in incidents}
    fired: dict[str, Incident] = {}
    for incident in incidents:
        if incident.state == "firing":
            fired.setdefault(incident.id, incident)
    pages, failures = [], []
    open_ = dict(enumerate(recording.expect))
    for incident in fired.values():
        at = (incident.updated - EPOCH).total_seconds()
        met = next((i for i, e in open_.items() if _meets(incident, at, e, recording)), None)
        if met is None:
            failures.append(f"false page after {at:.0f} s to {incident.owner}: {incident.rule}: {incident.title}")
            pages.append(_page(incident, at, last[incident.id], expected=False))
            continue
        expected = open_.pop(met)
        delay = at - durations.seconds(expected.fault)
        pages.append(_page(incident, delay, last[incident.id], expected=True))
        where = f"line {document.line(f'$.expect[{met}]')}"
        if delay > durations.seconds(expected.within):
            failures.append(f"{where}: {expected.rule} came {delay:.0f} s after the fault, promised {expected.within}")
        if expected.verdict is not None and incident.verdict != expected.verdict:
            failures.append(f"{where}: the verdict is {incident.verdict}, not {expected.verdict}")
        gravest = last[incident.id].severity
        if expected.severity not in (None, gravest):
            failures.append(f"{where}: its severity becomes {gravest}, not {expected.severity}")
        becomes = expected.becomes or expected.rule
        if last[incident.id].rule != becomes:
            failures.append(f"{where}: it becomes {last[incident.id].rule}, not {becomes}")
        if expected.resolves and incident.id not in resolved:
            failures.append(f"{where}: {expected.rule} is not resolved at the end")
    failures += [
        f"line {document.line(f'$.expect[{index}]')}: {expected.rule} said nothing with {expected.title!r} to "
        f"{expected.owner}"
        for index, expected in open_.items()
    ]
    return Verdict(recording=recording, file=str(document.path), pages=tuple(pages), failures=tuple(failures))


def _meets(incident: Incident, at: float, expected: Expected, recording: Recording) -> bool:
    if at < durations.seconds(expected.fault):
        return False  # whoever is told before it went wrong was told something else
    zone = expected.zone or recording.zones[0].zone
    found = (incident.rule, incident.owner, incident.zone)
    return found == (expected.rule, expected.owner, zone) and expected.title in incident.title


def _page(incident: Incident, after: float, last: Incident, *, expected: bool) -> Page:
    return Page(
        rule=incident.rule, zone=incident.zone, owner=incident.owner, title=incident.title, after=after,
        expected=expected, calls=len(last.calls),
    )  # fmt: skip
