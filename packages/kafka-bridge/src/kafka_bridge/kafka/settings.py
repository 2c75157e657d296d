"""The `kafka` part of bridge.yaml."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Mechanism = Literal["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN", "OAUTHBEARER"]
Role = Literal["forward", "normalize", "judge", "correlate", "deliver", "archive", "board"]

#: librdkafka's options that are ours to set.
OURS = (
    "bootstrap.servers", "group.id", "enable.auto.commit", "isolation.level", "transactional.id", "acks",
    "enable.idempotence", "security.protocol",
)  # fmt: skip


class Tls(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """TLS to the brokers; with certificate and key it is mutual. Files are read again when they change."""

    ca: str | None = None
    """PEM file of the authorities to trust; the system's, where left out."""
    certificate: str | None = None
    key: str | None = None


class Sasl(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who we are. Files are read again when they change."""

    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str | None = None
    password_file: str | None = None
    token_file: str | None = None
    """For OAUTHBEARER: a file with a JWT that something else renews."""


Values = Literal["json", "avro", "protobuf"]


class Registry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A schema registry that speaks Confluent's REST API."""

    url: str
    ca: str | None = None
    """PEM file of the authorities to trust; the system's, where left out."""
    certificate: str | None = None
    key: str | None = None
    username: str | None = None
    password_file: str | None = None


class Foreign(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A topic with another tool's records, which become our events."""

    topic: str
    """Its whole name; the prefix is not put before it."""
    dialect: str
    """One of ``dns-events convert --help``."""
    probe: str | None = None
    """For records whose tool does not say who it is."""
    region: str | None = None
    server: str | None = None
    """Address of the server, where records leave it out."""
    clients: bool = False
    """Keep what records tell of those who asked."""


class Kafka(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The brokers and how to speak to them."""

    brokers: tuple[str, ...]
    prefix: str = ""
    """Of every topic, for instance ``prod.``."""
    group: str = "dnstower"
    """Prefix of the consumer groups and transactional ids."""
    tls: Tls | None = None
    sasl: Sasl | None = None
    hot: tuple[str, ...] = ()
    """Zones whose events are spread over all partitions by name. The same in all members of the group."""
    values: Values = "json"
    """Form of the events in `dns.normalized`; the others need `registry`. Any of the three is read."""
    registry: Registry | None = None
    foreign: tuple[Foreign, ...] = ()
    judge: Literal["here", "external"] = "here"
    """``external``: a job on another engine judges (`dns-rules flink`). It is told over `dns.control` what is watched,
    and what it says is stored and paged from `dns.findings` and `dns.incidents`."""
    enrich: Literal["here", "external"] = "here"
    """``external``: the job that judges writes `dns.enriched` too (`topics: {enriched: …}` in job.yaml), and what it
    wrote is archived."""
    enriched: bool = True
    """Whether judged events are written to the topic `dns.enriched` with what was known beside them."""
    options: dict[str, str | int | float | bool] = {}
    """Further options of librdkafka. Times and sizes are yours to change; what the bridge's promises rest on is not."""
    roles: tuple[Role, ...] = ("forward", "normalize", "judge", "correlate", "deliver", "archive", "board")
    """What this process does; others of the same group do the rest."""
