"""What the judgement remembers. Plain, bounded data that is written with the offsets it belongs to.

Events fill *open buckets* of one step of event time each. A bucket only counts, takes unions and keeps
the latest, so that the order of arrival leaves no trace in it. When the watermark passes a bucket it is
sealed: merged into the zone's state, once, in order. Times are seconds since 1970 as integers of
microseconds, because exact arithmetic keeps replays equal to the byte.
"""

from __future__ import annotations

import datetime as dt
import zlib
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Struct

from .errors import StateError
from .model import Acknowledgement, Finding, Incident, Silence

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Raised with every change of what is saved that an older reader would misread.
VERSION = 3
#: What this one reads. The first had its ring as it is in memory, the second each entry of it by itself.
_WITHOUT_FAILING, _WITHOUT_BLOCKS = 1, 2
_READABLE = (_WITHOUT_FAILING, _WITHOUT_BLOCKS, VERSION)

MICROS = 1_000_000
#: Sealed tallies of so long are saved, and dropped, together.
BLOCK = 120 * MICROS
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

#: Bounds for one zone: what comes beyond is counted in `ZoneState.refused`, never held.
MAX_QUESTIONS = 2_000
MAX_VANTAGES = 2_000
MAX_IDS = 200_000
MAX_EDITS = 32


# Nothing in the many small parts below leads back to them, and so they are no business of the garbage collector
# (`gc=False`).


class Tally(Struct, array_like=True, gc=False):
    """Failures of one rule in one place, as seen from one vantage."""

    total: int = 0
    failing: int = 0
    why: dict[str, int] = {}
    """Outcome or DNSSEC cause of each failure."""
    evidence: tuple[int, str] = (0, "")
    """Time and id of the latest failure."""


class Latest(Struct, array_like=True, gc=False):
    """The newest answer to one question from one vantage."""

    time: int
    id: str
    outcome: str
    answer: str
    """Fingerprint of the answer, or the outcome where there is none."""
    ttl: int | None
    data: tuple[str, ...]
    dnssec: str | None


class Seen(Struct, array_like=True, gc=False):
    """The newest value of one fact as one probe saw it."""

    time: int
    id: str
    value: str


class Edit(Struct, array_like=True, gc=False):
    """An edit of the zone, as its provider's audit log or a transfer told it."""

    time: int
    id: str
    actor: str
    """Empty where nobody knows who it was."""
    added: dict[str, tuple[str, ...]]
    """Data by question; empty with `removed` where only the serial is known."""
    removed: dict[str, tuple[str, ...]]


class Failure(Struct, array_like=True, gc=False):
    """How often a rule could say neither yes nor no, and why."""

    number: int = 0
    time: int = 0
    """Of the newest."""
    text: str = ""
    """The first in the alphabet, so that the order of arrival does not choose."""


#: By key, by vantage (``region\\tprobe\\tserver``).
Places = dict[str, dict[str, Tally]]
#: By rule.
Tallies = dict[str, Places]


class Bucket(Struct, gc=False):
    """One step of event time, open for whatever order events arrive in."""

    ids: set[int] = set()
    tallies: Tallies = {}
    latest: dict[str, dict[str, Latest]] = {}
    """By question (``name/qtype``), by vantage (``region\\trole\\tserver``)."""
    seen: dict[str, dict[str, Seen]] = {}
    """By fact, by probe."""
    heard: dict[str, int] = {}
    """Time of the newest observation, by probe."""
    edits: dict[str, Edit] = {}
    """By id."""
    failing: set[str] = set()
    """Rules in whose eyes something failed."""
    queries: bool = False
    """Whether it has traffic events."""
    over_ipv6: set[str] = set()
    """Regions whose probes other servers answer over IPv6."""
    sight: dict[str, tuple[int, bool]] = {}
    """Time of the newest observation, and whether anybody answers the probe, by probe that says so."""


class Fact(Struct, gc=False):
    """A tracked fact of the zone, by the word of most probes."""

    value: str
    """What it is compared with."""
    since: int
    current: str
    changed: int | None = None
    """When `current` last became another."""
    previous: str | None = None
    restless: int = 0
    """Changes of which each came within a day of the one before."""


class Held(Struct, array_like=True, gc=False):
    """What caches may hold of what was replaced."""

    replaced: int
    until: int


class Usual(Struct, gc=False):
    """What share of the queries one rule counts, hour by hour."""

    hour: int
    """The hour that is being counted, in hours since 1970."""
    total: int = 0
    failing: int = 0
    spoilt: bool = False
    """The rule fired in this hour, which therefore is not learnt from."""
    hours: dict[int, list[int]] = {}
    """Shares in hundredths of a percent by hour of the week, the newest eight of each."""


class Agreement(Struct, gc=False):
    """Whether the regions give one answer to one question, and since when."""

    share: float | None = None
    agreed: int | None = None
    diverged: int | None = None
    ttl: int = 0
    """Largest TTL at the authority while they agreed: how long a cache may hold the old answer."""
    steady: int = 0
    """The longest time for which they agreed before, in microseconds."""
    reference: str = ""
    """The fingerprint of what is published."""
    changed: int = 0
    """Since when it is."""
    stood: int = 0
    """How long what was published before had been."""
    lasts: int = 0
    """For how many seconds caches may hold it, as the authority said last."""
    cached: int = 0
    """Until when caches may hold it from the time at which the authority said something else of that."""
    given: dict[str, int] = {}
    """Since when authoritative servers give what they give, by fingerprint."""
    past: dict[str, int] = {}
    """Until when caches may hold what was published before, by fingerprint."""
    strange: dict[str, int] = {}
    """Since when regions give what was not published, by fingerprint."""
    flips: int = 0
    """Divergences that ended by themselves within the TTL: such a name varies by nature."""


class ZoneState(Struct, dict=True):
    """Everything `judge` remembers of one zone.

    The fields are what is saved. What `memory` works out of them stands in the instance's ``__dict__``, which
    is neither saved nor compared, and is worked out anew after `decode`.
    """

    version: int
    zone: str
    started: int
    """Time of the first evaluation's bucket."""
    sealed: int
    """Everything before this is sealed."""
    watermark: int
    open: dict[int, Bucket] = {}
    ring: list[tuple[int, Tallies]] = []
    """Tallies of sealed buckets, oldest first, as long as the longest window."""
    latest: dict[str, dict[str, Latest]] = {}
    seen: dict[str, dict[str, Seen]] = {}
    facts: dict[str, Fact] = {}
    faulty: dict[str, dict[str, int]] = {}
    """Servers that have a fault in the eyes of most probes, and since when, by fault."""
    held: dict[str, dict[str, Held]] = {}
    """DS and DNSKEY sets that were replaced, by fact and value."""
    agreement: dict[str, Agreement] = {}
    usual: dict[str, Usual] = {}
    """By rule."""
    names: dict[str, str] = {}
    """Name server name by address."""
    probes: dict[str, str] = {}
    """Region by probe id."""
    heard: dict[str, int] = {}
    """Time of the newest observation, by probe; those of a day ago are forgotten."""
    paces: dict[str, int] = {}
    """About how long it is from one observation to the next, by probe."""
    interval: int = 0
    """About how long it is from one answer of a vantage to a question to the next one; 0 while nobody knows."""
    edits: list[Edit] = []
    """The newest ones, the oldest first."""
    reached: list[str] = []
    """Regions to which an authoritative server of the zone ever answered, or any server over IPv6, which is apart
    (`vantage.way`). The others may have no way there."""
    blind: list[str] = []
    """Probes that said in their newest observation that nobody answers them."""
    secure: bool = False
    """Whether the zone was ever seen secure."""
    queries: bool = False
    """Whether anybody ever told of queries that its servers are asked."""
    active: dict[str, Finding] = {}
    """By ``rule\\tkey``."""
    idle: int = 0
    """Before this time rules would say nothing new as long as nothing is seen."""
    late: int = 0
    refused: int = 0
    events: int = 0
    failures: dict[str, Failure] = {}
    """By rule."""


def fail(state: ZoneState, rule: str, text: str, time: int) -> None:
    """Count that a rule could not be evaluated; all others go on."""
    known = state.failures.setdefault(rule, Failure(text=text))
    known.number += 1
    known.time = max(known.time, time)
    known.text = min(known.text, text)


class OpenIncident(Struct):
    """An incident that is not resolved yet."""

    incident: Incident
    leader: str
    due: int
    """When a pending incident fires."""
    active: dict[str, Finding] = {}
    cleared: int | None = None
    """When its last finding was cleared."""
    zones: list[str] = []
    """Zones that share the cause with the incident's own."""
    causes: dict[str, list[str]] = {}
    """Servers by why they fail, of the leading rule's findings; for rules whose cause zones can share."""
    told: int | None = None
    """When it was last passed on."""
    enough: int | None = None
    """When as many zones shared it as have to, before anybody is told."""
    untold: bool = False
    """Something changed since."""
    fired: int | None = None
    """When it did, for a page."""
    call: int | None = None
    """When somebody is to be called next."""
    step: int = 0
    """How many teams of its owner's escalation were called since its owner was."""
    old: bool = False
    """It is one step graver, for it has been firing for so long."""
    over: list[str] = []
    """Rule and key of findings that were cleared."""
    ending: str = ""
    """How the last of them ended."""


class CorrelationState(Struct):
    """Everything `correlate` remembers."""

    version: int = VERSION
    open: dict[str, list[OpenIncident]] = {}
    """By zone."""
    joined: dict[str, list[str]] = {}
    """Zone to the zones under which the incidents stand that it shares."""
    drills: dict[str, tuple[int, int | None]] = {}
    """Zones that are broken on purpose, from and until when."""
    silences: list[Silence] = []
    acknowledged: dict[str, Acknowledgement] = {}
    """By incident."""
    ended: dict[str, list[int]] = {}
    """When incidents of the last hours that somebody was called for were over, by ``zone\trule``."""
    waiting: list[Finding] = []
    """Findings that a slower partition may still have earlier ones than."""


_ENCODER = msgspec.msgpack.Encoder()
S = TypeVar("S", ZoneState, CorrelationState)


class Packed(Struct):
    """What is not saved as it is in memory."""

    packed: list[bytes] = []
    """The entries of `ZoneState.ring` in parts, each compressed by itself."""


#: Made here and not in `decode`: a type that two threads meet first in the same moment ends the process (msgspec 0.22
#: shows each of them what the other one has half done).
STATE = msgspec.msgpack.Decoder(ZoneState)
_STATES: dict[type, msgspec.msgpack.Decoder[Any]] = {
    ZoneState: STATE,
    CorrelationState: msgspec.msgpack.Decoder(CorrelationState),
}
PACKED = msgspec.msgpack.Decoder(Packed)
_ENTRY = msgspec.msgpack.Decoder(tuple[int, Tallies])
_PART = msgspec.msgpack.Decoder(list[tuple[int, Tallies]])


def encode(state: ZoneState | CorrelationState) -> bytes:
    """The state as bytes (MessagePack)."""
    if not isinstance(state, ZoneState):
        return _ENCODER.encode(state)
    fields = {name: getattr(state, name) for name in state.__struct_fields__}
    return _ENCODER.encode(fields | {"version": VERSION, "ring": (), "packed": list(packed(state).values())})


def packed(state: ZoneState) -> dict[tuple[int, int], bytes]:
    """The ring in parts, by the times of the first and the last entry of each."""
    # Sealed tallies are most of a state and never change, so that each part is packed once.
    known: dict[tuple[int, int], bytes] = vars(state).get("packed", {})
    parts = {(part[0][0], part[-1][0]): part for part in _parts(state.ring)}
    found = vars(state)["packed"] = {key: known.get(key) or _pack(part) for key, part in parts.items()}
    return found


def unpacked(part: bytes) -> list[tuple[int, Tallies]]:
    """The entries of one part."""
    return _PART.decode(zlib.decompress(part))


def _parts(ring: list[tuple[int, Tallies]]) -> Iterator[list[tuple[int, Tallies]]]:
    """Whole blocks, and one by one what the newest has so far."""
    for block, entries in groupby(ring, lambda entry: entry[0] // BLOCK):
        if block < ring[-1][0] // BLOCK:
            yield list(entries)
        else:
            yield from ([entry] for entry in entries)


def _pack(part: list[tuple[int, Tallies]]) -> bytes:
    return zlib.compress(_ENCODER.encode(part), level=1 if len(part) == 1 else 6)


def decode(data: bytes, kind: type[S]) -> S:
    """Read saved state.

    Raises:
        StateError: another version's, or damaged.
    """
    try:
        state: S = _STATES[kind].decode(data)
        if isinstance(state, ZoneState):
            for part in PACKED.decode(data).packed:
                alone = state.version == _WITHOUT_BLOCKS
                state.ring += [_ENTRY.decode(zlib.decompress(part))] if alone else unpacked(part)
    except (msgspec.DecodeError, zlib.error) as error:
        msg = f"saved state cannot be read: {error}"
        raise StateError(msg) from error
    if state.version not in _READABLE:
        msg = f"saved state is of version {state.version}, this one reads {' and '.join(map(str, _READABLE))}"
        raise StateError(msg)
    if state.version == _WITHOUT_FAILING and isinstance(state, ZoneState):
        for bucket in state.open.values():
            bucket.failing = failing(bucket.tallies)
    state.version = VERSION
    return state


def failing(tallies: Tallies) -> set[str]:
    """Rules in whose eyes something failed."""
    return {
        rule
        for rule, places in tallies.items()
        if any(tally.failing for vantages in places.values() for tally in vantages.values())
    }


def micros(time: dt.datetime) -> int:
    """Microseconds since 1970."""
    # By parts, for dividing by a microsecond takes twice as long.
    since = time - _EPOCH
    return (since.days * 86_400 + since.seconds) * MICROS + since.microseconds


def moment(time: int) -> dt.datetime:
    """The time of microseconds since 1970."""
    return _EPOCH + dt.timedelta(microseconds=time)
