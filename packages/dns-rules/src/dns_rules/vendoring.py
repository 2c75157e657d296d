"""A copy of the packaged rules and runbooks in somebody's own repository, and later its update.

The copy knows what it was copied from (``vendored.json``: version and SHA-256 of each file), so that an update replaces
what nobody touched, keeps what somebody changed, and says so.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from .errors import RulesError
from .packs import load_rules
from .replacing import replacing
from .rules import PACKAGED

if TYPE_CHECKING:
    from pathlib import Path

_FOLDERS = {"stream": "*.yaml", "runbooks": "*.md"}
_RECORD = "vendored.json"


class Record(Struct, frozen=True, kw_only=True):
    """``vendored.json``."""

    version: str
    files: dict[str, str]
    """SHA-256 by path."""


class Copied(Struct, frozen=True, kw_only=True):
    """What became of one file."""

    path: str
    what: Literal["added", "updated", "removed", "kept"]
    """``kept``: it was changed here and in the pack, or changed here and is no more in the pack."""


def vendor(folder: Path) -> list[Copied]:
    """Copy the packaged pack, or bring an earlier copy up to date; what is as it should be is not told.

    Raises:
        RulesError: there are files that no copy of ours made, or the record cannot be read.
        OSError: the folder cannot be written.
    """
    known = _read(folder)
    source = PACKAGED.parent
    wanted = {
        f"{name}/{path.name}": path.read_bytes()
        for name, pattern in _FOLDERS.items()
        for path in sorted((source / name).glob(pattern))
    }
    done: list[Copied] = []
    digests: dict[str, str] = {}
    for name, content in wanted.items():
        target, new = folder / name, _digest(content)
        here = _digest(target.read_bytes()) if target.exists() else None
        digests[name] = new
        if here == new:
            continue
        if here is None and name not in known:
            done.append(Copied(path=name, what="added"))
        elif here is not None and here == known.get(name):
            done.append(Copied(path=name, what="updated"))
        else:
            # Changed or taken away here: that stays, and is told where the pack has something newer.
            digests[name] = known.get(name, new)
            if known.get(name) != new:
                done.append(Copied(path=name, what="kept"))
            continue
        _write(target, content)
    for name in sorted(set(known) - set(wanted)):
        target = folder / name
        if target.exists() and _digest(target.read_bytes()) == known[name]:
            target.unlink()
            done.append(Copied(path=name, what="removed"))
        elif target.exists():
            done.append(Copied(path=name, what="kept"))
    record = Record(version=load_rules().version, files=digests)
    _write(folder / _RECORD, msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
    return done


def _read(folder: Path) -> dict[str, str]:
    path = folder / _RECORD
    if path.exists():
        try:
            return msgspec.json.decode(path.read_bytes(), type=Record).files
        except msgspec.DecodeError as error:
            msg = f"{path}: {error}; take it back from version control"
            raise RulesError(msg) from error
    if strangers := [name for name in _FOLDERS if (folder / name).exists()]:
        msg = f"{folder / strangers[0]} is there, and was not made by this command; write another folder"
        raise RulesError(msg)
    return {}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as new:
        new.write_bytes(content)
