"""What a running job is told over its control topic: inventory, rules, deeds of people, and the time. No Flink in it.

The topic is compacted and has one partition. A message's key says what it is, and the newest of each key counts.
Its header ``ce_time`` is the time up to which everything that was seen is on the bus: where no events come, time passes
by it.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec
from msgspec import Struct

from dns_rules.errors import RulesError
from dns_rules.inventory import Inventory
from dns_rules.model import Acknowledgement, Silence
from dns_rules.rules import Rule, Rules

if TYPE_CHECKING:
    from dns_rules.engine import Correlation

Key = Literal["inventory", "rules", "deeds", "clock"]
T = TypeVar("T")


class Pack(Struct, frozen=True, kw_only=True):
    """A rule pack as it travels: whole, without the folders that it was read from."""

    name: str
    version: str
    step: float
    lateness: float
    rules: tuple[Rule, ...]


class Deeds(Struct, frozen=True, kw_only=True):
    """What people have said: drills, silences, and which incidents they have taken on."""

    drills: dict[str, tuple[dt.datetime, dt.datetime | None]] = {}
    """By zone, from when until when."""
    silences: tuple[Silence, ...] = ()
    acknowledged: dict[str, Acknowledgement] = {}
    """By the incident's id."""

    def tell(self, correlation: Correlation) -> None:
        """Have a correlation go by them."""
        correlation.set_drills(self.drills)
        correlation.set_silences(self.silences)
        correlation.set_acknowledged(self.acknowledged)


# Here, for both functions are told in the same moment, each in a thread of its own (see `state.STATE`).
_INVENTORY = msgspec.json.Decoder(Inventory)
_PACK = msgspec.json.Decoder(Pack)
_DEEDS = msgspec.json.Decoder(Deeds)


def of_inventory(inventory: Inventory) -> tuple[Key, bytes]:
    """The message that says what is watched."""
    return "inventory", msgspec.json.encode(inventory)


def of_rules(rules: Rules) -> tuple[Key, bytes]:
    """The message that says by which rules."""
    pack = Pack(
        name=rules.name, version=rules.version, step=rules.step, lateness=rules.lateness, rules=rules.rules
    )  # fmt: skip
    return "rules", msgspec.json.encode(pack)


def of_deeds(deeds: Deeds) -> tuple[Key, bytes]:
    """The message that says what people did."""
    return "deeds", msgspec.json.encode(deeds)


def of_clock() -> tuple[Key, bytes]:
    """The message that says nothing but its time."""
    return "clock", b"{}"


class Told:
    """What was told so far. Nothing is judged before both inventory and rules are there."""

    def __init__(self) -> None:
        self.inventory: Inventory | None = None
        self.rules: Rules | None = None
        self.deeds = Deeds()

    def take(self, key: str, value: bytes) -> bool:
        """Go by one message; returns whether it is to be kept. Unknown keys are a newer sender's.

        Raises:
            RulesError: it cannot be read.
        """
        if key == "inventory":
            self.inventory = _decoded(key, value, _INVENTORY)
        elif key == "rules":
            pack = _decoded(key, value, _PACK)
            self.rules = Rules(
                rules=pack.rules, name=pack.name, version=pack.version, step=pack.step, lateness=pack.lateness
            )
        elif key == "deeds":
            self.deeds = _decoded(key, value, _DEEDS)
        else:
            return False
        return True


def _decoded(key: str, value: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        return decoder.decode(value)
    except msgspec.DecodeError as error:
        msg = f"control message `{key}` cannot be read: {error}; `dns-rules flink control` writes one"
        raise RulesError(msg) from error


def header(time: dt.datetime) -> tuple[str, bytes]:
    """The header with a message's time."""
    return "ce_time", time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
