"""A key rollover that goes too fast: what caches still hold does not fit the keys of now.

Validators keep a DS set and a DNSKEY set for their TTLs. A set that was replaced must therefore have a key in common
with what is published, until the last cache has dropped it (RFC 7583 §2 and §3.3, RFC 6781 §4.1). Whoever looks afresh
sees nothing wrong; users fail as soon as their resolvers ask for something new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns_rules import words
from dns_rules.facts import SEPARATOR
from dns_rules.model import Offender
from dns_rules.rules import Rollover
from dns_rules.state import MICROS, Held, moment

from .condition import NEVER, Condition, Reading, standing
from .voices import of_fact

if TYPE_CHECKING:
    from dns_rules.inventory import Zone
    from dns_rules.rules import Rule
    from dns_rules.state import Fact, ZoneState

    from .voices import Voices

#: The sets of which is remembered what they were, and where in what is tracked of each the key tag stands.
ROLLED = {"ds": 0, "dnskey": 3}
_ZONE_KEY = "256"
#: So many of a set's former values are remembered.
_MOST = 8
_LABELS = {"ds": "DS", "dnskey": "DNSKEY"}


def hold(state: ZoneState, name: str, value: str, now: int) -> None:
    """Remember for how long caches may hold a set that is replaced now; nothing where nobody knows its TTL.

    Nor of a DS set that had no key: whoever holds it fails since it was there, and its end is the mend.
    """
    ttl = state.facts.get(f"{name}_ttl")
    held = {known: one for known, one in state.held.get(name, {}).items() if one.until > now}
    if ttl is not None and value and _was_right(state, name, value, now):
        held[value] = Held(now, now + int(ttl.current) * MICROS)
    state.held[name] = dict(list(held.items())[-_MOST:])


def _was_right(state: ZoneState, name: str, value: str, now: int) -> bool:
    """Whether the DS set and the keys had one in common, as they were before this step."""
    other = state.facts.get("ds" if name == "dnskey" else "dnskey")
    if other is None:
        return False
    beside = (other.previous or "") if other.changed == now else other.current
    ds, keys = (beside, value) if name == "dnskey" else (value, beside)
    return not _tags("ds", ds).isdisjoint(_tags("dnskey", keys))


def detect(state: ZoneState, rule: Rule, _zone: Zone, now: int) -> Reading:
    """See `dns_rules.detectors.condition.Detect`."""
    assert isinstance(rule.detect, Rollover)
    keys = state.facts.get("dnskey")
    if keys is None or not state.held:
        return Reading({}, frozenset())
    active = standing(state, rule)
    holds: dict[str, Condition] = {}
    for name in ROLLED:
        unfit = [
            (one.until, value)
            for value, one in state.held.get(name, {}).items()
            if one.until > now and not _fits(name, value, keys.current)
        ]
        voices = of_fact(state, "dnskey", keys.current)
        if unfit and (name in active or voices.suffice(rule.detect.probes)):
            holds[name] = _condition(state, name, max(unfit)[1], keys, voices)
    return Reading(holds, frozenset(ROLLED) - holds.keys())


def due(state: ZoneState, _rule: Rule, _zone: Zone, now: int) -> int:
    """When there is something to say, as long as no fact changes: now, if caches hold what does not fit, or never."""
    keys = state.facts.get("dnskey")
    unfit = keys is not None and any(
        one.until > now and not _fits(name, value, keys.current)
        for name in ROLLED
        for value, one in state.held.get(name, {}).items()
    )
    return now if unfit else NEVER


def _condition(state: ZoneState, name: str, value: str, keys: Fact, voices: Voices) -> Condition:
    held = state.held[name][value]
    since = keys.since if keys.changed is None else keys.changed
    old = words.listing(f"key {tag}" for tag in sorted(_tags(name, value)))
    new = words.listing(f"key {tag}" for tag in sorted(_tags("dnskey", keys.current))) or "none"
    return Condition(
        where=Offender(regions=voices.regions),
        what=f"the {words.fact(name)} had {old} until {moment(held.replaced):%H:%M:%S}Z, which caches may hold until "
        f"{moment(held.until):%Y-%m-%d %H:%M}Z; the zone's keys since {moment(since):%H:%M:%S}Z: {new}",
        facts={
            "regions": words.regions(voices.regions, voices.known),
            "names": _LABELS[name],
            "before": old,
            "after": new,
            "why": _clock(held.until, since),
            "count": str(voices.number),
            "total": str(voices.asked),
        },
        confidence=0.9,
        evidence=voices.evidence,
        since=max(held.replaced, since),
    )


def _clock(time: int, now: int) -> str:
    """A time, with its day where that is another one."""
    return f"{moment(time):%H:%M}Z" if moment(time).date() == moment(now).date() else f"{moment(time):%Y-%m-%d %H:%M}Z"


def _fits(name: str, value: str, keys: str) -> bool:
    """Whether who holds a former set can validate with the keys of now.

    Of a DS set one key must still be there. Of a DNSKEY set one must be among those that sign the zone, which are the
    zone signing keys where there are any (RFC 4034 §2.1.1); a zone that is signed no more asks for none.
    """
    if name == "ds":
        return not _tags(name, value).isdisjoint(_tags("dnskey", keys))
    signing = [item for item in keys.split(SEPARATOR) if item.startswith(_ZONE_KEY)] or keys.split(SEPARATOR)
    return not keys or not _tags(name, value).isdisjoint(_tags(name, SEPARATOR.join(signing)))


def _tags(name: str, value: str) -> set[str]:
    """Key tags of a set; `intake` has written it, record by record."""
    place = ROLLED[name]
    return {parts[place] for item in value.split(SEPARATOR) if len(parts := item.split()) > place}
