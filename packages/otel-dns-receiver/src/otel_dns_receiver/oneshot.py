"""Validation for a single question from the command line: one walk, no memory."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dns_events.names import parse

from .dnssec.chain import Chain
from .dnssec.trust import Trust
from .errors import DiscoveryError
from .reach import Reach
from .resolve.roots import load_anchors, load_hints
from .resolve.walk import Walker

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)


class Validation:
    """Walks from the root hints to a zone and gives its keys."""

    def __init__(self, trust_anchor: Path | None, root_hints: Path | None, timeout: float) -> None:
        anchors = load_anchors(None if trust_anchor is None else str(trust_anchor))
        hints = load_hints(None if root_hints is None else str(root_hints))
        self._walker = Walker(hints, anchors, timeout, Reach(), remember=60)

    async def trust(self, zone: str) -> Trust:
        """The zone's keys; indeterminate, and said, where the walk does not arrive."""
        try:
            return Trust((await self._walker.find(parse(zone))).chain)
        except DiscoveryError as error:
            log.warning("cannot validate: %s", error)
            return Trust(Chain(parse(zone), "indeterminate"))
