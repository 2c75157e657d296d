"""The topics as Flink's tables: SQL, because there watermarks are taken in the source, for each partition by itself.

Pure: texts only. `value` and `key` are bytes and text as they are; their form is ours, not Flink's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dns_events.durations import seconds

from dns_rules.errors import RulesError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .settings import Job

#: Where a message is, after its topic.
PLACE = "CONCAT(CAST(`partition` AS STRING), '/', CAST(`offset` AS STRING))"
#: A dead letter as the bridge writes them.
LETTER = "`value`, MAP['dnstower.reason', CAST(`reason` AS BYTES), 'dnstower.place', CAST(`place` AS BYTES)]"
#: An enriched event as the bridge writes them: `kafka_bridge.kafka.headers.of_event`.
ENRICHED = (
    "`zone`, `value`, MAP['ce_id', CAST(`id` AS BYTES), 'ce_time', CAST(`time` AS BYTES), "
    "'ce_specversion', CAST('1.0' AS BYTES), 'ce_source', CAST(`source` AS BYTES), 'ce_type', CAST(`type` AS BYTES), "
    "'ce_subject', CAST(`zone` AS BYTES), 'content-type', CAST('application/json' AS BYTES)] "
    "FROM `judged` AS `judged` (`zone`, `value`, `id`, `time`, `source`, `type`)"
)
#: Options of a topic whose messages have keys.
_KEYED = ("key.format", "key.fields", "value.fields-include")
#: The event's time to the second: the header that every message has (CloudEvents). One without it moves no time.
_TIME = "TO_TIMESTAMP(REPLACE(SUBSTRING(CAST(`headers`['ce_time'] AS STRING), 1, 19), 'T', ' '))"


def source(name: str, topic: str, job: Job, *, lateness: float, single: bool = False) -> str:
    """A topic that is read.

    Args:
        name: of the table.
        topic: its name.
        job: the configuration.
        lateness: seconds that a message may be behind the newest of its partition.
        single: it is read in one place.
    """
    options = {
        **_common(topic, job),
        "value.format": "raw",
        "properties.group.id": f"{job.group}.{name}",
        "properties.isolation.level": "read_committed",
        # Flink's checkpoints know better; these are for a job that starts without one.
        "scan.startup.mode": "earliest-offset",
        "scan.watermark.idle-timeout": f"{seconds(job.idle):g} s",
        **({"scan.parallelism": "1"} if single else {}),
    }
    return (
        f"CREATE TEMPORARY TABLE `{name}` (`key` STRING, `value` BYTES, "
        "`partition` INT METADATA VIRTUAL, `offset` BIGINT METADATA VIRTUAL, "
        f"`headers` MAP<STRING, BYTES> METADATA VIRTUAL, `time` AS {_TIME}, "
        f"WATERMARK FOR `time` AS `time` - INTERVAL '{lateness:.3f}' SECOND) "
        f"WITH ({_with(options)})"
    )


def sink(name: str, topic: str, job: Job, *, headers: bool = False, keyed: bool = True, ordered: bool = True) -> str:
    """A topic that is written in transactions, which end with checkpoints.

    Args:
        name: of the table.
        topic: its name.
        job: the configuration.
        headers: its messages have some.
        keyed: its messages have keys.
        ordered: all of it is in order, and so is written in one place; else what has one key is.
    """
    options = {
        # Brokers say what is too large: a dead letter may be a whole inventory.
        "properties.max.request.size": str(8 << 20),
        "properties.compression.type": "lz4",
        **_common(topic, job),
        "value.format": "raw",
        "sink.delivery-guarantee": "exactly-once",
        "sink.transactional-id-prefix": f"{job.group}-{name}",
        **({"sink.parallelism": "1"} if ordered else {}),
        "properties.transaction.timeout.ms": str(int(seconds(job.checkpoints.transaction) * 1000)),
    }
    columns = ["`value` BYTES"]
    if keyed:
        columns.insert(0, "`key` STRING")
    else:
        options = {option: value for option, value in options.items() if option not in _KEYED}
    if headers:
        columns.append("`headers` MAP<STRING, BYTES> METADATA")
    return f"CREATE TEMPORARY TABLE `{name}` ({', '.join(columns)}) WITH ({_with(options)})"


def _common(topic: str, job: Job) -> dict[str, str]:
    return {
        "connector": "kafka",
        "topic": topic,
        "key.format": "raw",
        "key.fields": "key",
        "value.fields-include": "EXCEPT_KEY",
        "properties.bootstrap.servers": ",".join(job.brokers),
        **_security(job),
        **{f"properties.{option}": str(value) for option, value in job.kafka.items()},
    }


def _security(job: Job) -> dict[str, str]:
    protocol = ("SASL_SSL" if job.tls else "SASL_PLAINTEXT") if job.sasl else ("SSL" if job.tls else "PLAINTEXT")
    found = {"properties.security.protocol": protocol}
    if job.tls is not None:
        found |= {"properties.ssl.truststore.type": "PEM", "properties.ssl.truststore.location": job.tls.ca}
        if job.tls.keystore is not None:
            found |= {"properties.ssl.keystore.type": "PEM", "properties.ssl.keystore.location": job.tls.keystore}
    if job.sasl is not None:
        try:
            password = Path(job.sasl.password_file).read_text().strip()
        except OSError as error:
            msg = f"sasl.password_file: {error.strerror}: {job.sasl.password_file}"
            raise RulesError(msg) from error
        module = "plain.PlainLoginModule" if job.sasl.mechanism == "PLAIN" else "scram.ScramLoginModule"
        login = f'username="{_quoted(job.sasl.username)}" password="{_quoted(password)}"'
        found["properties.sasl.mechanism"] = job.sasl.mechanism
        # The name as it is in the connector's jar, which carries Kafka's client under names of its own.
        kafka = "org.apache.flink.kafka.shaded.org.apache.kafka"
        found["properties.sasl.jaas.config"] = f"{kafka}.common.security.{module} required {login};"
    return found


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _with(options: Mapping[str, str]) -> str:
    return ", ".join(f"'{_escaped(key)}' = '{_escaped(value)}'" for key, value in options.items())


def _escaped(text: str) -> str:
    return text.replace("'", "''")
