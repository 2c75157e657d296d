"""Addresses of receivers, resolved ahead: a page about dead DNS must not need DNS."""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
from typing import TYPE_CHECKING

from kafka_bridge.setback import setback

from .notifier import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kafka_bridge.store.pool import Pool

log = logging.getLogger(__name__)

_EVERY = 60.0
#: Of one name; one of them should do.
_MOST = 8


class Addresses:
    """Knows the addresses of names, and keeps them in the store for the next start.

    Deliveries go by what is known; only a name of which nothing is known is asked for when it is needed.

    Args:
        hosts: names to know ahead.
        pool: of the store; ``None`` keeps nothing.
    """

    def __init__(self, hosts: Iterable[str], pool: Pool | None = None) -> None:
        self._hosts: list[str] = []
        self.know(hosts)
        self._pool = pool
        self._known: dict[str, list[str]] = {}
        self._failing: set[str] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="addresses", daemon=True)

    def know(self, hosts: Iterable[str]) -> None:
        """Know the addresses of these hosts as well; before the start."""
        self._hosts += [host for host in dict.fromkeys(hosts) if host not in self._hosts and not _literal(host)]

    def start(self) -> Addresses:
        """Take what the store knows, then resolve again and again on a thread of its own."""
        if self._pool is not None:
            with self._pool.connection() as connection:
                rows = connection.execute(
                    "select host, addresses from receiver_address where host = any(%s)", (self._hosts,)
                ).fetchall()
            self._known.update(rows)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Resolve no more."""
        self._stopping.set()
        # A resolver that is asked right now may take its time; nothing waits for its answer.
        self._thread.join(1)

    def of(self, host: str) -> list[str]:
        """Where a host is.

        Raises:
            DeliveryError: it is not known and cannot be resolved.
        """
        if _literal(host):
            return [host]
        known = self._known.get(host)
        if known is None:
            try:
                known = self._known[host] = _resolve(host)
            except OSError as error:
                msg = f"{host} cannot be resolved, and no address of it is known"
                raise DeliveryError(msg) from error
        return known

    def _run(self) -> None:
        while True:
            for host in self._hosts:
                try:
                    self._renew(host)
                except Exception as error:  # noqa: BLE001 - see setback
                    setback(log, f"the addresses of {host} stay as they were", error)
            if self._stopping.wait(_EVERY):
                return

    def _renew(self, host: str) -> None:
        try:
            found = _resolve(host)
        except OSError:
            if host not in self._failing:
                self._failing.add(host)
                log.warning("%s does not resolve; its last known addresses are used: %s", host, self._known.get(host))
            return
        self._failing.discard(host)
        self._known[host] = found
        if self._pool is not None:
            with self._pool.connection() as connection:
                connection.execute(
                    "insert into receiver_address (host, addresses) values (%s, %s) on conflict (host) do update "
                    "set addresses = excluded.addresses, resolved = now()",
                    (host, found),
                )


def _resolve(host: str) -> list[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(str(error)) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))[:_MOST]


def _literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
