"""A rule in sentences: when it fires, how sure it is, and what becomes of it. The same rule gives the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never, get_args

from . import words
from .matching import split
from .model import Criticality
from .rules import (
    Absence,
    Baseline,
    Divergence,
    Latency,
    Level,
    Match,
    Plugged,
    Rollover,
    Sequence,
    Standing,
    Sustained,
    Transition,
    Volume,
)

if TYPE_CHECKING:
    from .model import Finding
    from .rules import Fields, Rule, Scaled

_LEVELS: tuple[Criticality, ...] = get_args(Criticality)
_ROLES = {"authoritative": "the zone's authoritative servers", "recursive": "resolvers", None: "servers"}
_EVENTS = {"zone_change": "edits of the zone", "traffic": "counts of traffic"}
_COMPARED = {
    "": "is",
    "contains": "contains",
    "startswith": "begins with",
    "endswith": "ends with",
    "re": "matches",
    "cidr": "is in",
    "lt": "is below",
    "lte": "is at most",
    "gt": "is above",
    "gte": "is at least",
}
_TIMES = {"signatures_expire": "the first signature at the apex", "expires": "the registration"}


_ENDED: dict[type, str] = {
    Divergence: "all agree again",
    Absence: "the probe observes again",
    Baseline: "the share is the usual one again",
    Volume: "it is as usual again",
    Latency: "answers take as long as usual again",
    Standing: "all is well with it again",
    Rollover: "what caches may hold fits the zone's keys again",
    Match: "no such event came for the window",
}


def when(rule: Rule, criticality: Criticality | None = None) -> str:
    """When a rule fires.

    Args:
        rule: of a pack.
        criticality: of the zone; ``None`` names the thresholds of all.
    """
    detect = rule.detect
    match detect:
        case Sustained():
            return _sustained(rule, detect, criticality)
        case Divergence():
            return _divergence(detect, criticality)
        case Transition():
            return _transition(detect, criticality)
        case Standing():
            meant = "" if detect.allow is None else f", and no change window allows `{detect.allow}`"
            return (
                f"Fires when {_probes(detect.probes)} said for {duration(detect.for_, criticality)}: "
                f"{words.fault(detect.fault)}{meant}."
            )
        case Rollover():
            return (
                "Fires when caches may still hold a DS set of which no key is in the zone any more, or a DNSKEY set "
                f"with none of the keys that sign the zone now, by the TTLs that were seen and the word of "
                f"{_probes(detect.probes)} (RFC 7583). It is over when the last cache has dropped it."
            )
        case Baseline() | Latency() | Volume():
            return _usual(rule, detect, criticality)
        case Absence():
            silent = duration(detect.silent, criticality)
            if detect.every:
                return (
                    f"Fires when no probe has observed the zone for {silent}, and for three times the usual pause of "
                    f"each that did. A zone that nobody has observed for {detect.forget} is one of the past."
                )
            return (
                f"Fires when a probe that observed the zone sent nothing of it for {silent}, and for three times its "
                f"usual pause, while others go on{_least(rule)}. A probe that is silent for {detect.forget} is one of "
                f"the past."
            )
        case Level():
            return _level(detect, criticality)
        case Sequence():
            steps = "; ".join(
                f"({number}) {words.listing(step, last='or')}" for number, step in enumerate(detect.steps, 1)
            )
            return (
                f"Fires when findings make at least {detect.least} of {len(detect.steps)} steps within "
                f"{detect.within}: {steps}. The more of them, the closer and the more in this order, the surer it is."
            )
        case Match() | Plugged():
            return _asked(rule, detect, criticality)
        case _:
            assert_never(detect)


def ended(rule: Rule, finding: Finding, current: str | None) -> str:
    """How a finding ended.

    Args:
        rule: whose it is.
        finding: as it was.
        current: what the tracked fact is now; ``None`` where none is tracked.
    """
    match rule.detect:
        case Transition() if current is not None:
            if current == finding.facts["before"]:
                return f"{finding.facts['names']} is {current} again"
            return f"{finding.facts['names']} is {current}, which is expected now"
        case Sustained(by="question"):
            return f"{finding.facts['names']} has data again"
        case Sustained(by="probe", skewed=skewed):
            return f"the probe's {'clock is right' if skewed else 'questions are answered'} again"
        case Sustained(by="region"):
            return f"{finding.facts['regions']} gets answers again"
        case Sustained(bogus=True):
            return "answers validate again"
        case Sustained():
            return f"{finding.facts['servers']} answered again"
        case Level(of="ttl"):
            return "the TTL is long enough again"
        case Level(of=of):
            return f"{_TIMES[of]} lasts longer again"
        case _:
            return _ENDED.get(type(rule.detect), "nothing of it is there any more")


def _asked(rule: Rule, detect: Match | Plugged, criticality: Criticality | None) -> str:
    if isinstance(detect, Plugged):
        options = ", ".join(f"{key} {value}" for key, value in detect.options.items())
        return f"Fires when the detector {detect.name} of another package says so{options and f', with {options}'}."
    events = words.listing((_EVENTS.get(name, f"{name}s") for name in rule.types), last="or")
    listed = detect.fields if isinstance(detect.fields, tuple) else (detect.fields,)
    said = [" or, ".join(map(_fields, listed))] if detect.fields else []
    said += [] if detect.when is None else [f"`{detect.when.strip()}`"]
    together = "" if detect.by == "zone" or "observation" not in rule.types else " of one question"
    probes = f" from {detect.probes} probes or more" if detect.probes > 1 else ""
    window = duration(detect.window, criticality)
    return (
        f"Fires on {detect.least} or more {events}{together} within {window}{probes} of which this is so: "
        f"{' and '.join(said)}. It is over when none came for as long."
    )


def _fields(fields: Fields) -> str:
    told = []
    for key, wanted in fields.items():
        field, operator, every, negated = split(key)
        values = wanted if isinstance(wanted, tuple) else (wanted,)
        listed = words.listing(
            ("unknown" if value is None else str(value) for value in values), last="and" if every else "or", most=20
        )
        told.append(f"{'not: ' if negated else ''}{field} {_COMPARED[operator]} {listed}")
    return "; ".join(told)


def _shared(rule: Rule) -> str:
    if rule.shared is None:
        return ""
    if rule.shared.by == "key":
        least = f", once there are {rule.shared.least} of them" if rule.shared.least > 1 else ""
        text = f" All zones that show it are one incident{least}."
    elif rule.shared.by == "parent":
        text = " Zones of one owner and one parent to which the same happens within half an hour are one incident."
    else:
        text = " Zones of one owner that fail on the same servers for the same reason are one incident."
    return text + (" It is told to the team that runs the monitoring." if rule.to == "observers" else "")


def life(rule: Rule, criticality: Criticality | None = None) -> str:
    """What becomes of it once it fires."""
    if criticality is None and isinstance(rule.severity, dict):
        severity = ", ".join(f"{rule.severity[level]} in {level} zones" for level in _LEVELS)
    else:
        severity = rule.severity_for(criticality or "critical")
    return (
        f"Severity: {severity}{_raised(rule, criticality)}. It pages after {duration(rule.hold, criticality)}, so that "
        f"what belongs together comes in one page, and is resolved after "
        f"{duration(rule.resolve_after, criticality)} of quiet." + _shared(rule)
    )


def _raised(rule: Rule, criticality: Criticality | None) -> str:
    after, zones = rule.raise_.after, rule.raise_.zones
    when_ = [] if after is None else [f"once it has lasted for {duration(after, criticality)} unacknowledged"]
    when_ += [] if zones is None else [f"with {zones} zones"]
    return f"; a step graver {' and another '.join(when_)}" if when_ else ""


def duration(value: Scaled, criticality: Criticality | None) -> str:
    """``60s``, or ``60s (critical), 3m (high), 5m (normal)``."""
    if isinstance(value, str):
        return value
    if criticality is not None:
        return value[criticality]
    if len(set(value.values())) == 1:
        return next(iter(value.values()))
    return ", ".join(f"{value[level]} ({level})" for level in _LEVELS)


def _probe(rule: Rule, detect: Sustained, criticality: Criticality | None) -> str:
    failing = words.listing((words.cause(o) for o in detect.failing), last="or", most=20)
    ill = f"are {failing}" if detect.skewed is None else f"come with a clock that is off by more than {detect.skewed}"
    others = ", while other probes are well" if detect.scope == "part" else ""
    return (
        f"Fires when {words.percent(detect.ratio)} or more of at least {detect.samples} answers of one probe within "
        f"{duration(detect.window, criticality)} {ill}{others}{_alone(detect)}{_least(rule)}."
    )


def _region(rule: Rule, detect: Sustained, criticality: Criticality | None) -> str:
    failing = words.listing((words.cause(o) for o in detect.failing), last="or", most=20)
    others = ", while other regions get answers" if detect.scope == "part" else ""
    return (
        f"Fires when {words.percent(detect.ratio)} or more of at least {detect.samples} answers of "
        f"{_ROLES[rule.where.role]} to a region's probes, which other servers answer, within "
        f"{duration(detect.window, criticality)} are {failing}{others}."
    )


def _alone(detect: Sustained) -> str:
    return ", and nothing else is wrong with the zone" if detect.alone else ""


def _least(rule: Rule) -> str:
    least = 1 if rule.shared is None else rule.shared.least
    return f", for at least {least} zones" if least > 1 else ""


def _sustained(rule: Rule, detect: Sustained, criticality: Criticality | None) -> str:
    if detect.by == "probe":
        return _probe(rule, detect, criticality)
    if detect.by == "region":
        return _region(rule, detect, criticality)
    who = _ROLES[rule.where.role] + ("" if rule.where.family is None else f" with {words.FAMILIES[rule.where.family]}")
    if detect.by == "question":
        subject = f"a question to {who}" + (", of which the inventory expects data," if rule.where.expected else "")
    else:
        subject = {"all": f"every one of {who}", "part": f"one, but not every one, of {who}", "any": who}[detect.scope]
    causes = [*detect.failing, *(["bogus"] if detect.bogus else []), *(["dangling"] if detect.dangling else [])]
    failing = words.listing(map(words.cause, causes), last="or", most=20)
    seen = f", seen from {detect.regions} regions, or all where fewer look" if detect.regions > 1 else ""
    share = f"{words.percent(detect.ratio)} or more of at least {detect.samples} answers"
    window = f"within {duration(detect.window, criticality)}"
    if detect.by == "server":
        return f"Fires when {share} of {subject} {window} are {failing}{seen}{_alone(detect)}."
    return f"Fires when {subject} is answered with {failing} in {share} {window}{seen}."


def _divergence(detect: Divergence, criticality: Criticality | None) -> str:
    learn, grace = duration(detect.learn, criticality), duration(detect.grace, criticality)
    if detect.of == "servers":
        return (
            f"Fires when an authoritative server gives another answer than most of them, from wherever it is asked, "
            f"{grace} after the others changed; what it was before must have stood for {learn}."
        )
    ill = words.listing((words.verdict(verdict) for verdict in detect.verdicts), last="or")
    if detect.agreement == 1:
        few = "a region's answer is"
    else:
        few = f"fewer than {words.percent(detect.agreement)} of the regions are well, and the others' answers are"
    return (
        f"Fires when {few} {ill}, {grace} beyond what is allowed, for a question on which the regions agreed for "
        f"{learn} before. An answer is allowed for as long as caches may hold it, from when an authoritative server "
        f"gave it last."
    )


def _transition(detect: Transition, criticality: Criticality | None) -> str:
    tracked = words.listing(
        [*(f"the {words.fact(name)}" for name in detect.facts), *map(_records, detect.records)], last="or", most=20
    )
    voices = "regions" if detect.records else "probes"
    who = _probes(detect.probes, voices)
    learned = duration(detect.learn, criticality)
    text = (
        f"Fires when {tracked} is not what the inventory says, or, where it does not say, not what it was; "
        f"by the word of {who}; and no change window allows `{detect.allow}`."
    )
    if learned != "0s":
        text += f" What the inventory does not say must have stood for {learned} before."
    return f"{text} An undeclared value is the one to compare with after {detect.adopt_after}."


def _usual(rule: Rule, detect: Baseline | Latency | Volume, criticality: Criticality | None) -> str:
    window = duration(detect.window, criticality)
    if isinstance(detect, Latency):
        return (
            f"Fires when half of at least {detect.samples} answers in a region within {window} take {detect.times:g} "
            f"times as long as usual there at this hour of the week, and {duration(detect.least, criticality)} longer. "
            f"Says nothing of a region until {detect.history} hours are known."
        )
    if isinstance(detect, Baseline):
        failing = words.listing(words.cause(outcome) for outcome in detect.failing)
        subject = "queries" if rule.on == "traffic" else f"answers of {_ROLES[rule.where.role]}"
        regions = f", in {detect.regions} regions, or all where fewer look" if detect.regions > 1 else ""
        return (
            f"Fires when {failing} is {words.percent(detect.least)} or more of at least {detect.samples} {subject} "
            f"{'for one name ' if detect.by == 'name' else ''}within {window}, and at least {detect.times:g} times "
            f"this {detect.by}'s usual share at this hour of the week{regions}. Says nothing until {detect.history} "
            f"hours are known."
        )
    if detect.of == "queries":
        subject, unit = "the queries that servers are asked", f"{detect.least:g} a minute"
    else:
        subject, unit = "the part of the queries that one of several servers is asked", words.percent(detect.least)
    if detect.above is not None:
        which = f"at least {detect.above:g} times as many as usual" if detect.of == "queries" else (
            f"at least {detect.above:g} times the usual"
        )  # fmt: skip
        which += f", and {unit} or more"
    else:
        which = f"at most {words.percent(detect.below or 0)} of the usual, which is {unit} or more"
    return (
        f"Fires when {subject} within {window} are {which}, for this zone at this hour of the week. Says nothing until "
        f"{detect.history} hours are known, nor where nobody tells of queries."
    )


def _probes(number: int, voices: str = "probes") -> str:
    return "one probe" if number == 1 else f"{number} {voices}, or all where fewer look"


def _level(detect: Level, criticality: Criticality | None) -> str:
    if detect.of == "ttl":
        records = words.listing(map(_records, detect.records), last="or", most=20)
        return f"Fires when the TTL of {records} at an authoritative server is below the inventory's `ttl_minimum`."
    return f"Fires when {_TIMES[detect.of]} expires in less than {duration(detect.below, criticality)}."


def _records(pattern: str) -> str:
    label, _, qtype = pattern.partition("/")
    return f"{qtype} of {'the apex' if label == '@' else 'a name with declared data' if label == '*' else label}"
