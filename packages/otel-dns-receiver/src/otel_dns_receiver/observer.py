"""This probe: who it is, how far its clock can be believed, and whether it can see at all."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from msgspec import structs

from . import clock
from .errors import ReceiverError
from .sntp import skew

if TYPE_CHECKING:
    from dns_events import Family, Probe

log = logging.getLogger(__name__)

_EVERY = 60.0


class Observer:
    """Gives the probe's own part of every event.

    Args:
        probe: its id, region and network.
        clock_age: seconds since the clock was synchronized, where that is configured; measured otherwise.
    """

    def __init__(self, probe: Probe, clock_age: float | None = None) -> None:
        self._probe = probe
        self._configured = clock_age
        self._read = float("-inf")
        self._said: str | None = None
        self._controls: dict[str, bool] = {}
        self._answered = time.monotonic()
        self._families: dict[Family, float] = {}
        self.blind = False
        """Whether nothing that this probe asks gets an answer, so that its failures say nothing of any domain."""

    def probe(self) -> Probe:
        """This probe, with the age of its clock; the same object until that is read again."""
        now = time.monotonic()
        if now - self._read > _EVERY:
            self._read = now
            age = self._configured if self._configured is not None else clock.age()
            self._probe = structs.replace(self._probe, clock_age=age)
        return self._probe

    async def compare(self, address: str, port: int, timeout: float) -> float | None:
        """Compare the clock with a time server's; every event says the outcome from now on."""
        try:
            lead = await skew(address, port, timeout)
        except ReceiverError as error:
            self._say(str(error))
            lead = None
        else:
            self._say(None)
        self._probe = structs.replace(self._probe, clock_skew=lead)
        return lead

    @property
    def controls(self) -> dict[str, bool]:
        """Whether each resolver answered for the control name the last time."""
        return dict(self._controls)

    def control(self, resolver: str, *, fine: bool) -> None:
        """A resolver answered for the control name, or did not."""
        self._controls[resolver] = fine

    def answered(self, now: float, address: str) -> None:
        """Some server answered something, at this address; monotonic seconds."""
        self._answered = now
        self._families["ipv6" if ":" in address else "ipv4"] = now

    def judge(self, now: float, patience: float, memory: float, *, asking: bool = True) -> bool:
        """Whether this probe is blind: nobody answers it, or no resolver answers for the control name.

        Every event says over which address families it sees, from now on.

        Args:
            now: monotonic seconds.
            patience: seconds without any answer that are no sign yet.
            memory: seconds for which an answer shows that there is a way to servers of its address family.
            asking: whether anybody is asked at all.
        """
        unanswered = asking and now - self._answered > patience
        blind = unanswered or (bool(self._controls) and not any(self._controls.values()))
        if blind != self.blind:
            self.blind = blind
            if blind:
                why = "no server answers" if unanswered else "no resolver answers for the control name"
                log.warning("this probe is blind: %s; look at its own network before any domain", why)
            else:
                log.warning("this probe sees again")
        self._reaches(() if blind else tuple(f for f, when in sorted(self._families.items()) if when >= now - memory))
        return blind

    def _reaches(self, families: tuple[Family, ...]) -> None:
        if self._families or self.blind:  # before the first answer nobody knows
            known = self._probe.reach
            self._probe = self._probe if families == known else structs.replace(self._probe, reach=families)

    def _say(self, text: str | None) -> None:
        if text is not None and text != self._said:
            log.warning("%s", text)
        self._said = text
