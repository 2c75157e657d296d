"""The resolvers that this machine is configured with."""

from __future__ import annotations

import dns.exception
import dns.resolver

from .config import Resolver
from .errors import ReceiverError


def resolvers() -> tuple[Resolver, ...]:
    """Each of them; it has no name of its own.

    Raises:
        ReceiverError: none is configured.
    """
    try:
        configured = dns.resolver.Resolver()
    except dns.exception.DNSException as error:
        msg = f"the system has no resolver ({error}); name one with --server or `resolvers:`"
        raise ReceiverError(msg) from error
    return tuple(Resolver(address=str(address), port=configured.port) for address in configured.nameservers)
