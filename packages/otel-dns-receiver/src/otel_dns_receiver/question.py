"""What is asked of whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dns_events import Role, Transport

    from .transports.tls import Tls


class Target(NamedTuple):
    """A server's address, and how to know it where the transport is encrypted."""

    address: str
    port: int = 53
    tls: Tls | None = None


class Question(NamedTuple):
    """One question to one server."""

    zone: str
    name: str
    qtype: str
    target: Target
    role: Role
    server_name: str | None = None
    transport: Transport = "udp"
