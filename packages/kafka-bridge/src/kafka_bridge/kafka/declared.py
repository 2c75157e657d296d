"""``topics.yaml``: topics and who may do what with them, as one file that is reviewed like code. Pure.

version: 1
prefix: prod.
replication: 3
in_sync: 2
topics:
  raw: {partitions: 12, retention: 24h}
  normalized: {partitions: 12}
access:
  - {principal: "User:probes", role: forward}
  - {principal: "User:bridge", role: bridge}
  - {principal: "User:soc", role: reader, group: soc.}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from dns_events.durations import seconds
from dns_events.yamlfile import Document
from msgspec import Struct

from kafka_bridge.errors import ConfigError

from .topics import Topics, topics

if TYPE_CHECKING:
    from pathlib import Path

#: What a topic is when the file does not say otherwise: partitions, retention, whether it is compacted.
_DEFAULTS: dict[str, tuple[int, str, bool]] = {
    "raw": (6, "24h", False),
    "normalized": (6, "24h", False),
    "enriched": (6, "7d", False),
    "findings": (1, "30d", False),
    "incidents": (1, "365d", True),
    "control": (1, "365d", True),
    "deadletter": (1, "30d", False),
}
#: One partition, because their order is the promise.
_SINGLE = ("findings", "incidents", "control")
#: The raw topic takes whole OTLP requests, the control topic whole inventories, the enriched events and more.
_RAW_BYTES = 8 << 20
_LARGE = ("raw", "control", "deadletter", "enriched")

Role = Literal["forward", "bridge", "judge", "reader"]


class Topic(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What differs from the defaults."""

    partitions: int | None = None
    retention: str | float | None = None
    config: dict[str, str] = {}
    """Further settings of Kafka."""


class Access(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one principal is for."""

    principal: str
    """As Kafka names it, for instance ``User:probes``."""
    role: Role
    """``forward`` writes raw; ``bridge`` does everything the bridge does; ``reader`` reads what is published; ``judge``
    is the job that judges in its place."""
    group: str | None = None
    """Prefix of a reader's consumer groups; its name and a dot, where left out."""


class Declared(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of ``topics.yaml``."""

    version: Literal[1] = 1
    prefix: str = ""
    group: str = "dnstower"
    """As in bridge.yaml."""
    judge: Literal["here", "external"] = "here"
    """As in bridge.yaml."""
    enrich: Literal["here", "external"] = "here"
    """As in bridge.yaml."""
    replication: int = 3
    in_sync: int = 2
    topics: dict[str, Topic] = {}
    foreign: tuple[str, ...] = ()
    """Topics of other tools that the bridge reads (`kafka.foreign` in bridge.yaml). They are theirs to make."""
    access: tuple[Access, ...] = ()


class WantedTopic(NamedTuple):
    """A topic as it should be."""

    name: str
    partitions: int
    replication: int
    config: dict[str, str]


class Grant(NamedTuple):
    """One ACL: this principal may do this with resources of this name, or prefix."""

    principal: str
    operation: str
    resource: str
    name: str
    prefixed: bool = False

    def __str__(self) -> str:
        """In words."""
        return f"{self.principal} {self.operation} {self.resource} {self.name}{'*' if self.prefixed else ''}"


def load_declared(path: Path) -> Declared:
    """Read and check the file.

    Raises:
        ConfigError: names file, line and what to write instead.
    """
    document = Document(path, ConfigError)
    declared = document.convert(Declared)
    for name, topic in declared.topics.items():
        at = f"$.topics.{name}"
        if name not in _DEFAULTS:
            raise document.error(at, f"no topic {name!r}; known are {', '.join(_DEFAULTS)}")
        if topic.partitions is not None and topic.partitions < 1:
            raise document.error(f"{at}.partitions", "less than one partition")
        if name in _SINGLE and topic.partitions not in {None, 1}:
            raise document.error(f"{at}.partitions", f"{name} has one partition, because its order is promised")
        if topic.retention is not None:
            try:
                seconds(topic.retention)
            except ValueError as error:
                raise document.error(f"{at}.retention", str(error)) from error
    if declared.enrich == "external" and declared.judge != "external":
        raise document.error("$.enrich", "events are enriched where they are judged; write `judge: external` beside it")
    if not 1 <= declared.in_sync <= declared.replication:
        raise document.error("$.in_sync", f"has to be between 1 and `replication`, which is {declared.replication}")
    for index, access in enumerate(declared.access):
        if not access.principal.startswith("User:") or access.principal in {"User:", "User:*"}:
            raise document.error(f"$.access[{index}].principal", "write one principal, as `User:probes`")
    return declared


def wanted_topics(declared: Declared) -> list[WantedTopic]:
    """Every topic with all of its settings."""
    found = []
    for field, (partitions, retention, compacted) in _DEFAULTS.items():
        if field == "control" and declared.judge == "here":
            continue  # nobody is told
        topic = declared.topics.get(field, Topic())
        milliseconds = round(seconds(retention if topic.retention is None else topic.retention) * 1000)
        config = {
            "cleanup.policy": "compact" if compacted else "delete",
            "retention.ms": str(milliseconds),
            "min.insync.replicas": str(declared.in_sync),
            **({"max.message.bytes": str(_RAW_BYTES)} if field in _LARGE else {}),
            # The brokers' clock, not the senders': time in the judgement goes by it (see `Clock`), and brokers refuse
            # what a sender whose clock is an hour ahead has stamped by itself.
            "message.timestamp.type": "LogAppendTime",
            **topic.config,
        }
        name = getattr(topics(declared.prefix), field)
        found.append(WantedTopic(name, topic.partitions or partitions, declared.replication, config))
    return found


def wanted_grants(declared: Declared) -> set[Grant]:
    """The least that each principal needs."""
    names = topics(declared.prefix)
    return {grant for access in declared.access for grant in _grants(access, names, declared)}


def _grants(access: Access, names: Topics, declared: Declared) -> list[Grant]:
    group = declared.group

    def on(operation: str, *listed: str) -> list[Grant]:
        return [Grant(access.principal, operation, "topic", name) for name in listed]

    def prefixed(operation: str, resource: str, prefix: str) -> Grant:
        return Grant(access.principal, operation, resource, prefix, prefixed=True)

    if access.role == "forward":
        return [*on("write", names.raw), *on("describe", names.raw)]
    if access.role == "reader":
        public = (names.enriched, names.findings, names.incidents)
        own = access.group or access.principal.removeprefix("User:") + "."
        return [*on("read", *public), *on("describe", *public), prefixed("read", "group", own)]
    elsewhere = declared.enrich == "external"
    if access.role == "judge":
        read = (names.normalized, names.control)
        written = (names.findings, names.incidents, names.deadletter, *((names.enriched,) if elsewhere else ()))
        return [
            *on("read", *read),
            *on("write", *written),
            *on("describe", *read, *written),
            prefixed("read", "group", f"{group}.flink."),
            prefixed("describe", "group", f"{group}.flink."),
            prefixed("write", "transactional_id", f"{group}.flink-"),
            prefixed("describe", "transactional_id", f"{group}.flink-"),
        ]
    external = declared.judge == "external"
    used = [name for name in names if external or name != names.control]
    return [
        *on("describe", *used),
        *on("describe_configs", *used),
        *on("write", *(name for name in used if not elsewhere or name != names.enriched)),
        *on("read", names.raw, names.normalized, names.deadletter, *declared.foreign),
        *on("read", *((names.findings, names.incidents) if external else ())),
        *on("read", *((names.enriched,) if elsewhere else ())),
        *on("describe", *declared.foreign),
        prefixed("read", "group", f"{group}."),
        prefixed("describe", "group", f"{group}."),
        prefixed("write", "transactional_id", f"{group}-"),
        prefixed("describe", "transactional_id", f"{group}-"),
    ]
