"""The resolvers that this machine is configured with."""

from __future__ import annotations

import dns.exception
import dns.resolver

from .errors import ReceiverError
from .exchange import Target


def resolvers() -> tuple[tuple[str | None, Target], ...]:
    """Name and address of each; the address is its name.

    Raises:
        ReceiverError: none is configured.
    """
    try:
        configured = dns.resolver.Resolver()
    except dns.exception.DNSException as error:
        msg = f"the system has no resolver ({error}); name one with --server or `resolvers:`"
        raise ReceiverError(msg) from error
    return tuple((None, Target(str(address), configured.port)) for address in configured.nameservers)
