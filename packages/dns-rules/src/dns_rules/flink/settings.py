"""``job.yaml``: typed and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dns_events.durations import seconds
from dns_events.yamlfile import Document
from msgspec import Struct, structs

from dns_rules.errors import RulesError

if TYPE_CHECKING:
    from pathlib import Path

#: Options of Kafka's clients that the job's promises rest on.
_OURS = ("bootstrap.servers", "group.id", "isolation.level", "transactional.id", "enable.idempotence", "acks")
#: Brokers refuse longer ones by default (`transaction.max.timeout.ms`).
_LONGEST_TRANSACTION = 900


class Topics(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whole names. They are the bridge's (`kafka-bridge topics`), and are written here so that both can be read."""

    normalized: str
    control: str
    findings: str
    incidents: str
    deadletter: str
    enriched: str | None = None
    """Judged events with what is known beside them. Left out, the bridge writes them."""


class Checkpoints(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where state is saved, and how often: findings and incidents are seen on their topics as often."""

    directory: str
    """A URL: ``file:///…``, ``s3://…``."""
    every: str = "10s"
    transaction: str = "15m"
    """A job that is away for longer may lose what it had not committed; at most the brokers' own limit."""


class Bundle(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many events, or so long, until changed states are written; all of it is delay."""

    events: int = 10_000
    time: str = "500ms"
    zones: int = 20_000
    """Zones of one slot whose states are kept decoded."""


class Tls(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """PEM files, on every machine of the cluster."""

    ca: str
    keystore: str | None = None
    """Certificate and key in one file, for mutual TLS."""


class Sasl(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who the job is. The file is read where the job is started."""

    username: str
    password_file: str
    mechanism: Literal["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"] = "SCRAM-SHA-512"


class Job(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    brokers: tuple[str, ...]
    topics: Topics
    checkpoints: Checkpoints
    group: str = "dnstower.flink"
    """The consumer group, and the prefix of the transactional ids."""
    connector: str | None = None
    """The jar of the Kafka connector; left out where it is in the cluster's ``lib``."""
    parallelism: int | None = None
    """Slots that judge; the cluster's default where left out."""
    idle: str = "15s"
    """A partition that brings nothing for so long is not waited for."""
    bundle: Bundle = Bundle()
    tls: Tls | None = None
    sasl: Sasl | None = None
    kafka: dict[str, str | int | bool] = {}
    """Further options of Kafka's clients."""
    flink: dict[str, str | int | bool] = {}
    """Further options of Flink."""


def load_job(path: Path) -> Job:
    """Read and check a job's configuration. Relative paths are relative to the file.

    Raises:
        RulesError: names file, line and what to write instead.
    """
    document = Document(path, RulesError)
    job = document.convert(Job)
    if not job.brokers:
        raise document.error("$.brokers", "no broker; write `brokers: [kafka-1:9092]`")
    for at, text in (
        ("$.idle", job.idle), ("$.bundle.time", job.bundle.time), ("$.checkpoints.every", job.checkpoints.every),
        ("$.checkpoints.transaction", job.checkpoints.transaction),
    ):  # fmt: skip
        document.seconds(at, text)
    if "://" not in job.checkpoints.directory:
        raise document.error("$.checkpoints.directory", f"{job.checkpoints.directory!r} is no URL; write file:///PATH")
    if seconds(job.checkpoints.transaction) > _LONGEST_TRANSACTION and "transaction.timeout.ms" not in job.kafka:
        raise document.error("$.checkpoints.transaction", "brokers refuse more than 15m unless told otherwise")
    if job.bundle.events < 1 or job.bundle.zones < 1:
        raise document.error("$.bundle", "less than one")
    if job.parallelism is not None and job.parallelism < 1:
        raise document.error("$.parallelism", "less than one slot")
    if ours := sorted(set(job.kafka) & set(_OURS)):
        raise document.error("$.kafka", f"{ours[0]} is set by the job itself; leave it out")
    if secret := sorted(name for name in job.kafka if "password" in name or "jaas" in name):
        raise document.error("$.kafka", f"{secret[0]} does not belong into a file; use `sasl` and its `password_file`")
    base = path.resolve().parent
    return structs.replace(
        job,
        connector=None if job.connector is None else str(base / job.connector),
        sasl=None if job.sasl is None else structs.replace(job.sasl, password_file=str(base / job.sasl.password_file)),
    )
