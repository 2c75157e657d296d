"""TLS to name servers: whose certificate is expected, and what is wrong with the one that came, in words."""

from __future__ import annotations

import ssl
from functools import lru_cache
from typing import Literal, NamedTuple


class Tls(NamedTuple):
    """How to reach a server over TLS, HTTPS or QUIC."""

    name: str | None = None
    """Name that the certificate must have; the server's address where left out (RFC 8310 §8.1)."""
    ca: str | None = None
    """File of certificate authorities; the system's where left out."""
    verify: bool = True
    path: str = "/dns-query"
    """Path of DNS over HTTPS (RFC 8484)."""
    http: Literal["2", "3"] = "2"


@lru_cache(maxsize=256)
def context(tls: Tls, alpn: str) -> ssl.SSLContext:
    """A client's context, TLS 1.2 or newer.

    Raises:
        OSError: the file of authorities cannot be read.
    """
    made = ssl.create_default_context(cafile=tls.ca)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols([alpn])
    if not tls.verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


def explain(error: Exception, expected: str) -> str:
    """What went wrong, for the person who has to mend it.

    Args:
        error: what connecting raised.
        expected: the name that the certificate must have.
    """
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"certificate for {expected} not accepted: {cause.verify_message or cause.reason}"
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed: {cause.reason or cause}"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found and len(found) < 8:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
