"""The bridge's configuration: ``bridge.yaml``, typed and checked."""

from __future__ import annotations

import ipaddress
import os
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from dns_events.durations import seconds
from dns_events.yamlfile import Document
from msgspec import Struct, structs

from .errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

#: A store given here is not written into any file.
STORE_URL = "DNSTOWER_STORE_URL"


class Otlp(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where OTLP logs come in. Port 0 picks a free one; ``null`` is off."""

    grpc: str | None = "127.0.0.1:4317"
    http: str | None = "127.0.0.1:4318"
    max_bytes: int = 4 << 20
    """Largest request, after decompression."""
    expose: bool = False
    """Listen on addresses other than loopback."""


class Store(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A directory for the embedded PostgreSQL, or any PostgreSQL as a URL."""

    directory: str | None = None
    url: str | None = None
    raw: str = "24h"
    """How long consumed raw events are kept for replay."""
    minutes: str = "7d"
    """How long per-minute aggregates are kept."""
    incidents: str = "365d"


class Board(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The status board."""

    listen: str = "127.0.0.1:8053"
    expose: bool = False


class Notify(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where pages go."""

    console: bool = True
    file: str | None = None
    webhook: str | None = None


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of ``bridge.yaml``."""

    version: Literal[1] = 1
    bus: Literal["embedded"] = "embedded"
    inventory: str
    rules: str | None = None
    otlp: Otlp = Otlp()
    store: Store = Store()
    board: Board | None = Board()
    notify: Notify = Notify()


def load_config(path: Path) -> Config:
    """Read and check a configuration. Relative paths are relative to the file.

    Raises:
        ConfigError: names file, line and what to write instead.
    """
    document = Document(path, ConfigError)
    checked = _checked(document, document.convert(Config))
    base = path.resolve().parent

    def absolute(text: str | None) -> str | None:
        return None if text is None else str(base / text)

    store = checked.store
    if store.url is None and os.environ.get(STORE_URL):
        store = structs.replace(store, url=os.environ[STORE_URL])
    if store.url is None:
        store = structs.replace(store, directory=absolute(store.directory or ".dnstower/postgres"))
    return structs.replace(
        checked,
        inventory=str(base / checked.inventory),
        rules=absolute(checked.rules),
        store=store,
        notify=structs.replace(checked.notify, file=absolute(checked.notify.file)),
    )


def _checked(document: Document, config: Config) -> Config:
    listeners: list[tuple[str, str | None, bool]] = [
        ("$.otlp.grpc", config.otlp.grpc, config.otlp.expose),
        ("$.otlp.http", config.otlp.http, config.otlp.expose),
    ]
    if config.board is not None:
        listeners.append(("$.board.listen", config.board.listen, config.board.expose))
    for path, text, expose in listeners:
        if text is None:
            continue
        try:
            host, _ = endpoint(text)
        except ValueError as error:
            raise document.error(path, str(error)) from error
        if not expose and not loopback(host):
            raise document.error(path, f"{text} is not on loopback; write `expose: true` beside it if you mean it")
    for name in ("raw", "minutes", "incidents"):
        try:
            seconds(getattr(config.store, name))
        except ValueError as error:
            raise document.error(f"$.store.{name}", str(error)) from error
    if config.store.url is not None and config.store.directory is not None:
        raise document.error("$.store", "`url` and `directory` exclude each other; keep one")
    if config.otlp.max_bytes < 1024:
        raise document.error("$.otlp.max_bytes", "less than 1024 bytes; nothing would fit")
    webhook = config.notify.webhook
    if webhook is not None and not webhook.startswith(("http://", "https://")):
        raise document.error("$.notify.webhook", "not a URL; write https://…")
    return config


def endpoint(text: str) -> tuple[str, int]:
    """``ADDRESS:PORT`` or ``[V6]:PORT`` as its two parts.

    Raises:
        ValueError: with what to write.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535 or not host:
        msg = f"{text!r} is not ADDRESS:PORT; write for instance 127.0.0.1:4317"
        raise ValueError(msg)
    return host.strip("[]"), int(port)


def loopback(host: str) -> bool:
    """Whether a listener on this host is reachable from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def schema() -> dict[str, Any]:
    """The JSON Schema of ``bridge.yaml``."""
    return msgspec.json.schema(Config)
