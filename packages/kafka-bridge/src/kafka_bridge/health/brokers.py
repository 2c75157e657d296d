"""What a doctor asks the brokers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_bridge.errors import BridgeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kafka_bridge.kafka.settings import Kafka

_TIMEOUT = 10.0
#: Messages; more is said.
_LAG = 50_000


def look(kafka: Kafka, *, archive: bool = False) -> Iterator[tuple[str, str, str]]:
    """Part, what is wrong, and what to do."""
    try:
        from confluent_kafka import KafkaException  # noqa: PLC0415 - an extra

        from kafka_bridge.kafka import administration  # noqa: PLC0415
        from kafka_bridge.kafka.connection import Connection, last_trouble  # noqa: PLC0415
        from kafka_bridge.kafka.lag import lags  # noqa: PLC0415
        from kafka_bridge.kafka.topics import topics  # noqa: PLC0415
    except ImportError as error:
        yield "brokers", f"more is needed than is installed ({error})", "pip install 'kafka-bridge[kafka]'"
        return
    where = ", ".join(kafka.brokers)
    connection = Connection(kafka)
    admin = connection.admin()
    try:
        known = admin.list_topics(timeout=_TIMEOUT)
    except KafkaException as error:
        said = last_trouble() or error.args[0].str()
        yield (
            "brokers", f"{where} cannot be asked: {said}",
            "check the addresses, `kafka.tls` and `kafka.sasl`, and that a broker runs there",
        )  # fmt: skip
        return
    names = topics(kafka.prefix)
    if missing := [name for name in names if name not in known.topics]:
        yield "topics", f"there is no {', '.join(missing)}", "kafka-bridge topics plan, then topics apply"
        return
    for name in names:
        behind = [p.id for p in known.topics[name].partitions.values() if len(p.isrs) < len(p.replicas)]
        if behind:
            yield (
                "topics", f"{name}: replicas of partitions {behind} are not in sync",
                "a broker is down or slow; under min.insync.replicas nothing is acknowledged any more",
            )  # fmt: skip
        headless = [p.id for p in known.topics[name].partitions.values() if p.leader < 0]
        if headless:
            yield "topics", f"{name}: partitions {headless} have no leader", "bring the brokers back that hold them"
    try:
        for sentence in administration.lacking(admin, kafka):
            yield "access", sentence, "kafka-bridge topics apply with an administrator's login"
        for group, topic, lag in lags(admin, connection, archive=archive):
            if lag > _LAG:
                yield (
                    "lag", f"group {group} has {lag} messages of {topic} before it",
                    "is a bridge with this role running? Add workers up to the number of partitions",
                )  # fmt: skip
    except (KafkaException, TimeoutError) as error:
        yield "brokers", f"{where} stopped answering: {error}", "look at the brokers' logs"
    if kafka.registry is not None:
        yield from _registry(kafka, names.normalized)


def _registry(kafka: Kafka, topic: str) -> Iterator[tuple[str, str, str]]:
    from kafka_bridge.kafka.values import Form, schema  # noqa: PLC0415 - an extra

    try:
        form = Form(kafka, topic)
        assert form.registry is not None
        if kafka.values != "json" and form.registry.id_of(form.subject, schema(kafka.values)) is None:
            yield "registry", f"no schema of this version under {form.subject}", "kafka-bridge schemas register"
        elif kafka.values == "json":
            form.registry.compatible(form.subject, schema("avro"))
        form.registry.close()
    except BridgeError as error:
        yield "registry", str(error), "check `kafka.registry`; values with schemas not seen before wait for it"
