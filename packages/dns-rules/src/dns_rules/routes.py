"""Where an observation counts: worked out once for all that differ in id, time, latency and data alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dns_events import TYPES, durations

from . import vantage
from .latencies import step_of
from .matching import as_json
from .rules import Baseline, Latency, Match, Sustained, Volume
from .state import Tally, micros

if TYPE_CHECKING:
    from dns_events import Observation

    from .inventory import Zone
    from .plans import Plans
    from .rules import Rule, Rules
    from .state import Tallies

_ALIASES = frozenset({"CNAME", "DNAME"})
#: So many kinds of observations are remembered for one zone, before all are forgotten and worked out anew.
MOST = 4096


class Count(NamedTuple):
    """One rule's tally that an observation goes into."""

    rule: str
    key: str
    vantage: str
    why: str | None
    """Why it fails in the eyes of the rule; ``None`` when it does not."""


class Route(NamedTuple):
    """All places in a bucket that an observation goes into."""

    question: str
    region: str
    vantage: str
    counts: tuple[Count, ...]
    well: bool
    """Whether it fails in the eyes of no rule."""
    tallies: dict[int | None, Tallies]
    """What it comes to by itself, by the step of its latency."""


class Routes:
    """The routes into one zone's buckets under one rule pack.

    Args:
        zone: the inventory's entry, which says of which questions data is expected.
        rules: the rule pack.
        plans: of which data is not expected any more.
    """

    def __init__(self, zone: Zone, rules: Rules, plans: Plans) -> None:
        self._zone = zone
        self._plans = plans
        self._rules = rules
        self._known: dict[tuple[object, ...], Route] = {}
        self._limits = {
            durations.seconds(rule.detect.skewed)
            for rule in rules.rules
            if isinstance(rule.detect, Sustained) and rule.detect.skewed is not None
        }
        self.traffic = tuple(
            (rule.id, rule.detect.failing if isinstance(rule.detect, Baseline) else ())
            for rule in rules.rules
            if isinstance(rule.detect, Baseline | Volume) and rule.on == "traffic"
        )
        """Rules that count queries, and the outcomes that fail in their eyes."""
        self.latency = tuple((rule.id, rule.where.role) for rule in rules.rules if isinstance(rule.detect, Latency))
        """Rules that look at how long answers take, and whose."""
        asking = [(rule, rule.detect) for rule in rules.rules if isinstance(rule.detect, Match)]
        self.matches = {
            type_: tuple((rule, detect) for rule, detect in asking if name in rule.types)
            for name, type_ in TYPES.items()
            if asking
        }
        """Rules that ask something of each event, by its type; empty where there are none."""
        self.entry: dict[str, Any] = as_json(zone) if asking else {}
        """The inventory's entry, as they see it."""

    def of(self, event: Observation) -> Route:
        """The route of one observation."""
        probe, server, dnssec = event.probe, event.server, event.dnssec
        # All that a route is made of, and nothing else.
        kind = (
            event.name, event.qtype, event.outcome, event.source, probe.id, probe.region, server.address, server.role,
            None if dnssec is None else dnssec.status, None if dnssec is None else dnssec.cause,
            None if probe.clock_skew is None else self._skews(abs(probe.clock_skew)),
            probe.reach,
            "dangling" if event.outcome == "nxdomain" and _aliases(event) else None,
            "removed" if self._plans and self._is_removed(event) else None,
        )  # fmt: skip
        route = self._known.get(kind)
        if route is None:
            if len(self._known) >= MOST:
                self._known.clear()
            route = self._known[kind] = self._route(event)
        return route

    def slow(self, route: Route, event: Observation) -> tuple[Count, ...]:
        """Tallies of how long it took: a histogram by region, with the step in the place of a server."""
        if event.latency is None or not self.latency:
            return ()
        seen_from = vantage.key(route.region, "", str(step_of(event.latency)))
        role = event.server.role
        return tuple(Count(rule, route.region, seen_from, None) for rule, of in self.latency if of in {None, role})

    def alone(self, route: Route, event: Observation) -> Tallies:
        """The tallies of a bucket that has nothing but this, which is well. Not to be added to.

        Zones that are asked seldom have few others, and so all that is sealed of them is a few objects.
        """
        step = None if event.latency is None else step_of(event.latency)
        tallies = route.tallies.get(step)
        if tallies is None:
            counts = (*route.counts, *self.slow(route, event))
            tallies = {rule: {key: {seen_from: Tally(total=1)}} for rule, key, seen_from, _ in counts}
            route.tallies[step] = tallies
        return tallies

    def looks_at(self, rule: Rule, event: Observation) -> bool:
        """Whether an observation is one of those that a rule is asked of."""
        return _looks_at(rule, event, self._zone)

    def _is_removed(self, event: Observation) -> bool:
        return self._plans.removed(f"{event.name}/{event.qtype}", micros(event.time))

    def _skews(self, skew: float) -> str:
        """Which of the limits of the rules are passed; by it, routes of different skews are the same."""
        return str(sum(skew > limit for limit in self._limits))

    def _route(self, event: Observation) -> Route:
        question = f"{event.name}/{event.qtype}"
        region = event.probe.region or event.probe.id
        seen_from = vantage.key(region, event.probe.id, event.server.address)
        counts = tuple(
            Count(
                rule=rule.id,
                key=_key(rule.detect, event, region, question),
                vantage=seen_from,
                why=_failure(rule.detect, event),
            )
            for rule in self._rules.rules
            if isinstance(rule.detect, Sustained | Baseline)
            and _looks_at(rule, event, self._zone)
            and not (rule.where.expected and self._is_removed(event))
        )
        latest = vantage.key(region, event.server.role, event.server.address)
        return Route(question, region, latest, counts, all(count.why is None for count in counts), {})


def _key(detect: Sustained | Baseline, event: Observation, region: str, question: str) -> str:
    by = "server" if detect.by == "zone" else detect.by
    keys = {"name": event.name, "server": event.server.address, "probe": event.probe.id, "region": region}
    return keys.get(by, question)


def _looks_at(rule: Rule, event: Observation, zone: Zone) -> bool:
    where = rule.where
    if where.role is not None and event.server.role != where.role:
        return False
    if where.family is not None and where.family != ("ipv6" if ":" in event.server.address else "ipv4"):
        return False
    if where.validated and (event.dnssec is None or event.dnssec.status == "indeterminate"):
        return False
    if isinstance(rule.detect, Sustained):
        if rule.detect.skewed is not None and event.probe.clock_skew is None:
            return False
        if rule.detect.by == "region" and event.probe.reach is None:
            return False
    if isinstance(rule.detect, Baseline) and (rule.on == "traffic" or event.probe.reach == ()):
        return False
    if isinstance(rule.detect, Baseline) and rule.detect.by == "name" and event.source != "probe":
        return False  # of names that anybody may ask for there is no end
    if where.expected:
        expectation = zone.expectation(event.name, event.qtype)
        return expectation is not None and expectation.expect is not None
    return True


def _aliases(event: Observation) -> bool:
    """Whether the answer came by way of an alias."""
    return any(record.type in _ALIASES for record in event.answers)


def _failure(detect: Sustained | Baseline, event: Observation) -> str | None:
    """Why this observation fails in the eyes of the detector; ``None`` when it does not."""
    if isinstance(detect, Baseline):
        return event.outcome if event.outcome in detect.failing else None
    skew = event.probe.clock_skew
    if detect.skewed is not None:
        return "skewed" if skew is not None and abs(skew) > durations.seconds(detect.skewed) else None
    if (detect.by == "probe" and event.probe.reach) or (detect.by == "region" and not event.probe.reach):
        return None
    if detect.bogus and event.dnssec is not None and event.dnssec.status == "bogus":
        return event.dnssec.cause or "bogus"
    if detect.dangling and event.outcome == "nxdomain" and _aliases(event):
        return "dangling"
    return event.outcome if event.outcome in detect.failing else None
