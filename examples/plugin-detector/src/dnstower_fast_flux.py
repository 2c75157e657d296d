"""Names that are answered with very many addresses: a fast flux, or records that an automat has lost count of.

Paste into a rule::

    detect:
      detector: fast_flux
      options: {most: 8}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from dns_rules.detectors.condition import Condition, Reading
from dns_rules.model import Offender

if TYPE_CHECKING:
    from dns_rules import Rule, Zone, ZoneState


class FastFlux(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of `options` are its fields; being called is all that it does."""

    most: int = 8
    """More addresses of one name are too many."""

    def __call__(self, state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
        """Look at the latest answers of every vantage to every question."""
        holds, cleared = {}, set()
        for question, vantages in state.latest.items():
            name, _, qtype = question.rpartition("/")
            addresses = {address for latest in vantages.values() for address in latest.data}
            if qtype not in {"A", "AAAA"} or len(addresses) <= self.most:
                cleared.add(question)
                continue
            holds[question] = Condition(
                where=Offender(names=(name,)),
                what=f"{name} {qtype} was answered with {len(addresses)} addresses",
                facts={"names": f"{name} {qtype}", "count": str(len(addresses)), "total": str(self.most)},
                evidence=tuple(sorted(latest.id for latest in vantages.values()))[:5],
            )
        return Reading(holds, frozenset(cleared))
