"""What is usual for a zone, hour by hour of the week: learnt from hours in which nothing was found."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from dns_rules.memory import memory_of
from dns_rules.state import MICROS, Usual, micros

if TYPE_CHECKING:
    from dns_rules.inventory import Zone
    from dns_rules.rules import Rule
    from dns_rules.state import ZoneState

#: A value that is further above the median than so many median deviations is none of the usual ones.
DEVIATIONS = 6
#: Of a finding's facts, the level in whole numbers.
LEVEL = "level"
#: Shares are remembered in hundredths of a percent.
UNIT = 10_000
#: Fewer failures in a region are chance, however few were asked there.
LEAST = 3
#: It is over below this part of the threshold.
OVER = 0.7

_MINUTE = 60 * MICROS
_HOUR = 3600 * MICROS
_DAY_HOURS, _WEEK_HOURS = 24, 168
#: What lasts so long is the usual from then on.
_ADOPTED = 24 * _HOUR
#: So many values of an hour make a median; fewer, and the same hour of other days is asked.
_ENOUGH = 3


def hour_of(now: int) -> int:
    """The hour of the step that ends now, in hours since 1970."""
    return (now - 1) // _HOUR


def end_of_hour(now: int) -> int:
    """The first moment that is in another hour."""
    return (hour_of(now) + 1) * _HOUR + 1


def is_unusual(state: ZoneState, key: str, now: int) -> bool:
    """Whether there is a finding of this rule and key, so that the hour is not learnt from."""
    finding = state.active.get(key)
    return finding is not None and now - micros(finding.since) < _ADOPTED


def remember(usual: Usual, value: int, weeks: int) -> None:
    """Keep what an hour was like, of so many weeks."""
    values = usual.hours.setdefault(usual.hour % _WEEK_HOURS, [])
    values.append(value)
    del values[:-weeks]


def typical(state: ZoneState, key: str, now: int, history: int) -> tuple[float, float] | None:
    """The median of what is known under a key of this hour of the week, and the median deviation from it.

    Where too little is known of this hour of the week, this hour of any day is taken; ``None`` while fewer than
    `history` hours are known at all.
    """
    known, hour = memory_of(state).typical, hour_of(now)
    if (found := known.get(key)) is not None and found[0] == hour:
        return found[1]  # an hour is remembered once it is over
    said = median_of(state.usual[key].hours, hour, history)
    known[key] = hour, said
    return said


def median_of(hours: dict[int, list[int]], hour: int, history: int) -> tuple[float, float] | None:
    """As `typical`, of values by hour of the week, for an hour since 1970."""
    values = _values_of(hours, hour, history)
    if not values:
        return None
    normal = median(values)
    return normal, median(abs(value - normal) for value in values)


def _values_of(hours: dict[int, list[int]], hour: int, history: int) -> list[int]:
    if sum(map(len, hours.values())) < history:
        return []
    values = hours.get(hour % _WEEK_HOURS, [])
    if len(values) >= _ENOUGH:
        return values
    of_day = [v for h, listed in sorted(hours.items()) if (h - hour) % _DAY_HOURS == 0 for v in listed]
    return of_day if len(of_day) >= _ENOUGH else [v for _, listed in sorted(hours.items()) for v in listed]


def is_news(state: ZoneState, rule: str, level: int) -> bool:
    """Whether a level is half as much again as the one that was told, or two thirds of it and less."""
    known = state.active.get(f"{rule}\t")
    if known is None:
        return False
    told = max(1, int(known.facts[LEVEL]))
    return not told * 2 < level * 3 < told * 9 / 2


def learn(state: ZoneState, key: str, now: int, value: int, *, weeks: int, most: int) -> bool:
    """Take the newest value of an hour as the hour's; false where a rule has too many keys."""
    hour = hour_of(now)
    usual = state.usual.get(key)
    if usual is None:
        head = key.partition("\t")[0] + "\t"
        if sum(known.startswith(head) for known in state.usual) >= most:
            return False
        usual = state.usual[key] = Usual(hour=hour)
    if usual.hour != hour:
        if usual.total and not usual.spoilt:
            remember(usual, usual.failing, weeks)
        usual.hour, usual.spoilt = hour, False
    usual.total, usual.failing = 1, value
    usual.spoilt = usual.spoilt or is_unusual(state, key, now)
    return True


def is_due(state: ZoneState, rule: str, now: int) -> bool:
    """Whether a minute has passed since a rule was looked at, of which there are tallies."""
    minute = (now - 1) // _MINUTE
    looked = state.usual.get(rule)
    if looked is None:
        if not (state.ring and rule in state.ring[-1][1]):
            return False  # nothing was ever counted
        looked = state.usual[rule] = Usual(hour=-1)
    if looked.hour == minute:
        return False
    looked.hour = minute
    return True


def next_look(state: ZoneState, rule: Rule, _zone: Zone, now: int) -> int:
    """When a rule that looks once a minute will do so again; at every step where it never has."""
    looked = state.usual.get(rule.id)
    return now if looked is None else (looked.hour + 1) * _MINUTE + 1
