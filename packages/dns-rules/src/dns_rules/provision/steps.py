"""What is to be done in a Grafana, as people read it and as it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = Literal["folder", "permissions", "dashboard", "rule", "contact-point", "mute-timing", "policy"]


class Step(Struct, frozen=True, kw_only=True):
    """One thing that is to be done, or that is in the way."""

    do: Literal["create", "update", "delete", "refuse"]
    kind: Kind
    uid: str
    title: str
    why: str = ""

    def __str__(self) -> str:
        sign = {"create": "+", "update": "~", "delete": "-", "refuse": "!"}[self.do]
        return f"{sign} {self.kind} {self.uid} ({self.title}){f': {self.why}' if self.why else ''}"


class Planned(NamedTuple):
    """A step, and the deed."""

    step: Step
    deed: Callable[[], object]


def refused(kind: Kind, uid: str, title: str, why: str) -> Planned:
    """What is in the way."""
    return Planned(Step(do="refuse", kind=kind, uid=uid, title=title, why=why), lambda: None)
