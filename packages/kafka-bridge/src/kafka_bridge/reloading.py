"""Inventory and rules on disk: a change takes effect without a restart and is recorded; a broken one does not."""

from __future__ import annotations

import hashlib
import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from dns_rules import load_inventory, load_rules
from dns_rules.errors import RulesError

from kafka_bridge.setback import setback

from . import audit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dns_rules import Inventory, Rules

    from .store.pool import Pool

log = logging.getLogger(__name__)

_LOOK_EVERY = 2.0
#: Of the names in an audit entry; the rest is a number.
_NAMED = 50


class Watched(NamedTuple):
    """What the judgement goes by."""

    inventory: Inventory
    rules: Rules


class Reloading:
    """Looks at the files every few seconds, and at once when asked.

    Args:
        inventory: the file.
        rules: the folder; ``None`` is the packaged pack.
        pool: of the store with the audit log.
        watched: what is in force.
        taken: called with what is in force from now on.
        receivers: that teams may name, see `load_inventory`.
    """

    def __init__(
        self,
        inventory: str,
        rules: str | None,
        pool: Pool,
        watched: Watched,
        taken: Callable[[Watched], None],
        *,
        receivers: Mapping[str, str] | None = None,
    ) -> None:
        self._inventory = inventory
        self._rules = rules
        self._pool = pool
        self._taken = taken
        self._receivers = receivers
        self._asked = threading.Event()
        self._stopping = threading.Event()
        self._watched = watched
        self._seen = self._look()
        self.refused: str | None = None
        """Why what is on disk now is not in force."""
        self._thread = threading.Thread(target=self._run, name="reloading", daemon=True)

    def start(self) -> None:
        """Record what is in force, and watch."""
        record(self._pool, None, self._watched)
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopping.set()
        self._asked.set()
        self._thread.join(10)

    def ask(self) -> None:
        """Read the files again now (SIGHUP)."""
        self._asked.set()

    def _run(self) -> None:
        while True:
            asked = self._asked.wait(_LOOK_EVERY)
            if self._stopping.is_set():
                return
            self._asked.clear()
            now = self._look()
            if asked or now != self._seen:
                try:
                    self._read()
                    self._seen = now
                except Exception as error:  # noqa: BLE001 - see setback
                    # Not in force before it is recorded; taken up at the next look.
                    setback(log, "a change of inventory or rules waits", error)
                    self._stopping.wait(_LOOK_EVERY)
                    self._asked.set()

    def _read(self) -> None:
        try:
            found = Watched(load_inventory(self._inventory, self._receivers), load_rules(self._rules))
        except (RulesError, OSError) as error:
            self.refused = str(error)
            log.error("inventory and rules stay as they were: %s", error)  # noqa: TRY400 - no traceback for users
            return
        self.refused = None
        if _digests(found) == _digests(self._watched):
            return
        record(self._pool, self._watched, found)
        self._watched = found
        self._taken(found)
        log.warning("inventory and rules were read anew: %d zones, %d rules", *_sizes(found))

    def _look(self) -> tuple[tuple[str, int, int, int], ...]:
        files = [Path(self._inventory)]
        if self._rules is not None:
            files += [file for folder in self._watched.rules.folders for file in sorted(folder.glob("*.yaml"))]
        return tuple(_stamp(file) for file in files)


def record(pool: Pool, before: Watched | None, after: Watched) -> None:
    """Into the audit log, once, whichever of several processes comes first."""
    digests = _digests(after)
    changes = {
        "inventory.change": _difference(_zones(before), _zones(after)),
        "rules.change": _difference(_rules(before), _rules(after)),
    }
    with pool.connection() as connection, connection.transaction():
        # One at a time, so that two processes do not both find that it is missing.
        connection.execute("lock table audit_log in share row exclusive mode")
        for action, difference in changes.items():
            row = connection.execute(
                "select detail->>'digest' from audit_log where action = %s order by seq desc limit 1", (action,)
            ).fetchone()
            if row is None or row[0] != digests[action]:
                audit.record(connection, action, {"digest": digests[action], **difference})


def _digests(watched: Watched) -> dict[str, str]:
    return {
        "inventory.change": _digest(watched.inventory),
        "rules.change": _digest(watched.rules.rules),
    }


def _digest(value: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()


def _sizes(watched: Watched) -> tuple[int, int]:
    return len(watched.inventory.zones), len(watched.rules.rules)


def _zones(watched: Watched | None) -> dict[str, Any] | None:
    return None if watched is None else {zone.zone: zone for zone in watched.inventory.zones}


def _rules(watched: Watched | None) -> dict[str, Any] | None:
    return None if watched is None else {rule.id: rule for rule in watched.rules.rules}


def _difference(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, Any]:
    """Names that came, went and changed; where nobody knows what was before, how many there are."""
    assert after is not None
    if before is None:
        return {"count": len(after)}
    changed = {
        "added": sorted(set(after) - set(before)),
        "removed": sorted(set(before) - set(after)),
        "changed": sorted(name for name in set(after) & set(before) if after[name] != before[name]),
    }
    found: dict[str, Any] = {"count": len(after)}
    for kind, names in changed.items():
        found[kind] = names[:_NAMED]
        if len(names) > _NAMED:
            found[f"{kind}_more"] = len(names) - _NAMED
    return found


def _stamp(file: Path) -> tuple[str, int, int, int]:
    """What tells one file from another that was put in its place."""
    try:
        stat = file.stat()
    except OSError:
        return str(file), 0, 0, 0
    return str(file), stat.st_mtime_ns, stat.st_size, stat.st_ino
