"""What `up` was asked for."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from msgspec import Struct

from kafka_bridge.errors import ConfigError

#: Public resolvers, when none is named. Each stands for a region of its own.
PUBLIC = ("cloudflare=1.1.1.1", "google=8.8.8.8", "quad9=9.9.9.9")


class Resolver(Struct, frozen=True):
    """One region and the recursive server that speaks for it."""

    region: str
    address: str
    port: int = 53


class Options(Struct, frozen=True, kw_only=True):
    """The command line, checked."""

    names: tuple[str, ...] = ()
    resolvers: tuple[Resolver, ...] = ()
    trust_anchor: Path | None = None
    root_hints: Path | None = None
    inventory: Path | None = None
    rules: Path | None = None
    interval: float = 30.0
    timeout: float = 2.0
    directory: Path = Path(".dnstower")
    board: str = "127.0.0.1:8053"
    notify: Path | None = None
    seconds: float | None = None
    once: bool = False
    as_json: bool = False


def resolver(text: str) -> Resolver:
    """``REGION=ADDRESS`` or ``REGION=ADDRESS@PORT``.

    Raises:
        ConfigError: with what to write.
    """
    region, equals, server = text.partition("=")
    address, at, port = server.partition("@")
    try:
        ipaddress.ip_address(address)
        number = int(port) if at else 53
    except ValueError:
        number = 0
    if not equals or not region.strip() or not 0 < number < 65536:
        msg = f"--resolver {text!r} is not REGION=ADDRESS[@PORT]; write for instance eu-west=192.0.2.53"
        raise ConfigError(msg)
    return Resolver(region.strip(), address, number)
