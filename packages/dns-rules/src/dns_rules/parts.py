"""A zone's state in three parts, for a store that writes what changed of it: most of it changes seldom.

What events add stands in `Opened`, and changes with each of them. The rest changes as a step ends; but the sealed
tallies, most of a state, only as a block of them is whole.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

import msgspec
from msgspec import Struct

from .errors import StateError
from .state import BLOCK, PACKED, STATE, VERSION, Bucket, Failure, ZoneState, decode, packed, unpacked

#: Of a rest, which is no state by itself: who reads whole states is to refuse it.
_REST = 4
#: Beside a state, neither saved nor compared: that its rest was saved, and is as it was then, and of which blocks.
_SAVED, _BLOCKS = "saved", "blocks"


class Parts(NamedTuple):
    """What is to be written; ``None`` where it was written before, and is so still."""

    opened: bytes
    rest: bytes | None
    blocks: bytes | None


class Opened(Struct):
    """What changes of a `ZoneState` while no step ends."""

    started: int
    sealed: int
    watermark: int
    open: dict[int, Bucket]
    names: dict[str, str]
    probes: dict[str, str]
    idle: int
    late: int
    refused: int
    events: int
    failures: dict[str, Failure]


_OPENED = Opened.__struct_fields__
#: Some of what is in the other part too, for no state is without it.
_RESTING = ("started", "sealed", "watermark", *(n for n in ZoneState.__struct_fields__ if n not in (*_OPENED, "ring")))
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Opened)
_LISTED = msgspec.msgpack.Decoder(list[bytes])


def changed(state: ZoneState) -> None:
    """Say that a step ended, which may change anything."""
    vars(state).pop(_SAVED, None)


def save(state: ZoneState) -> Parts:
    """What changed since it was saved last; all of it at first.

    Who does not write what this gives must not go on with the state: the next call would leave it out.
    """
    known = vars(state)
    opened = _ENCODER.encode({name: getattr(state, name) for name in _OPENED})
    if _SAVED in known:
        return Parts(opened, None, None)
    parts = packed(state)
    newest = state.ring[-1][0] // BLOCK if state.ring else 0
    whole = tuple(key for key in parts if key[0] // BLOCK < newest)
    rest = _ENCODER.encode(
        {name: getattr(state, name) for name in _RESTING}
        | {"version": _REST, "packed": [part for key, part in parts.items() if key[0] // BLOCK >= newest]}
    )
    blocks = None if known.get(_BLOCKS) == whole else _ENCODER.encode([parts[key] for key in whole])
    known[_SAVED], known[_BLOCKS] = True, whole
    return Parts(opened, rest, blocks)


def restore(rest: bytes, blocks: bytes | None, opened: bytes | None) -> ZoneState:
    """Read the newest of each part.

    Args:
        rest: or a whole state, as `encode` made it, without the other two.
        blocks: of the time when they were written last.
        opened: newer than the rest, or written with it.

    Raises:
        StateError: another version's, or damaged.
    """
    if blocks is None or opened is None:
        return decode(rest, ZoneState)
    try:
        state = STATE.decode(rest)
        newer = _DECODER.decode(opened)
        for part in (*_LISTED.decode(blocks), *PACKED.decode(rest).packed):
            state.ring += unpacked(part)
    except (msgspec.DecodeError, zlib.error) as error:
        msg = f"saved state cannot be read: {error}"
        raise StateError(msg) from error
    if state.version != _REST:
        msg = f"saved state is of version {state.version}, a part of one is of version {_REST}"
        raise StateError(msg)
    for name in _OPENED:
        setattr(state, name, getattr(newer, name))
    state.version = VERSION
    return state
