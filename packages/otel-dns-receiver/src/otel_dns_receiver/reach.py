"""Whether this machine has a way to an address family at all."""

from __future__ import annotations

import errno
import logging
import socket

log = logging.getLogger(__name__)

_NO_WAY = {errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EHOSTUNREACH}


class Reach:
    """Remembers which addresses there is no route to. A vantage without IPv6 says so once, and never marks it red."""

    def __init__(self) -> None:
        self._known: dict[str, bool] = {}
        self._said = False

    def __call__(self, address: str) -> bool:
        """Whether there is a route. IPv4 is always tried: without it nothing works, and that should show."""
        if ":" not in address:
            return True
        if address not in self._known:
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[address] = _routed(address)
            if not self._known[address] and not self._said:
                self._said = True
                log.warning("no IPv6 route from here (%s): IPv6 addresses of name servers are not asked", address)
        return self._known[address]


def _routed(address: str) -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.connect((address, 53))  # sends nothing; the kernel only looks for a route
    except OSError as error:
        return error.errno not in _NO_WAY
    return True
