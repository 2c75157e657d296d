"""Lines of query logs, read. Pure: a parser is a callable from a line to what it says, or ``None``."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from dns_events import DnsEventsError, normalize

if TYPE_CHECKING:
    from collections.abc import Callable

    from dns_events import Outcome

    Parser = Callable[[str], "Line | None"]

_OUTCOMES: dict[str, Outcome] = {
    "NOERROR": "answer", "NXDOMAIN": "nxdomain", "SERVFAIL": "servfail", "REFUSED": "refused", "NODATA": "nodata",
}  # fmt: skip
_MOST_OPEN = 10_000


class Line(NamedTuple):
    """What one line says of one lookup."""

    kind: Literal["query", "reply", "failure"]
    """A question, an answer to it, or a failure that is reported besides."""
    name: str
    """Canonical."""
    qtype: str
    outcome: Outcome | None = None
    rcode: str | None = None
    client: str | None = None
    time: float | None = None
    """Seconds since 1970, where the line says it beyond doubt."""
    duration: float | None = None
    """Seconds."""


def line(
    kind: Literal["query", "reply", "failure"],
    name: str,
    qtype: str,
    rcode: str | None = None,
    client: str | None = None,
    time: float | None = None,
    duration: float | None = None,
) -> Line | None:
    """A line from the words in it; ``None`` where the name is none."""
    try:
        canonical = normalize(name or ".")
    except DnsEventsError:
        return None
    outcome = None if rcode is None else _OUTCOMES.get(rcode.upper(), "error")
    said = None if rcode is None or rcode.upper() == "NODATA" else rcode.upper()
    return Line(kind, canonical, qtype.upper() or "A", outcome, said, client, time, duration)


_BIND = re.compile(
    r"client (?:@\S+ )?(?P<client>[0-9a-fA-F.:%]+)#\d+ \(\S+\): (?:view \S+: )?"
    r"(?:query: (?P<name>\S+) \S+ (?P<qtype>\S+) "
    r"|query failed \((?P<why>[A-Z]+)\) for (?P<failed>\S+)/\S+/(?P<failed_type>\S+) at)"
)
_BIND_TIME = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?)")


def bind(text: str) -> Line | None:
    """BIND's categories ``queries`` and ``query-errors``."""
    found = _BIND.search(text)
    if found is None:
        return None
    time = _iso(text)
    if found["name"] is not None:
        return line("query", found["name"], found["qtype"], None, found["client"], time)
    return line("failure", found["failed"], found["failed_type"], found["why"], found["client"], time)


_UNBOUND = re.compile(
    r"info: (?P<client>[0-9a-fA-F.:]+) (?P<name>\S+) (?P<qtype>[A-Z0-9]+) (?:IN|CH|HS|CLASS\d+)"
    r"(?: (?P<rcode>[A-Z]+) (?P<duration>\d+\.\d+) [01] \d+)?(?:$| )"
)
_EPOCH = re.compile(r"^\[(\d{9,11})\]")


def unbound(text: str) -> Line | None:
    """Unbound's ``log-replies`` and ``log-queries``."""
    found = _UNBOUND.search(text)
    if found is None:
        return None
    stamp = _EPOCH.match(text)
    return line(
        "query" if found["rcode"] is None else "reply",
        found["name"],
        found["qtype"],
        found["rcode"],
        found["client"],
        float(stamp[1]) if stamp else _iso(text),
        None if found["duration"] is None else float(found["duration"]),
    )


_COREDNS = re.compile(
    r"\[?(?:INFO|ERROR)\]? \[?(?P<client>[0-9a-fA-F.:]+)\]?:\d+ - \d+ "
    r'"(?P<qtype>\S+) \S+ (?P<name>\S+) (?:udp|tcp|tls|https|quic|grpc) \d+ \S+ \d+" '
    r"(?P<rcode>[A-Z-]+) \S+ \d+ (?P<duration>\d+(?:\.\d+)?(?:e-\d+)?)s"
)


def coredns(text: str) -> Line | None:
    """CoreDNS' plugin ``log`` in its common format."""
    found = _COREDNS.search(text)
    if found is None or found["rcode"] == "-":
        return None
    return line(
        "reply", found["name"], found["qtype"], found["rcode"], found["client"], _iso(text), float(found["duration"])
    )


_DNSMASQ = re.compile(
    r"dnsmasq\[\d+\]: (?:(?P<serial>\d+) (?P<who>[0-9a-fA-F.:]+)/\d+ )?"
    r"(?:query\[(?P<qtype>\S+)\] (?P<name>\S+) from (?P<client>\S+)"
    r"|(?P<how>\S+) (?P<about>\S+) is (?P<what>\S+))"
)
_DNSMASQ_DENIALS = {"NXDOMAIN": "NXDOMAIN", "SERVFAIL": "SERVFAIL", "REFUSED": "REFUSED"}


class Dnsmasq:
    """dnsmasq's ``log-queries``; with ``log-queries=extra`` answers are known, for lines then carry a number."""

    def __init__(self) -> None:
        self._open: dict[str, Line] = {}

    def __call__(self, text: str) -> Line | None:
        """Read one line. An answer is told once, under the question that was asked."""
        found = _DNSMASQ.search(text)
        if found is None:
            return None
        serial = found["serial"]
        if found["name"] is not None:
            asked = line("query", found["name"], found["qtype"], None, found["client"])
            if serial is not None and asked is not None:
                if len(self._open) >= _MOST_OPEN:
                    self._open.pop(next(iter(self._open)))
                self._open[serial] = asked
            return asked
        if serial is None or (open_ := self._open.pop(serial, None)) is None:
            return None
        what = found["what"]
        if what == "<CNAME>":
            self._open[serial] = open_  # the end of the alias is still to come
            return None
        rcode = "NODATA" if what.startswith("NODATA") else _DNSMASQ_DENIALS.get(what, "NOERROR")
        return line("reply", open_.name, open_.qtype, rcode, open_.client)


class Pattern:
    """A log of one's own, by a pattern with the named group ``name``.

    It may have ``qtype``, ``client``, ``rcode``, ``duration`` (seconds) and ``time`` (RFC 3339, or seconds since 1970).

    Raises:
        ValueError: the pattern cannot be used.
    """

    _KNOWN = frozenset({"name", "qtype", "client", "rcode", "duration", "time"})

    def __init__(self, pattern: str) -> None:
        try:
            self._pattern = re.compile(pattern)
        except re.error as error:
            raise ValueError(f"pattern: {error} at position {error.pos}; see Python's re") from error
        groups = set(self._pattern.groupindex)
        if "name" not in groups:
            raise ValueError("pattern: no group (?P<name>...); it is where the name in the question stands")
        if unknown := groups - self._KNOWN:
            raise ValueError(f"pattern: group {min(unknown)!r} means nothing; known are {sorted(self._KNOWN)}")

    def __call__(self, text: str) -> Line | None:
        """Read one line."""
        found = self._pattern.search(text)
        if found is None:
            return None
        words = found.groupdict()
        return line(
            "reply" if words.get("rcode") else "query",
            words["name"] or "",
            words.get("qtype") or "A",
            words.get("rcode"),
            words.get("client"),
            _time(words.get("time")),
            _number(words.get("duration")),
        )


def _iso(text: str) -> float | None:
    found = _BIND_TIME.match(text)
    return None if found is None else _time(found[1])


def _time(text: str | None) -> float | None:
    """RFC 3339 or seconds since 1970. Without a zone it is this machine's time, as log files have it."""
    if text is None:
        return None
    if (number := _number(text)) is not None:
        return number if number > 1e8 else None
    try:
        return dt.datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < 1e12 else None
