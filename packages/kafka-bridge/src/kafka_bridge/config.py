"""The bridge's configuration: ``bridge.yaml``, typed and checked."""

from __future__ import annotations

import ipaddress
import os
import re
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import msgspec
from dns_events import InvalidNameError, normalize
from dns_events.dialects import DIALECTS
from dns_events.durations import seconds
from dns_events.yamlfile import Document
from msgspec import Struct, structs

from .archive.settings import Archive
from .errors import ConfigError
from .influx.settings import PASSWORD, Influx
from .kafka.settings import OURS, Kafka
from .notify import settings as notifying
from .notify.settings import Notify

if TYPE_CHECKING:
    from pathlib import Path

    from .kafka.settings import Registry, Sasl, Tls
    from .store.ground import Wanted

#: A store given here is not written into any file.
STORE_URL = "DNSTOWER_STORE_URL"


class OtlpTls(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """PEM files of the endpoint. They are read again when they change."""

    certificate: str
    key: str
    clients: str | None = None
    """Authorities of client certificates (mTLS)."""


_GROUNDS: dict[str, Wanted] = {"auto": "auto", "off": "plain", "on": "timescale"}
_KEPT = ("raw", "minutes", "estate", "hours", "days", "incidents")


class Otlp(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where OTLP logs come in. Port 0 picks a free one; ``null`` is off."""

    grpc: str | None = "127.0.0.1:4317"
    http: str | None = "127.0.0.1:4318"
    max_bytes: int = 4 << 20
    """Largest request, after decompression."""
    tls: OtlpTls | None = None
    probes: str | None = None
    """probes.yaml: who may send. Left out, whoever reaches the endpoint may."""
    max_age: str = "48h"
    """Of known probes, older events are refused as a replay."""
    expose: bool = False
    """Listen on addresses other than loopback without `tls` and `probes`."""

    @property
    def mutual(self) -> bool:
        """Whether clients are asked for a certificate."""
        return self.tls is not None and self.tls.clients is not None


class Store(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A directory for the embedded PostgreSQL, or any PostgreSQL as a URL."""

    directory: str | None = None
    url: str | None = None
    timescale: Literal["auto", "off", "on"] = "auto"
    """Whether a new database is laid on TimescaleDB; `auto` takes it where it is installed under its own licence."""
    raw: str = "24h"
    """How long consumed raw events are kept for replay."""
    minutes: str = "7d"
    """How long per-minute aggregates are kept."""
    estate: str = "31d"
    """How long the estate's minutes are kept: a few rows each, whatever the number of zones."""
    hours: str = "90d"
    days: str = "1100d"
    incidents: str = "365d"
    """How long incidents, their pages, findings, and the history of answers and facts are kept."""

    @property
    def ground(self) -> Wanted:
        """What a new database is laid on."""
        return _GROUNDS[self.timescale]


class Board(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The status board."""

    listen: str = "127.0.0.1:8053"
    expose: bool = False


class Health(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A listener for ``/healthz``, ``/readyz`` and ``/metrics``, which the board serves too."""

    listen: str = "127.0.0.1:8054"
    expose: bool = False


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of ``bridge.yaml``."""

    version: Literal[1] = 1
    bus: Literal["embedded", "kafka"] = "embedded"
    kafka: Kafka | None = None
    inventory: str | None = None
    """Needed by everything but a forwarder."""
    rules: str | None = None
    settle: str = "20s"
    """After a start or after trouble, for how long the clock waits for what clients kept meanwhile."""
    otlp: Otlp = Otlp()
    store: Store = Store()
    archive: Archive | None = None
    """Every event, for years; needs kafka-bridge[archive]."""
    influx: Influx | None = None
    """The aggregates, in InfluxDB as well."""
    board: Board | None = Board()
    health: Health | None = None
    notify: Notify = Notify()

    @property
    def forwards_only(self) -> bool:
        """Whether it needs neither inventory nor store."""
        return self.kafka is not None and set(self.kafka.roles) == {"forward"}


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
        inventory=absolute(checked.inventory),
        rules=absolute(checked.rules),
        store=store,
        kafka=_absolute(base, checked.kafka),
        archive=_absolute_archive(base, checked.archive),
        influx=_absolute_influx(base, checked.influx),
        notify=notifying.absolute(base, checked.notify),
        otlp=_absolute_otlp(base, checked.otlp),
    )


class _Paging(Struct, frozen=True, kw_only=True):
    notify: Notify


def load_notify(path: Path) -> Notify:
    """Read what a bridge.yaml has under `notify`, and nothing else of it. Paths are relative to the file.

    Raises:
        ConfigError: names file, line and what to write instead.
    """
    document = Document(path, ConfigError)
    notify = document.convert(_Paging).notify
    _check_notify(document, notify)
    return notifying.absolute(path.resolve().parent, notify)


def _check_notify(document: Document, notify: Notify) -> None:
    if notify.webhook is not None and not notify.webhook.startswith(("http://", "https://")):
        raise document.error("$.notify.webhook", "not a URL; write https://…")
    notifying.check(document, notify)


def _checked(document: Document, config: Config) -> Config:
    # With known probes it needs TLS as well, and that suffices.
    open_ = config.otlp.expose or config.otlp.probes is not None
    listeners: list[tuple[str, str | None, bool]] = [
        ("$.otlp.grpc", config.otlp.grpc, open_),
        ("$.otlp.http", config.otlp.http, open_),
    ]
    if config.board is not None:
        listeners.append(("$.board.listen", config.board.listen, config.board.expose))
    if config.health is not None:
        listeners.append(("$.health.listen", config.health.listen, config.health.expose))
    for path, text, expose in listeners:
        if text is None:
            continue
        try:
            host, _ = endpoint(text)
        except ValueError as error:
            raise document.error(path, str(error)) from error
        if not expose and not loopback(host):
            better = ", or better `tls` and `probes`" if path.startswith("$.otlp") else ""
            raise document.error(
                path, f"{text} is not on loopback; write `expose: true` beside it if you mean it{better}"
            )
    for path, text in _durations(config).items():
        try:
            seconds(text)
        except ValueError as error:
            raise document.error(path, str(error)) from error
    if config.store.url is not None and config.store.directory is not None:
        raise document.error("$.store", "`url` and `directory` exclude each other; keep one")
    _check_otlp(document, config.otlp)
    _check_kafka(document, config)
    _check_archive(document, config.archive)
    _check_influx(document, config.influx)
    if config.inventory is None and not config.forwards_only:
        raise document.error("$", "no `inventory`; write `inventory: inventory.yaml` (see `dns-rules check --help`)")
    _check_notify(document, config.notify)
    return config


def _durations(config: Config) -> dict[str, str]:
    found: dict[str, str] = {f"$.store.{name}": getattr(config.store, name) for name in _KEPT}
    found |= {"$.settle": config.settle, "$.otlp.max_age": config.otlp.max_age}
    if config.archive is not None:
        found |= {"$.archive.every": config.archive.every, "$.archive.keep": config.archive.keep}
    if config.influx is not None:
        found["$.influx.every"] = config.influx.every
    return found


def _check_otlp(document: Document, otlp: Otlp) -> None:
    if otlp.max_bytes < 1024:
        raise document.error("$.otlp.max_bytes", "less than 1024 bytes; nothing would fit")
    if otlp.probes is None or otlp.tls is not None:
        return
    for text in (otlp.grpc, otlp.http):
        if text is not None and not loopback(endpoint(text)[0]):
            sentence = (
                f"{text} is not on loopback, so tokens would cross the network in clear text; write `tls` as well"
            )
            raise document.error("$.otlp.probes", sentence)


def _check_kafka(document: Document, config: Config) -> None:
    kafka = config.kafka
    if (config.bus == "kafka") != (kafka is not None):
        raise document.error("$.bus", "`bus: kafka` and `kafka: {brokers: […]}` come together; write both or neither")
    if kafka is None:
        return
    for number, broker in enumerate(kafka.brokers):
        try:
            endpoint(broker)
        except ValueError as error:
            raise document.error(f"$.kafka.brokers[{number}]", str(error)) from error
    if not kafka.brokers:
        raise document.error("$.kafka.brokers", "no broker; write `brokers: [kafka-1:9092]`")
    if not re.fullmatch(r"[A-Za-z0-9._-]*", kafka.prefix):
        raise document.error("$.kafka.prefix", "topic names have letters, digits, `.`, `_` and `-` only")
    if ours := sorted(set(kafka.options) & set(OURS)):
        raise document.error("$.kafka.options", f"{ours[0]} is set by kafka-bridge itself; leave it out")
    if secret := sorted(option for option in kafka.options if "password" in option or "secret" in option):
        raise document.error("$.kafka.options", f"{secret[0]} does not belong into a file; use `sasl` and its files")
    if not kafka.roles:
        raise document.error("$.kafka.roles", "no role; leave `roles` out for all of them")
    for number, foreign in enumerate(kafka.foreign):
        if foreign.dialect not in DIALECTS:
            known = ", ".join(DIALECTS)
            raise document.error(f"$.kafka.foreign[{number}].dialect", f"{foreign.dialect!r}; known are {known}")
    _check_external(document, kafka)
    _check_hot(document, kafka)
    _check_credentials(document, kafka)
    _check_registry(document, kafka)


def _check_external(document: Document, kafka: Kafka) -> None:
    if kafka.judge == "external" and kafka.values != "json":
        raise document.error("$.kafka.values", "a judgement elsewhere reads JSON alone; leave `values` out")
    if kafka.enrich == "external" and kafka.judge != "external":
        raise document.error(
            "$.kafka.enrich", "events are enriched where they are judged; write `judge: external` beside it"
        )
    if kafka.enrich == "external" and not kafka.enriched:
        raise document.error("$.kafka.enriched", "the job writes what this says nobody writes; leave one of both out")


def _check_archive(document: Document, archive: Archive | None) -> None:
    if archive is None:
        return
    if "://" in archive.url and not re.fullmatch(r"s3://[^/@?#]+(/[^@?#]*)?", archive.url):
        raise document.error("$.archive.url", f"{archive.url!r} is neither a folder nor s3://BUCKET/PREFIX")
    if (archive.s3.access_key is None) != (archive.s3.secret_key_file is None):
        raise document.error("$.archive.s3", "`access_key` and `secret_key_file` come together; write both or neither")
    endpoint_ = archive.s3.endpoint
    if endpoint_ is not None and not re.fullmatch(r"https?://[^/@?#]+", endpoint_):
        raise document.error("$.archive.s3.endpoint", f"{endpoint_!r} is not https://HOST:PORT")
    if archive.events < 1:
        raise document.error("$.archive.events", "less than one event in a batch")


def _check_hot(document: Document, kafka: Kafka) -> None:
    for number, zone in enumerate(kafka.hot):
        try:
            right = normalize(zone)
        except InvalidNameError as error:
            raise document.error(f"$.kafka.hot[{number}]", str(error)) from error
        if zone != right:
            raise document.error(f"$.kafka.hot[{number}]", f"write {right!r}, as names are compared")


def _check_registry(document: Document, kafka: Kafka) -> None:
    registry = kafka.registry
    if registry is None:
        if kafka.values != "json":
            raise document.error("$.kafka.values", f"{kafka.values} needs `registry: {{url: https://HOST:PORT}}`")
        return
    if not re.fullmatch(r"https?://[^/@?#]+(/[^@?#]*)?", registry.url):
        what = "is not https://HOST:PORT; user and password belong into `username` and `password_file`"
        raise document.error("$.kafka.registry.url", what)
    if (registry.certificate is None) != (registry.key is None):
        raise document.error("$.kafka.registry", "`certificate` and `key` come together; write both or neither")
    if (registry.username is None) != (registry.password_file is None):
        raise document.error("$.kafka.registry", "`username` and `password_file` come together; write both or neither")


def _check_influx(document: Document, influx: Influx | None) -> None:
    if influx is None:
        return
    if "@" in influx.url:
        better = "write `username` and `password_file` (1.x) or `token_file` (2.x, 3) beside it"
        raise document.error("$.influx.url", f"credentials do not belong into a URL; {better}")
    host = re.fullmatch(r"https?://([^/?#\s]+)(/[^?#\s]*)?", influx.url)
    try:
        urlsplit(influx.url).port  # noqa: B018 - it raises where it is none
    except ValueError:
        host = None
    if host is None:
        raise document.error("$.influx.url", f"{influx.url!r} is not https://HOST:PORT")
    if (influx.database is None) == (influx.bucket is None):
        raise document.error("$.influx", "write `database` for InfluxDB 1.x, or `bucket` for 2.x and 3; one of them")
    others = ("org", "token_file") if influx.database is not None else ("username", "password_file")
    if wrong := [name for name in others if getattr(influx, name) is not None]:
        mine, login = ("database", "`username` and `password_file`") if "org" in others else ("bucket", "`token_file`")
        raise document.error(f"$.influx.{wrong[0]}", f"`{wrong[0]}` does not go with `{mine}`, which takes {login}")
    given = influx.password_file is not None or PASSWORD in os.environ
    if (influx.username is None and influx.password_file is not None) or (influx.username is not None and not given):
        sentence = f"`username` and `password_file` come together; write both or neither, or set {PASSWORD}"
        raise document.error("$.influx", sentence)
    if influx.ca is not None and not influx.url.startswith("https://"):
        raise document.error("$.influx.ca", "authorities are for https://; change `url`, or leave `ca` out")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]*", influx.prefix):
        raise document.error(
            "$.influx.prefix", f"{influx.prefix!r} is not a letter, then letters, digits, `_`, `.`, `-`"
        )
    if seconds(influx.every) < 1:
        raise document.error("$.influx.every", "less than a second; minutes close once a minute")


def _check_credentials(document: Document, kafka: Kafka) -> None:
    tls, sasl = kafka.tls, kafka.sasl
    if tls is not None and (tls.certificate is None) != (tls.key is None):
        raise document.error("$.kafka.tls", "`certificate` and `key` come together; write both or neither")
    if sasl is not None and sasl.mechanism == "OAUTHBEARER":
        if sasl.token_file is None and "sasl.oauthbearer.method" not in kafka.options:
            raise document.error(
                "$.kafka.sasl", "OAUTHBEARER needs a `token_file`, or `options: {sasl.oauthbearer.method: oidc, …}`"
            )
    elif sasl is not None and (sasl.username is None or sasl.password_file is None):
        raise document.error("$.kafka.sasl", f"{sasl.mechanism} needs `username` and `password_file`")


def _absolute(base: Path, kafka: Kafka | None) -> Kafka | None:
    if kafka is None:
        return None

    def paths(part: Tls | Sasl | Registry | None, *names: str) -> dict[str, str]:
        return {
            name: str(base / value) for name in names if part is not None and (value := getattr(part, name)) is not None
        }

    return structs.replace(
        kafka,
        tls=kafka.tls and structs.replace(kafka.tls, **paths(kafka.tls, "ca", "certificate", "key")),
        sasl=kafka.sasl and structs.replace(kafka.sasl, **paths(kafka.sasl, "password_file", "token_file")),
        registry=kafka.registry
        and structs.replace(kafka.registry, **paths(kafka.registry, "ca", "certificate", "key", "password_file")),
    )


def _absolute_otlp(base: Path, otlp: Otlp) -> Otlp:
    tls = otlp.tls
    if tls is not None:
        clients = None if tls.clients is None else str(base / tls.clients)
        tls = OtlpTls(certificate=str(base / tls.certificate), key=str(base / tls.key), clients=clients)
    return structs.replace(otlp, tls=tls, probes=None if otlp.probes is None else str(base / otlp.probes))


def _absolute_archive(base: Path, archive: Archive | None) -> Archive | None:
    if archive is None:
        return None
    secret = archive.s3.secret_key_file
    return structs.replace(
        archive,
        url=archive.url if archive.url.startswith("s3://") else str(base / archive.url),
        s3=structs.replace(archive.s3, secret_key_file=None if secret is None else str(base / secret)),
    )


def _absolute_influx(base: Path, influx: Influx | None) -> Influx | None:
    if influx is None:
        return None
    files = {name: getattr(influx, name) for name in ("password_file", "token_file", "ca")}
    return structs.replace(influx, **{name: str(base / file) for name, file in files.items() if file is not None})


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
