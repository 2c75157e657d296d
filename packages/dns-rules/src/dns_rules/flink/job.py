"""The job: topics, `judge` by zone, `correlate` under one key, topics."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from dns_events.durations import seconds
from pyflink.common import Configuration, Types
from pyflink.datastream import OutputTag, StreamExecutionEnvironment
from pyflink.datastream.data_stream import BroadcastStream, DataStream, KeyedStream
from pyflink.java_gateway import get_gateway
from pyflink.table import Schema, StreamTableEnvironment

from dns_rules.rules import Rules

from .broadcast import CONTROL
from .correlating import FINDINGS, KEYED, Correlating
from .judging import ENRICHED, LETTERS, Judging
from .tables import ENRICHED as ENRICHED_MESSAGE
from .tables import LETTER, PLACE, sink, source

if TYPE_CHECKING:
    from .settings import Job

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
#: What the functions read: of events, a shard, and bytes with their place; of the control topic, all three.
_EVENTS = Types.ROW_NAMED(["key", "value"], [Types.STRING(), Types.ROW([_BYTES, Types.STRING()])])
_CONTROL = Types.ROW_NAMED(["key", "value", "place"], [Types.STRING(), _BYTES, Types.STRING()])
_MOST_SLOTS = 720
#: Zones of one shard share a key of Flink's. Never to be changed either: states are kept by it.
_SHARD = "SUBSTRING(MD5(COALESCE(`key`, '')), 1, 2)"
_EXACTLY_ONCE = "EXACTLY_ONCE"


def build(job: Job, restore: str | None = None) -> StreamExecutionEnvironment:
    """The job's graph, ready to be executed. Operators have ids of their own: savepoints go by them.

    Args:
        job: the configuration.
        restore: a checkpoint or savepoint to go on from.
    """
    # On the mini-cluster too: else all slots are threads of this process, share its lock, and fall with it.
    os.environ.setdefault("_python_worker_execution_mode", "process")
    options = _options(job) | ({} if restore is None else {"execution.state-recovery.path": restore})
    environment = StreamExecutionEnvironment.get_execution_environment(Configuration.from_dict(options))
    if job.connector is not None:
        environment.add_jars(f"file://{job.connector}")
    tables = StreamTableEnvironment.create(environment)
    tables.get_config().set("table.local-time-zone", "UTC")
    tables.get_config().set("table.exec.uid.generation", "ALWAYS")
    lateness = Rules(rules=()).lateness
    tables.execute_sql(source("normalized", job.topics.normalized, job, lateness=lateness))
    tables.execute_sql(source("control", job.topics.control, job, lateness=lateness, single=True))
    for name in ("findings", "incidents"):
        tables.execute_sql(sink(name, getattr(job.topics, name), job))
    tables.execute_sql(sink("deadletter", job.topics.deadletter, job, headers=True, keyed=False))
    control = _stream(tables, f"`key`, `value`, {PLACE} AS `place` FROM `control`", _CONTROL).broadcast(CONTROL)
    shards = f"{_SHARD} AS `key`, ROW(`value`, {PLACE}) AS `value` FROM `normalized`"
    enriched = job.topics.enriched
    judging = Judging(job.bundle.zones, job.topics.normalized, job.topics.control, enriches=enriched is not None)
    findings = _processed(_by_key(_stream(tables, shards, _EVENTS)), control, judging, _BYTES, "judge")
    alone = findings.key_by(lambda _: "", key_type=Types.STRING())
    incidents = _processed(alone, control, Correlating(), KEYED, "correlate")
    # In one place each, and in their order.
    incidents.set_parallelism(1)
    ordered = incidents.get_side_output(FINDINGS)
    ordered.set_parallelism(1)
    statements = tables.create_statement_set()
    for name, stream in (("incidents", incidents), ("findings", ordered)):
        schema = Schema.new_builder().column("key", "STRING").column("value", "BYTES").build()
        statements.add_insert(name, tables.from_data_stream(stream, schema))
    tables.create_temporary_view("letters", tables.from_data_stream(findings.get_side_output(LETTERS)))
    statements.add_insert_sql(f"INSERT INTO `deadletter` SELECT {LETTER} FROM `letters`")  # noqa: S608 - our names
    if enriched is not None:
        # Last, so that what stands before it has the same ids with and without it: savepoints go by them.
        tables.execute_sql(sink("enriched", enriched, job, headers=True, ordered=False))
        tables.create_temporary_view("judged", tables.from_data_stream(_beside(findings, ENRICHED)))
        statements.add_insert_sql(f"INSERT INTO `enriched` SELECT {ENRICHED_MESSAGE}")
    statements.attach_as_datastream()
    return environment


def _options(job: Job) -> dict[str, str]:
    options: dict[str, Any] = {
        "execution.checkpointing.mode": _EXACTLY_ONCE,
        "execution.checkpointing.interval": f"{seconds(job.checkpoints.every) * 1000:.0f} ms",
        "execution.checkpointing.dir": job.checkpoints.directory,
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "python.fn-execution.bundle.size": job.bundle.events,
        "python.fn-execution.bundle.time": int(seconds(job.bundle.time) * 1000),
        "python.state.cache-size": job.bundle.zones,
        # Key groups. Never to be changed: a savepoint is of so many, and so many slots are the most that can judge.
        "pipeline.max-parallelism": _MOST_SLOTS,
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
    }
    if job.parallelism is not None:
        options["parallelism.default"] = job.parallelism
    return {name: str(value) for name, value in (options | job.flink).items()}


def _stream(tables: StreamTableEnvironment, selected: str, kind: Any) -> Any:
    table = tables.sql_query(f"SELECT {selected} WHERE `value` IS NOT NULL")
    stream = tables.to_data_stream(table)
    # Functions with broadcast state read rows of this type only; it serializes the same rows.
    stream._j_data_stream.getTransformation().setOutputType(kind.get_java_type_info())  # noqa: SLF001
    return stream


def _by_key(stream: Any) -> KeyedStream:
    """By the message's key, in Java: `DataStream.key_by` would take every event through Python once more."""
    selector = get_gateway().jvm.KeyByKeySelector()
    keyed = stream._j_data_stream.keyBy(selector, Types.ROW([Types.STRING()]).get_java_type_info())  # noqa: SLF001
    return KeyedStream(keyed, _BYTES, stream)


def _beside(stream: DataStream, tag: OutputTag) -> DataStream:
    """A side output, from Java: `DataStream.get_side_output` would take every element through Python once more."""
    return DataStream(stream._j_data_stream.getSideOutput(tag.get_java_output_tag()))  # noqa: SLF001


def _processed(stream: KeyedStream, control: BroadcastStream, function: Any, kind: Any, name: str) -> Any:
    return stream.connect(control).process(function, kind).name(name).uid(name)
