"""What was paged then beside what would be paged now. Pure."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dns_rules import Incident

#: Two incidents of a zone and rule that begin further apart are two.
_APART = dt.timedelta(minutes=15)
#: Nobody acts on less.
_ALIKE = dt.timedelta(seconds=5)

Verdict = Literal["same", "earlier", "later", "new", "gone"]


class Comparison(Struct, frozen=True, kw_only=True):
    """One incident in both worlds."""

    verdict: Verdict
    zone: str
    rule: str
    title: str
    then: dt.datetime | None
    """Since when, as it was paged; ``None`` where it was not."""
    now: dt.datetime | None
    """Since when, as it would be paged; ``None`` where it would not."""
    rule_then: str | None = None
    """Where another rule led the incident then."""

    @property
    def shift(self) -> float | None:
        """Seconds by which it would be later; negative is earlier."""
        return None if self.then is None or self.now is None else (self.now - self.then).total_seconds()


def compare(then: Iterable[Incident], now: Iterable[Incident]) -> list[Comparison]:
    """Pair incidents: of one zone and rule first, then of one zone; the ones that begin nearest to each other.

    Args:
        then: incidents that fired, as the store has them.
        now: incidents that fired in the replay.
    """
    left, right = list(then), list(now)
    pairs: list[tuple[Incident, Incident]] = []
    for same_rule in (True, False):
        near = sorted(
            (
                (abs(a.since - b.since), a.id, b.id, a, b)
                for a in left
                for b in right
                if a.zone == b.zone and (a.rule == b.rule or not same_rule) and abs(a.since - b.since) <= _APART
            ),
            key=lambda entry: entry[:3],
        )
        for _, _, _, a, b in near:
            if a in left and b in right:
                pairs.append((a, b))
                left.remove(a)
                right.remove(b)
    found = [_pair(a, b) for a, b in pairs]
    found += [_one("gone", a, then=a.since) for a in left]
    found += [_one("new", b, now=b.since) for b in right]
    return sorted(found, key=lambda c: (c.then or c.now, c.zone, c.rule))


def _pair(then: Incident, now: Incident) -> Comparison:
    shift = now.since - then.since
    verdict: Verdict = "same" if abs(shift) <= _ALIKE else "later" if shift > dt.timedelta(0) else "earlier"
    return Comparison(
        verdict=verdict, zone=now.zone, rule=now.rule, title=now.title, then=then.since, now=now.since,
        rule_then=then.rule if then.rule != now.rule else None,
    )  # fmt: skip


def _one(
    verdict: Verdict, incident: Incident, *, then: dt.datetime | None = None, now: dt.datetime | None = None
) -> Comparison:
    return Comparison(verdict=verdict, zone=incident.zone, rule=incident.rule, title=incident.title, then=then, now=now)
