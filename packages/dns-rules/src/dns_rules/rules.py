"""Rules as data: what to look for, how sure to be, what to say and what to check first."""

from __future__ import annotations

import difflib
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast, get_args

from dns_events import durations
from msgspec import Meta, Struct, convert, field

from . import matching, plugins
from .errors import RulesError
from .model import Class, Criticality, Severity

if TYPE_CHECKING:
    from .detectors.condition import Detect

#: The rule pack that ships with this distribution.
PACKAGED = Path(__file__).parent / "alert_rules" / "stream"

#: In place of a duration: the inventory's.
TTL_MINIMUM = "ttl_minimum"
#: What is tracked of a zone beside its records: its delegation, and its registration as RDAP has it.
FactName = Literal[
    "parent_ns", "child_ns", "ds", "dnskey", "registrar", "registrant", "lock", "transfer", "registered_ns"
]
#: Of a check: that the delegation or the keys changed before.
CHANGE = "change"
Ratio = Annotated[float, Meta(gt=0, le=1)]
#: One duration for all, or one for each criticality.
Scaled = str | dict[Criticality, str]

#: Placeholders that titles and first checks may use.
PLACEHOLDERS = frozenset(
    {
        "zone",
        "zones",
        "parent",
        "probe",
        "regions",
        "servers",
        "names",
        "count",
        "total",
        "why",
        "change",
        "before",
        "after",
        "share",
    }
)


class Where(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which observations a rule looks at; what is left out is not filtered."""

    role: Literal["authoritative", "recursive"] | None = None
    family: Literal["ipv4", "ipv6"] | None = None
    """Only what was asked at an address of this family."""
    expected: bool = False
    """Only questions of which the inventory expects data."""
    validated: bool = False
    """Only answers on which validation reached a verdict, in zones that were or must be secure."""


class Sustained(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="detector", tag="sustained"):
    """A share of failures over a window, seen by enough probes and regions."""

    failing: tuple[str, ...] = ()
    """Outcomes that fail."""
    bogus: bool = False
    """Bogus answers fail, whatever their outcome."""
    dangling: bool = False
    """An alias (CNAME, DNAME) that leads to a name that does not exist fails (RFC 6604 §2)."""
    skewed: str | None = None
    """Answers of probes whose clock is off by more than this fail."""
    by: Literal["server", "question", "probe", "region"]
    """By probe, what fails at a probe that other servers answer is not the probe's failure; by region, what fails at a
    blind probe is not the region's, and what a probe sees that does not say whether it is blind does not count
    (`dns_events.Probe.reach`)."""
    scope: Literal["all", "part", "any"] = "any"
    """For `by: server`: every server, some but not all of them, or any (one finding for the zone). For `by: probe`
    and `by: region`: some but not all of them, or any."""
    alone: bool = False
    """Says nothing of a zone of which another rule says something that this one does not explain."""
    ratio: Ratio
    window: Scaled
    samples: Annotated[int, Meta(ge=1)]
    """A zone that is asked too seldom for any server or question to come to so many in the window is judged over three
    of the intervals in which it is asked, if tallies are kept for so long (at least as long as the pack's longest
    window)."""
    regions: Annotated[int, Meta(ge=1)] = 2
    """At least so many regions (or all, where fewer are watching)."""


class Divergence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="detector", tag="divergence"):
    """Regions or authoritative servers that give other answers than they should by now."""

    of: Literal["regions", "servers"] = "regions"
    verdicts: tuple[Literal["overdue", "stale_served", "rogue"], ...] = ("overdue", "stale_served", "rogue")
    """For `of: regions`, what they are not allowed to be: beyond the old TTL, with a stale answer, or with one that was
    never published."""
    agreement: Ratio = 1.0
    """For `of: regions`, below this share of regions that are well it fires."""
    learn: Scaled
    """How long a question must have agreed before its disagreement means something."""
    grace: Scaled
    """For `of: regions`, time beyond what is allowed; for `of: servers`, time from the change of the others."""
    ignore: tuple[str, ...] = ("SOA",)


class Transition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="detector", tag="transition"):
    """A tracked fact changed, and it was not declared."""

    facts: tuple[FactName, ...] = ()
    records: tuple[str, ...] = ()
    """Record sets as the authoritative servers give them: ``@/MX`` of the apex, ``_dmarc/TXT`` of a name below it,
    ``*/A`` of every name of which the inventory says the data."""
    allow: Literal["records", "ns", "ds", "ttl", "registration"]
    """The kind of change that a change window must allow."""
    expected: Literal["nameservers", "registration", "records"] | None = None
    """The inventory's field that says what the fact should be."""
    probes: Annotated[int, Meta(ge=1)] = 2
    """So many must say it, or all where fewer look; for records, so many regions."""
    learn: Scaled = "0s"
    """How long an undeclared value must have stood before another one means something."""
    adopt_after: str = "24h"
    """After so long an undeclared value becomes the one that is compared with."""


#: What a delegation event tells to be wrong with the zone's delegation or with one of its servers.
Fault = Literal["lame", "without_tcp", "unresolved", "ns_mismatch", "glue_mismatch", "expire_outlives"]
#: Faults that are sets of servers, of which each has a time of its own.
FAULTS_OF_SERVERS: frozenset[Fault] = frozenset({"lame", "without_tcp", "unresolved"})
FAULTS_OF_ZONES: frozenset[Fault] = frozenset(get_args(Fault)) - FAULTS_OF_SERVERS


class Standing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="detector", tag="standing"):
    """A fault of the delegation that stands, by the word of most probes."""

    fault: Fault
    for_: Scaled = field(name="for")
    """So long it must have stood."""
    probes: Annotated[int, Meta(ge=1)] = 2
    """So many must say it, or all where fewer look."""
    allow: Literal["records", "ns", "ds", "ttl", "registration"] | None = None
    """The kind of change that a change window must allow for it to be meant."""


class Rollover(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="detector", tag="rollover"):
    """DS or DNSKEY sets that caches may still hold, and that do not fit the keys of now (RFC 7583 §2)."""

    probes: Annotated[int, Meta(ge=1)] = 2
    """So many must give the set of now, or all where fewer look."""


class Baseline(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="detector", tag="baseline"):
    """A share of queries or of probes' answers (the rule's `on`), far above the zone's own at this hour of the week."""

    by: Literal["zone", "name"] = "zone"
    """Whose share: the zone's, or that of each name that probes ask for."""
    failing: tuple[str, ...]
    """Outcomes."""
    times: Annotated[float, Meta(gt=1)]
    """So many times the usual share."""
    least: Ratio
    """A smaller share is never told of."""
    window: Scaled
    samples: Annotated[int, Meta(ge=1)]
    """Queries or answers in the window."""
    regions: Annotated[int, Meta(ge=1)] = 1
    """In at least so many regions, or all where fewer look, with three failures in each."""
    history: Annotated[int, Meta(ge=3)] = 24
    """Hours that have to be known before anything is said."""


class Volume(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="detector", tag="volume"):
    """How much servers, or one of them, are asked, far from what is usual for the zone at this hour of the week."""

    of: Literal["queries", "concentration"]
    """Queries in a minute, or the share of the server that is asked most, of two and more."""
    above: Annotated[float, Meta(gt=1)] | None = None
    """So many times the usual."""
    below: Annotated[float, Meta(gt=0, lt=1)] | None = None
    """This part of the usual."""
    least: Annotated[float, Meta(ge=0)] = 0
    """Below it is nothing told of: what is `above` the usual, and for `below` the usual itself."""
    window: Scaled
    samples: Annotated[int, Meta(ge=1)]
    """Queries in the window; for `below`, as many as are usual in so long."""
    history: Annotated[int, Meta(ge=3)] = 24
    """Hours that have to be known before anything is said."""


class Latency(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="detector", tag="latency"):
    """A region whose answers take far longer than is usual for the zone there at this hour of the week."""

    times: Annotated[float, Meta(gt=1)]
    """So many times the usual median."""
    least: Scaled
    """So much longer than usual at least."""
    window: Scaled
    samples: Annotated[int, Meta(ge=1)]
    """Answers in the window, of a region."""
    history: Annotated[int, Meta(ge=3)] = 24
    """Hours that have to be known of the region before anything is said."""


class Level(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="detector", tag="level"):
    """A number that must not fall below another."""

    of: Literal["ttl", "signatures_expire", "expires"]
    """The TTL that the authoritative servers give, or the time until the first signature at the apex or the
    registration expires."""
    below: Scaled
    """A duration; for TTLs ``ttl_minimum``, which is the inventory's."""
    records: tuple[str, ...] = ()
    """Of which record sets, as in `Transition`, for TTLs."""


class Absence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="detector", tag="absence"):
    """A probe that observed the zone and does so no more, while others do; or all of them."""

    every: bool = False
    """All probes are silent, instead of one while others go on."""
    silent: Scaled
    """So long nothing came of it, and three times as long as it usually is from one observation to the next."""
    forget: str = "24h"
    """After so long it is one of the past."""


class Sequence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="detector", tag="sequence"):
    """Findings of other rules on one zone that together mean more, scored by their order and interval."""

    steps: tuple[tuple[str, ...], ...]
    """Rules; one finding of a step's rules makes the step."""
    least: Annotated[int, Meta(ge=2)]
    """So many steps have to be there."""
    within: str
    """From the first to the last of them."""


#: What a field of an event is compared with; ``null`` where it must not be known.
Value = str | bool | int | float | None
Fields = dict[str, Value | tuple[Value, ...]]


class Match(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="detector", tag="match"):
    """Events on which a condition holds. Of observations, a question's are counted together."""

    fields: Fields | tuple[Fields, ...] = ()
    """All that a mapping says holds (of a list, in one of its mappings), as `matching` has it."""
    when: str | None = None
    """What holds too, in CEL: of ``event``, as its JSON form names the fields, and ``zone``, its inventory entry."""
    by: Literal["question", "zone"] = "question"
    """`zone`: whatever is asked is counted together."""
    least: Annotated[int, Meta(ge=1)] = 1
    """So many events within the window."""
    probes: Annotated[int, Meta(ge=1)] = 1
    """They come from so many."""
    window: Scaled
    """It is over when none came for as long."""


class Plugged(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="detector", tag="plugin", dict=True
):
    """A detector of another package. In a file, its name stands as ``detector``."""

    name: str
    options: dict[str, Any]

    @cached_property
    def asked(self) -> Detect:
        """What is asked, with these options."""
        return cast("Detect", convert(self.options, plugins.kind(self.name)))


Detector = (
    Sustained
    | Divergence
    | Transition
    | Standing
    | Rollover
    | Baseline
    | Volume
    | Latency
    | Level
    | Sequence
    | Absence
    | Match
    | Plugged
)


class Shared(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What makes findings of several zones one incident."""

    by: Literal["servers", "key", "parent"] = "servers"
    """They fail on one of the same servers for the same reason, or are about the same thing (a probe, a resolver), or
    the same became of zones of one parent within half an hour."""
    title: str
    """With two zones and more."""
    least: Annotated[int, Meta(ge=1)] = 1
    """Fewer zones tell nobody: what only they see may be theirs."""
    check_first: tuple[str, ...] = ()
    """Before the rule's own, with two zones and more."""


class Check(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a responder checks, and when before the others."""

    text: str
    when: tuple[str, ...]
    """It comes first where the leading rule's findings have one of these causes (outcomes and DNSSEC causes), where
    one of these rules has a finding too, or, for ``change``, where the delegation or the keys changed before."""


class Raise(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What makes an incident one step graver, each by itself."""

    after: Scaled | None = None
    """It has been firing for so long, and nobody has acknowledged it."""
    zones: Annotated[int, Meta(ge=2)] | None = None
    """So many zones share it."""


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One rule, as it stands in ``alert-rules/stream/<id>.yaml``."""

    id: str
    title: str
    class_: Class = field(name="class")
    severity: Severity | dict[Criticality, Severity]
    raise_: Raise = field(name="raise", default=Raise())
    on: tuple[str, ...] | str
    where: Where = Where()
    detect: Detector
    hold: Scaled = "15s"
    """How long an incident is pending, so that what belongs together comes in one page."""
    resolve_after: Scaled = "60s"
    """How long all must be quiet before the incident is resolved."""
    explains: tuple[str, ...] = ()
    """Rules whose findings are consequences of this one."""
    shared: Shared | None = None
    """Zones of one team are one incident where they share the cause."""
    to: Literal["owner", "observers"] = "owner"
    """Whose it is: the zone's owner's, or the team's that runs the monitoring."""
    check_first: tuple[str | Check, ...]
    runbook: str
    about: str = ""
    """A paragraph for `dns-rules explain`."""

    @property
    def types(self) -> tuple[str, ...]:
        """The types of events it is on."""
        return (self.on,) if isinstance(self.on, str) else self.on

    @cached_property
    def test(self) -> matching.Test:
        """The condition of a `Match`, compiled once.

        Raises:
            FaultError: it is none.
        """
        assert isinstance(self.detect, Match)
        return matching.compiled(self.detect, self.types)

    @property
    def checks(self) -> tuple[str, ...]:
        """What to check first, as it stands in the rule."""
        return tuple(check if isinstance(check, str) else check.text for check in self.check_first)

    @property
    def is_of_servers(self) -> bool:
        """Whether its findings are about authoritative servers of the zone, which they name."""
        if isinstance(self.detect, Standing):
            return self.detect.fault in FAULTS_OF_SERVERS
        return isinstance(self.detect, Sustained) and self.detect.by == "server" and self.where.role == "authoritative"

    def severity_for(self, criticality: Criticality) -> Severity:
        """The severity in a zone of this criticality."""
        return self.severity if isinstance(self.severity, str) else self.severity[criticality]


class Rules(Struct, frozen=True, kw_only=True, dict=True):
    """A rule pack, and the pace at which it is evaluated."""

    rules: tuple[Rule, ...]
    name: str = "dnstower"
    version: str = "0"
    """Of the pack."""
    folders: tuple[Path, ...] = (PACKAGED,)
    """Where the rules stand; what is in the first of them counts."""
    step: float = 5.0
    """Seconds between two evaluations, in event time."""
    lateness: float = 10.0
    """Seconds that an event may arrive after a later one and still count."""

    @cached_property
    def pace(self) -> tuple[int, int]:
        """Step and lateness in microseconds."""
        return int(self.step * 1_000_000), int(self.lateness * 1_000_000)

    def rule(self, id_: str) -> Rule | None:
        """The rule of this id."""
        return self._by_id.get(id_)

    def named(self, id_: str) -> Rule:
        """The rule of this id, as a person asked for it.

        Raises:
            RulesError: there is none.
        """
        rule = self.rule(id_)
        if rule is None:
            near = difflib.get_close_matches(id_, [rule.id for rule in self.rules], n=1)
            msg = f"no rule {id_!r}; {f'did you mean {near[0]}?' if near else '`dns-rules list` names them'}"
            raise RulesError(msg)
        return rule

    @cached_property
    def of_regions(self) -> tuple[Divergence, ...]:
        """What is asked of regions that answer otherwise."""
        detectors = (rule.detect for rule in self.rules)
        return tuple(detect for detect in detectors if isinstance(detect, Divergence) and detect.of == "regions")

    @cached_property
    def _by_id(self) -> dict[str, Rule]:
        return {rule.id: rule for rule in reversed(self.rules)}


def scaled(value: Scaled, criticality: Criticality) -> float:
    """A duration in seconds for a zone of this criticality."""
    return _seconds(value if isinstance(value, str) else value[criticality])


@lru_cache(maxsize=1024)
def _seconds(text: str) -> float:
    # Every evaluation of every zone asks for the same few texts.
    return durations.seconds(text)
