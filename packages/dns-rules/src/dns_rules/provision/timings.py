"""Mute timings: hours in which a team is called for what is critical alone, and change windows of a zone.

Their form is Alertmanager's time interval (https://prometheus.io/docs/alerting/latest/configuration/#time_interval):
days of the week or dates, and times of a day in whole minutes, to ``24:00`` at most.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, get_args

from dns_events import durations

from dns_rules.inventory import Day

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dns_rules.inventory import Change, Hours

DAYS: tuple[Day, ...] = get_args(Day)
_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = 24 * 60
_BYDAY = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
#: Windows of more days are left out: a mute of a season is no window.
_MOST_DAYS = 62

#: For each day of the week the minutes from and to.
Week = tuple[tuple[tuple[int, int], ...], ...]


def hours(worked: Hours, *, off: bool) -> tuple[dict[str, Any], ...]:
    """When a team works, or, with `off`, when it does not."""
    begin, end = (_minutes(text) for text in (worked.from_, worked.to))
    starts = [(DAYS.index(day), begin) for day in worked.days]
    week = _week(starts, (end - begin) % _DAY or _DAY)
    return _intervals(_complement(week) if off else week, worked.timezone)


def window(change: Change) -> tuple[dict[str, Any], ...] | None:
    """A change window; ``None`` for one that has no such form."""
    if change.start is not None and change.end is not None:
        return _once(change.start, change.end)
    return _recurring(str(change.schedule), durations.seconds(str(change.duration)))


def _once(start: dt.datetime, end: dt.datetime) -> tuple[dict[str, Any], ...] | None:
    start, end = (time.astimezone(dt.UTC) for time in (start, end))
    if end - start > dt.timedelta(days=_MOST_DAYS):
        return None
    found = []
    day = start.date()
    while dt.datetime.combine(day, dt.time(), dt.UTC) < end:
        midnight = dt.datetime.combine(day, dt.time(), dt.UTC)
        first = max(0, int((start - midnight).total_seconds() // 60))
        last = min(_DAY, -int(-(end - midnight).total_seconds() // 60))
        found.append(
            {"times": [_span(first, last)], "days_of_month": [str(day.day)], "months": [str(day.month)],
             "years": [str(day.year)], "location": "UTC"}
        )  # fmt: skip
        day += dt.timedelta(days=1)
    return tuple(found)


def _recurring(schedule: str, seconds: float) -> tuple[dict[str, Any], ...] | None:
    """A week's RRULE: daily, or weekly by days, at whole minutes."""
    try:
        parts = dict(part.split("=", 1) for part in schedule.removeprefix("RRULE:").upper().split(";"))
        frequency, interval = parts.pop("FREQ"), parts.pop("INTERVAL", "1")
        days = [_BYDAY.index(day) for day in parts.pop("BYDAY").split(",")] if "BYDAY" in parts else None
        clock = [
            60 * int(hour) + int(minute)
            for hour in parts.pop("BYHOUR", "0").split(",")
            for minute in parts.pop("BYMINUTE", "0").split(",")
        ]
    except (ValueError, KeyError):
        return None
    if parts or interval != "1" or frequency not in {"DAILY", "WEEKLY"} or seconds > _DAY * 60:
        return None
    if days is None:
        days = list(range(7)) if frequency == "DAILY" else [0]  # `inventory.occurrences` counts from a Monday
    return _intervals(_week([(day, minute) for day in days for minute in clock], -int(-seconds // 60)), "UTC")


def _week(starts: Iterable[tuple[int, int]], minutes: int) -> Week:
    days: list[list[tuple[int, int]]] = [[] for _ in DAYS]
    for day, begin in starts:
        end = begin + minutes
        days[day].append((begin, min(end, _DAY)))
        if end > _DAY:
            days[(day + 1) % 7].append((0, end - _DAY))
    return tuple(tuple(_merged(spans)) for spans in days)


def _merged(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    begin, end = -1, -1
    for first, last in sorted(spans):
        if first > end:
            if end >= 0:
                yield begin, end
            begin, end = first, last
        else:
            end = max(end, last)
    if end >= 0:
        yield begin, end


def _complement(week: Week) -> Week:
    found = []
    for spans in week:
        edges = [0, *(edge for span in spans for edge in span), _DAY]
        pairs = zip(edges[::2], edges[1::2], strict=True)
        found.append(tuple((begin, end) for begin, end in pairs if begin < end))
    return tuple(found)


def _intervals(week: Week, location: str) -> tuple[dict[str, Any], ...]:
    """Days of the same times together."""
    groups: dict[tuple[tuple[int, int], ...], list[str]] = {}
    for name, spans in zip(_NAMES, week, strict=True):
        if spans:
            groups.setdefault(spans, []).append(name)
    return tuple(
        {"times": [_span(*span) for span in spans], "weekdays": days, "location": location}
        for spans, days in groups.items()
    )


def _span(first: int, last: int) -> dict[str, str]:
    return {"start_time": f"{first // 60:02}:{first % 60:02}", "end_time": f"{last // 60:02}:{last % 60:02}"}


def _minutes(text: str) -> int:
    hour, minute = text.split(":")
    return 60 * int(hour) + int(minute)
