"""The inventory: what is ours, who owns it, and what is expected of it."""

from __future__ import annotations

import datetime as dt
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.rrule import rrule, rrulestr
from dns_events import InvalidNameError, durations, normalize, within
from dns_events.yamlfile import Document
from msgspec import Meta, Struct, field, structs

from .errors import RulesError
from .model import Criticality, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[Day, ...] = get_args(Day)
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]").fullmatch
Allow = Literal["records", "ns", "ds", "ttl", "registration"]


class Escalation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to wake when nobody acknowledges in time."""

    after: str
    to: str
    severity: Severity = "warning"
    """For incidents of this severity and graver ones."""


class Hours(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a team works."""

    from_: str = field(name="from", default="09:00")
    to: str = "17:00"
    """An earlier time than `from` is that of the next day."""
    days: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri")
    timezone: str = "UTC"
    """Of the IANA database, for instance ``Europe/Berlin``."""

    def next(self, time: dt.datetime) -> dt.datetime:
        """The time itself where it is within the hours, else when they begin next."""
        here = time.astimezone(ZoneInfo(self.timezone))
        begin, end = (dt.time.fromisoformat(text) for text in (self.from_, self.to))
        # From the day before, whose hours may last over midnight.
        for days in range(-1, 8):
            day = here.date() + dt.timedelta(days=days)
            if _DAYS[day.weekday()] not in self.days:
                continue
            opens = dt.datetime.combine(day, begin, here.tzinfo)
            closes = dt.datetime.combine(day if begin < end else day + dt.timedelta(days=1), end, here.tzinfo)
            if time < closes:
                return max(time, opens.astimezone(dt.UTC))
        raise AssertionError(self)


class Team(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is paged, and how."""

    name: str
    notify: tuple[str, ...] = ()
    escalate: tuple[Escalation, ...] = ()
    hours: Hours | None = None
    """Outside of them it is called for what is critical alone; the rest waits for them to begin."""
    after_hours: str | None = None
    """The team that is called in its place outside of its hours, for what is critical."""


class Expectation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question of which data is expected."""

    name: str
    type: str
    expect: tuple[str, ...] | Literal["any"] | None = None
    """The data, ``any`` for some data, ``None`` for watched without expectation."""
    split: bool = False
    """Answers differ by region by design."""


class Lock(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is expected of the registration."""

    lock: Literal["required", "optional"] = "optional"
    registrar: str | None = None


class Planned(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a record set will be once a change is made."""

    name: str
    type: str
    """NS and DS of the zone itself are those of its delegation."""
    data: tuple[str, ...] = ()
    """All of it; nothing where the set is removed."""


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change window. Inside it, what `allow` names is authorized, and of `records` exactly what they say."""

    id: str
    start: dt.datetime | None = None
    end: dt.datetime | None = None
    schedule: str | None = None
    duration: str | None = None
    allow: tuple[Allow, ...] = ()
    records: tuple[Planned, ...] = ()
    """The plan, set by set."""

    def covers(self, time: dt.datetime, what: Allow) -> bool:
        """Whether a change of this kind, first seen at `time`, was meant."""
        if what not in self.allow:
            return False
        if self.start is not None and self.end is not None:
            return self.start <= time < self.end
        if self.schedule is None or self.duration is None:
            return False
        began = occurrences(self.schedule).before(time, inc=True)
        return began is not None and time < began + dt.timedelta(seconds=durations.seconds(self.duration))


class Subdomain(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A name of a zone, with all below it, that another team answers for."""

    name: str
    owner: str


class Zone(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One zone of ours."""

    zone: str
    owner: str | None = None
    subdomains: tuple[Subdomain, ...] = ()
    criticality: Criticality = "normal"
    approvers: tuple[str, ...] = ()
    dnssec: Literal["required", "optional", "off"] = "optional"
    nameservers: tuple[str, ...] = ()
    ttl_minimum: Annotated[int, Meta(ge=0)] | None = None
    registration: Lock = Lock()
    records: tuple[Expectation, ...] = ()
    changes: tuple[Change, ...] = ()
    ignore: tuple[str, ...] = ()
    """Checks that are not made of it, by their ids (`dns-rules check --list`)."""

    def expectation(self, name: str, qtype: str) -> Expectation | None:
        """What the inventory says of one question."""
        return self._expectations.get((name, qtype))

    @cached_property
    def _expectations(self) -> dict[tuple[str, str], Expectation]:
        # Backwards, so that of two entries for one question the first one counts.
        return {(record.name, record.type): record for record in reversed(self.records)}

    def owner_of(self, names: Iterable[str]) -> str | None:
        """The team that answers for names of the zone: a subdomain's where all are in it, else the zone's."""
        owners = {self._owner(name) for name in names}
        return owners.pop() if len(owners) == 1 else self.owner

    def _owner(self, name: str) -> str | None:
        own = [part for part in self.subdomains if within(name, part.name)]
        return max(own, key=lambda part: len(part.name)).owner if own else self.owner

    def window(self, time: dt.datetime, what: Allow) -> Change | None:
        """The change window that makes a change of this kind at this time an authorized one."""
        return next((change for change in self.changes if change.covers(time, what)), None)


def occurrences(schedule: str) -> rrule:
    """The starts of a recurring window (an iCalendar RRULE, RFC 5545 §3.3.10), in UTC.

    Raises:
        ValueError: not a rule.
    """
    # The anchor is a Monday at midnight, so that a rule that names no hour means the whole day's start.
    rule = rrulestr(schedule, dtstart=dt.datetime(2024, 1, 1, tzinfo=dt.UTC))
    if not isinstance(rule, rrule):
        msg = f"{schedule!r} is a set of rules; write one RRULE"
        raise ValueError(msg)  # noqa: TRY004 - the text is wrong, not its type
    return rule


class Inventory(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """Everything that is watched, and who answers for it."""

    version: Literal[1]
    teams: dict[str, Team]
    observers: str | None = None
    """The team that is paged for the monitoring itself."""
    zones: tuple[Zone, ...]

    def zone(self, name: str) -> Zone | None:
        """The entry of one zone."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> dict[str, Zone]:
        return {zone.zone: zone for zone in reversed(self.zones)}


def load_inventory(path: str | Path, receivers: Mapping[str, str] | None = None) -> Inventory:
    """Read and check an inventory.

    Args:
        path: the file.
        receivers: types of the receivers that teams may name in `notify`, by name; ``None`` leaves them unchecked.

    Raises:
        RulesError: names file and line: an unknown key, a zone without a team, a name outside its zone,
            a window that is neither a time span nor a schedule, and the like.
    """
    document = Document(Path(path), RulesError)
    inventory = checked(document, document.convert(Inventory))
    if receivers is not None:
        _check_receivers(document, inventory, receivers)
    return inventory


def receiver(reference: str, receivers: Mapping[str, str]) -> str | None:
    """The receiver that an entry of `notify` means: its name, or ``type:name``; ``None`` where there is none.

    Args:
        reference: for instance ``slack:web-oncall``.
        receivers: types of receivers by name.
    """
    if reference in receivers:
        return reference
    kind, _, name = reference.partition(":")
    return name if name and receivers.get(name) == kind else None


def _check_receivers(document: Document, inventory: Inventory, receivers: Mapping[str, str]) -> None:
    for key, team in inventory.teams.items():
        for index, reference in enumerate(team.notify):
            if receiver(reference, receivers) is None:
                known = ", ".join(sorted(f"{kind}:{name}" for name, kind in receivers.items())) or "none"
                text = f"no receiver {reference!r} is configured; there are: {known}"
                raise document.error(f"$.teams.{key}.notify[{index}]", text)


def checked(document: Document, inventory: Inventory) -> Inventory:
    """The inventory whose `teams`, `observers` and `zones` stand at the top of a document, with its names normalized.

    Raises:
        RulesError: names file and line.
    """
    _check_teams(document, inventory)
    seen: dict[str, int] = {}
    zones = []
    for index, zone in enumerate(inventory.zones):
        at = f"$.zones[{index}]"
        checked = _zone(document, inventory, zone, at)
        if checked.zone in seen:
            raise document.error(
                f"{at}.zone",
                f"zone {checked.zone} stands twice, first at line "
                f"{document.line(f'$.zones[{seen[checked.zone]}].zone')}; keep one",
            )
        seen[checked.zone] = index
        zones.append(checked)
    if not zones:
        raise document.error("$.zones", "no zone; write at least one, as `- {zone: example.com, owner: web}`")
    return structs.replace(inventory, zones=tuple(zones))


def _check_teams(document: Document, inventory: Inventory) -> None:
    known = _known(inventory)
    if inventory.observers is not None and inventory.observers not in inventory.teams:
        raise document.error("$.observers", f"team {inventory.observers!r} is not under `teams` ({known})")
    for key, team in inventory.teams.items():
        for index, step in enumerate(team.escalate):
            at = f"$.teams.{key}.escalate[{index}]"
            if step.to not in inventory.teams:
                raise document.error(f"{at}.to", f"team {step.to!r} is not under `teams` ({known})")
            document.seconds(f"{at}.after", step.after)
        _check_hours(document, inventory, team, f"$.teams.{key}")


def _check_hours(document: Document, inventory: Inventory, team: Team, at: str) -> None:
    if team.after_hours is not None and team.after_hours not in inventory.teams:
        raise document.error(
            f"{at}.after_hours", f"team {team.after_hours!r} is not under `teams` ({_known(inventory)})"
        )
    if team.hours is None:
        if team.after_hours is not None:
            raise document.error(f"{at}.after_hours", "`after_hours` without `hours` is never; write `hours: {}`")
        return
    for name, text in (("from", team.hours.from_), ("to", team.hours.to)):
        if _CLOCK(text) is None:
            raise document.error(f"{at}.hours.{name}", f"{text!r} is no time of day; write for instance '09:00'")
    if not team.hours.days:
        raise document.error(f"{at}.hours.days", "no days; write at least one of " + ", ".join(_DAYS))
    try:
        ZoneInfo(team.hours.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        msg = f"no time zone {team.hours.timezone!r}; write one of the IANA database, for instance Europe/Berlin"
        raise document.error(f"{at}.hours.timezone", msg) from error


def _zone(document: Document, inventory: Inventory, zone: Zone, at: str) -> Zone:
    known = _known(inventory)
    if zone.owner is None:
        raise document.error(at, f"zone {zone.zone} has no owner; write `owner:` and a team of `teams` ({known})")
    if zone.owner not in inventory.teams:
        raise document.error(f"{at}.owner", f"owner {zone.owner!r} is not under `teams` ({known})")
    apex = _name(document, f"{at}.zone", zone.zone)
    subdomains = []
    for index, part in enumerate(zone.subdomains):
        where = f"{at}.subdomains[{index}]"
        if part.owner not in inventory.teams:
            raise document.error(f"{where}.owner", f"owner {part.owner!r} is not under `teams` ({known})")
        subdomains.append(structs.replace(part, name=_name_within(document, f"{where}.name", part.name, apex)))
    records = []
    for index, record in enumerate(zone.records):
        name = _name_within(document, f"{at}.records[{index}].name", record.name, apex)
        records.append(structs.replace(record, name=name, type=record.type.upper()))
    changes = []
    for index, change in enumerate(zone.changes):
        where = f"{at}.changes[{index}]"
        _change(document, change, where)
        changes.append(structs.replace(change, records=_plan(document, change, where, apex)))
    return structs.replace(
        zone,
        zone=apex,
        subdomains=tuple(subdomains),
        nameservers=tuple(
            sorted(_name(document, f"{at}.nameservers[{i}]", name) for i, name in enumerate(zone.nameservers))
        ),
        records=tuple(records),
        changes=tuple(changes),
    )


def _plan(document: Document, change: Change, at: str, apex: str) -> tuple[Planned, ...]:
    if change.records and change.start is None:
        raise document.error(f"{at}.records", f"change {change.id}: a plan happens once; write `start` and `end`")
    found: dict[tuple[str, str], Planned] = {}
    for index, planned in enumerate(change.records):
        where = f"{at}.records[{index}]"
        name, rdtype = _name_within(document, f"{where}.name", planned.name, apex), planned.type.upper()
        if (name, rdtype) in found:
            raise document.error(where, f"change {change.id}: {name} {rdtype} stands twice; write all its data in one")
        found[name, rdtype] = structs.replace(planned, name=name, type=rdtype)
    return tuple(found.values())


def _change(document: Document, change: Change, at: str) -> None:
    if (change.start is None) != (change.end is None):
        raise document.error(at, f"change {change.id}: `start` and `end` go together")
    if (change.start is None) == (change.schedule is None):
        raise document.error(at, f"change {change.id}: write `start` and `end`, or `schedule` and `duration`, not both")
    if change.start is not None and change.end is not None:
        for key, time in (("start", change.start), ("end", change.end)):
            if time.tzinfo is None:
                raise document.error(
                    f"{at}.{key}", f"change {change.id}: {key} has no time zone; write for instance {time}Z"
                )
        if change.end <= change.start:
            raise document.error(f"{at}.end", f"change {change.id} ends before it starts")
    if change.schedule is not None:
        if change.duration is None:
            raise document.error(at, f"change {change.id}: a schedule needs a `duration`, for instance 2h")
        document.seconds(f"{at}.duration", change.duration)
        try:
            occurrences(change.schedule)
        except ValueError as error:
            raise document.error(
                f"{at}.schedule",
                f"change {change.id}: {error}; write an RRULE, for instance FREQ=WEEKLY;BYDAY=TU;BYHOUR=9",
            ) from error


def _name(document: Document, at: str, name: str) -> str:
    try:
        return normalize(name)
    except InvalidNameError as error:
        raise document.error(at, str(error)) from error


def _name_within(document: Document, at: str, text: str, apex: str) -> str:
    name = _name(document, at, text)
    if not within(name, apex):
        raise document.error(at, f"{name} is not in zone {apex}; list it under its own zone")
    return name


def _known(inventory: Inventory) -> str:
    return ", ".join(sorted(inventory.teams)) or "none yet"
