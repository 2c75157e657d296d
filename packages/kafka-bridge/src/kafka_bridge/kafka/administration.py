"""What is on the brokers, what should be, and the way from one to the other, shown before it is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stub forgets two
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)
from msgspec import Struct

from .declared import Grant, wanted_grants, wanted_topics
from .topics import topics

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from concurrent.futures import Future

    from confluent_kafka.admin import AdminClient

    from .declared import Declared, WantedTopic
    from .settings import Kafka

_TIMEOUT = 15.0
_RESOURCES = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transactional_id": ResourceType.TRANSACTIONAL_ID,
}
_NAMES = {kind: name for name, kind in _RESOURCES.items()}


class Change(Struct, frozen=True):
    """One difference between the file and the brokers."""

    action: Literal["create", "configure", "add_partitions", "grant", "revoke", "cannot"]
    target: str
    detail: str
    topic: str | None = None
    config: dict[str, str] = {}
    partitions: int = 0
    replication: int = 0
    grant: Grant | None = None

    def __str__(self) -> str:
        """A line of a diff."""
        sign = {"create": "+", "grant": "+", "revoke": "-", "cannot": "!"}.get(self.action, "~")
        return f"{sign} {self.target}: {self.detail}"


def plan(admin: AdminClient, declared: Declared) -> list[Change]:
    """What `apply` would do, in its order.

    Raises:
        KafkaException: the brokers cannot be asked.
    """
    return [*_topic_changes(admin, declared), *_access_changes(admin, declared)]


def apply(admin: AdminClient, changes: Iterable[Change]) -> list[Change]:
    """Do it; returns what was done. What `cannot` be done by itself is passed over.

    Raises:
        KafkaException: of the change that failed; the ones before it are done.
    """
    done = []
    for change in changes:
        if change.action == "cannot":
            continue
        _do(admin, change)
        done.append(change)
    return done


#: What each role does with each topic.
_NEEDS: dict[str, dict[str, tuple[str, ...]]] = {
    "forward": {"raw": ("WRITE",)},
    "normalize": {"raw": ("READ",), "normalized": ("WRITE",), "deadletter": ("WRITE",)},
    "judge": {"raw": ("DESCRIBE",), "normalized": ("READ",), "enriched": ("WRITE",)},
    "correlate": {"findings": ("WRITE",), "incidents": ("WRITE",), "deadletter": ("READ",)},
}
#: In place of it, where a job on another engine judges, and where it enriches.
_TELLS = {"findings": ("READ",), "incidents": ("READ",), "control": ("WRITE",), "deadletter": ("READ",)}
_KEEPS = {**_NEEDS["judge"], "enriched": ("READ",)}

#: Errors that are about the topic, and not about whether the brokers can be asked at all.
_OF_TOPICS = {
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_EXCEPTION,
}


def lacking(admin: AdminClient, kafka: Kafka) -> list[str]:
    """What the login in use may not do, of what the roles need, a sentence each.

    Raises:
        KafkaException: the brokers cannot be asked.
    """
    names = topics(kafka.prefix)
    needed: dict[str, set[str]] = {}
    for role in kafka.roles:
        needs: Mapping[str, tuple[str, ...]] = _NEEDS.get(role, {})
        if role == "correlate" and kafka.judge == "external":
            needs = _TELLS
        elif role == "judge" and kafka.enrich == "external":
            needs = _KEEPS
        for field, operations in needs.items():
            needed.setdefault(getattr(names, field), set()).update(operations)
    if "normalize" in kafka.roles:
        needed |= {entry.topic: {"READ"} for entry in kafka.foreign}
    answers = admin.describe_topics(
        TopicCollection(list(needed)), include_authorized_operations=True, request_timeout=_TIMEOUT
    )
    sentences = []
    for name, future in answers.items():
        try:
            allowed = {operation.name for operation in future.result(_TIMEOUT).authorized_operations or ()}
        except KafkaException as error:
            if error.args[0].code() not in _OF_TOPICS:
                raise
            sentences.append(f"topic {name}: {error.args[0].str()}; is it there, and may this login see it?")
            continue
        missing = sorted(needed[name] - allowed)
        if missing and "ALL" not in allowed:
            sentences.append(f"topic {name}: this login may not {' or '.join(missing)}; `topics plan` shows the ACLs")
    return sentences


def _do(admin: AdminClient, change: Change) -> None:
    futures: Mapping[Any, Future[Any]]
    match change.action:
        case "create":
            assert change.topic is not None
            topic = NewTopic(change.topic, change.partitions, change.replication, config=change.config)
            futures = admin.create_topics([topic], request_timeout=_TIMEOUT)
        case "add_partitions":
            assert change.topic is not None
            futures = admin.create_partitions(
                [NewPartitions(change.topic, change.partitions)], request_timeout=_TIMEOUT
            )
        case "configure":
            assert change.topic is not None
            entries = [
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
                for name, value in change.config.items()
            ]
            resource = ConfigResource(ConfigResource.Type.TOPIC, change.topic, incremental_configs=entries)
            futures = admin.incremental_alter_configs([resource], request_timeout=_TIMEOUT)
        case "grant":
            assert change.grant is not None
            futures = admin.create_acls([_binding(change.grant)], request_timeout=_TIMEOUT)
        case _:
            assert change.grant is not None
            futures = admin.delete_acls([_filter(change.grant)], request_timeout=_TIMEOUT)
    for future in futures.values():
        future.result(_TIMEOUT)


def _topic_changes(admin: AdminClient, declared: Declared) -> list[Change]:
    wanted = wanted_topics(declared)
    there = admin.list_topics(timeout=_TIMEOUT).topics
    present = [topic for topic in wanted if topic.name in there]
    configs = _configs(admin, [topic.name for topic in present])
    changes: list[Change] = []
    for topic in wanted:
        if topic.name not in there:
            changes.append(_creation(topic))
            continue
        partitions = there[topic.name].partitions
        replication = min((len(partition.replicas) for partition in partitions.values()), default=0)
        if len(partitions) < topic.partitions:
            detail = f"{len(partitions)} → {topic.partitions} partitions; zones move to others with their state"
            changes.append(
                Change("add_partitions", f"topic {topic.name}", detail, topic.name, partitions=topic.partitions)
            )
        elif len(partitions) > topic.partitions:
            detail = f"has {len(partitions)} partitions and Kafka cannot take any away; write {len(partitions)}"
            changes.append(Change("cannot", f"topic {topic.name}", detail))
        if replication != topic.replication:
            detail = f"has {replication} replicas, not {topic.replication}; reassign them with Kafka's own tools"
            changes.append(Change("cannot", f"topic {topic.name}", detail))
        different = {name: value for name, value in topic.config.items() if configs[topic.name].get(name) != value}
        if different:
            detail = ", ".join(
                f"{name} {configs[topic.name].get(name, 'unset')} → {value}" for name, value in different.items()
            )
            changes.append(Change("configure", f"topic {topic.name}", detail, topic.name, different))
    return changes


def _creation(topic: WantedTopic) -> Change:
    settings = ", ".join(f"{name} {value}" for name, value in topic.config.items())
    detail = f"{topic.partitions} partitions, {topic.replication} replicas, {settings}"
    return Change(
        "create", f"topic {topic.name}", detail, topic.name, topic.config, topic.partitions, topic.replication
    )


def _configs(admin: AdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
    answers = admin.describe_configs(resources, request_timeout=_TIMEOUT)
    return {
        str(resource.name): {name: entry.value for name, entry in future.result(_TIMEOUT).items()}
        for resource, future in answers.items()
    }


def _access_changes(admin: AdminClient, declared: Declared) -> list[Change]:
    wanted = wanted_grants(declared)
    known = {access.principal for access in declared.access}
    there = _grants(admin)
    # Of principals that the file does not name, only what they may do with these topics is shown.
    names = {topic.name for topic in wanted_topics(declared)}
    extra = {grant for grant in there - wanted if grant.principal in known or grant.name in names}
    return [
        *(Change("grant", "access", str(grant), grant=grant) for grant in sorted(wanted - there)),
        *(Change("revoke", "access", str(grant), grant=grant) for grant in sorted(extra)),
    ]


def _grants(admin: AdminClient) -> set[Grant]:
    # Its stub wants text where None is any.
    everything = AclBindingFilter(
        ResourceType.ANY,
        None,  # type: ignore[arg-type]
        ResourcePatternType.ANY,
        None,  # type: ignore[arg-type]
        None,  # type: ignore[arg-type]
        AclOperation.ANY,
        AclPermissionType.ALLOW,
    )
    return {
        Grant(
            binding.principal,
            binding.operation.name.lower(),
            _NAMES[binding.restype],
            binding.name,
            binding.resource_pattern_type == ResourcePatternType.PREFIXED,
        )
        for binding in admin.describe_acls(everything, request_timeout=_TIMEOUT).result(_TIMEOUT)
        if binding.restype in _NAMES
    }


def _binding(grant: Grant) -> AclBinding:
    return AclBinding(*_parts(grant))


def _filter(grant: Grant) -> AclBindingFilter:
    return AclBindingFilter(*_parts(grant))


def _parts(
    grant: Grant,
) -> tuple[ResourceType, str, ResourcePatternType, str, str, AclOperation, AclPermissionType]:
    pattern = ResourcePatternType.PREFIXED if grant.prefixed else ResourcePatternType.LITERAL
    return (
        _RESOURCES[grant.resource], grant.name, pattern, grant.principal, "*", AclOperation[grant.operation.upper()],
        AclPermissionType.ALLOW,
    )  # fmt: skip
