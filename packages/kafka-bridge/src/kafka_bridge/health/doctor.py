"""``kafka-bridge doctor``: in sentences, what is wrong and what to do."""

from __future__ import annotations

import datetime as dt
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import psycopg
from msgspec import Struct, to_builtins

from kafka_bridge.config import load_config
from kafka_bridge.errors import BridgeError
from kafka_bridge.influx.client import Client, InfluxError, RefusedError
from kafka_bridge.notify.removed import waiting
from kafka_bridge.store.ground import ground
from kafka_bridge.store.locate import Dir, Json, Where, conninfo
from kafka_bridge.store.migrate import packaged
from kafka_bridge.store.pool import connect, shown
from kafka_bridge.store.timescale import troubles
from kafka_bridge.timekeeper import departure

from .brokers import look as look_at_brokers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kafka_bridge.config import Config

    Connection = psycopg.Connection[tuple[Any, ...]]

#: Seconds; more is said.
_SKEW = 2.0
_BEHIND = 60.0
_SILENT = 300.0


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that is wrong, or worth knowing."""

    part: str
    severity: Literal["error", "warning"]
    what: str
    do: str


def doctor(*, config: Where = None, dir_: Dir = Path(".dnstower"), as_json: Json = False) -> int:
    """Say what is wrong with brokers, topics, ACLs, database, jobs, pipeline, probes and clocks, and what to do.

    Exit codes: 0 nothing wrong, 1 failed, 3 something is wrong.

    Args:
        config: bridge.yaml.
        dir_: state folder of a running `up`.
        as_json: one JSON object a line.
    """
    loaded = None if config is None else load_config(config)
    found = [*_store(loaded, config, dir_)]
    if loaded is not None and loaded.kafka is not None:
        said = look_at_brokers(loaded.kafka, archive=loaded.archive is not None)
        found += [Finding(part=p, severity="error", what=w, do=d) for p, w, d in said]
    if loaded is not None:
        found += _archive(loaded)
        found += _influx(loaded)
    for finding in found:
        if as_json:
            print(json.dumps(to_builtins(finding)))
        else:
            print(f"{finding.severity}: {finding.part}: {finding.what}\n    {finding.do}")
    if not found and not as_json:
        print("nothing is wrong")
    return 3 if found else 0


def _store(loaded: Config | None, config: Path | None, directory: Path) -> Iterator[Finding]:
    if loaded is not None and loaded.forwards_only:
        return
    if loaded is not None and loaded.store.url is None:
        yield Finding(
            part="store", severity="warning", what="the store is embedded and belongs to the running bridge",
            do="its /readyz on the board says how it is; for more, give the store a URL",
        )  # fmt: skip
        return
    address = conninfo(config, directory)
    try:
        connection = connect(address)
    except psycopg.Error as error:
        yield Finding(
            part="store", severity="error",
            what=f"{shown(address)} cannot be reached: {str(error).splitlines()[-1].strip()}",
            do="check that PostgreSQL runs there, the login, and pg_hba.conf; meanwhile the bridge takes nothing",
        )  # fmt: skip
        return
    with connection:
        yield from _schema(connection)
        yield from _clock(connection)


def _schema(connection: Connection) -> Iterator[Finding]:
    row = connection.execute("select to_regclass('migration') is not null").fetchone()
    if row is None or not row[0]:
        yield Finding(
            part="store", severity="error", what="there is no schema of ours in this database",
            do="start `kafka-bridge run` once: it makes it; or check the store's URL",
        )  # fmt: skip
        return
    (number,) = connection.execute("select max(number) from migration").fetchone() or (0,)
    newest = packaged()[-1].number
    if number != newest:
        yield Finding(
            part="store", severity="error", what=f"the schema is at {number}, this version knows {newest}",
            do="run the same version everywhere; the newer one migrates at its start",
        )  # fmt: skip
        return
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        (value,) = connection.execute("select current_setting(%s)", (setting,)).fetchone() or ("",)
        if value == "off":
            yield Finding(
                part="store", severity="error", what=f"{setting} is off: a crash loses what was acknowledged",
                do=f"set {setting} = on in postgresql.conf",
            )  # fmt: skip
    if ground(connection) == "timescale":
        for sentence in troubles(connection):
            yield Finding(
                part="jobs", severity="error", what=sentence,
                do="roll-ups and retention stand still; see timescaledb_information.job_errors",
            )  # fmt: skip
    yield from _pipeline(connection)


def _pipeline(connection: Connection) -> Iterator[Finding]:
    for part, partition, behind, queued in connection.execute(
        "select part, partition, behind, waiting from v_pipeline where behind > %s", (_BEHIND,)
    ).fetchall():
        name = part if partition is None else f"{part}, partition {partition}"
        queue = "" if queued is None else f"; {queued} wait"
        yield Finding(
            part="pipeline", severity="error", what=f"{name} is {behind:.0f} s behind{queue}",
            do="is a bridge with this role running, and what does its log say? More workers, or a faster database",
        )  # fmt: skip
    for part, partition, behind in connection.execute(
        "select part, partition, behind from v_pipeline where behind < -%s", (_BEHIND,)
    ).fetchall():
        name = part if partition is None else f"{part}, partition {partition}"
        yield Finding(
            part="clocks", severity="error", what=f"{name} has judged {-behind:.0f} s of the future: a clock was ahead",
            do="synchronize the clocks; events until then are stored and archived but too late to be judged",
        )  # fmt: skip
    for reason, count in connection.execute(
        "select left(reason, 120), count(*) from deadletter where retried is null and received > now() - "
        "interval '1 hour' group by 1 order by 2 desc limit 5"
    ).fetchall():
        yield Finding(
            part="deadletter", severity="warning", what=f"{count} dead letters in the last hour: {reason}",
            do="kafka-bridge deadletter list; once the cause is gone, deadletter retry",
        )  # fmt: skip
    for notifier, error, count in connection.execute(
        "select notifier, max(error), count(*) from delivery "
        "where delivered is null and error is not null and missed is null group by 1"
    ).fetchall():
        yield Finding(
            part="pages", severity="error", what=f"{count} pages do not reach {notifier}: {error}",
            do="they are tried again; check the address and the way there",
        )  # fmt: skip
    for sentence in waiting(connection):
        yield Finding(
            part="pages", severity="error", what=sentence,
            do="put the receiver back into bridge.yaml under this name, or let them go",
        )  # fmt: skip
    for probe, region, silent in connection.execute(
        "select probe, region, extract(epoch from silent_for)::float8 from v_probe "
        "where silent_for between %s * interval '1 second' and interval '7 days'",
        (_SILENT,),
    ).fetchall():
        yield Finding(
            part="probes", severity="warning", what=f"{probe} ({region or 'no region'}) is silent for {silent:.0f} s",
            do="is it running, and can it reach the bridge? Its queue on disk keeps what it sees",
        )  # fmt: skip
    for probe, delay in connection.execute("select probe, delay from v_probe where delay < -%s", (_SKEW,)).fetchall():
        yield Finding(
            part="clocks", severity="error", what=f"the clock of {probe} is {-delay:.0f} s ahead of the store's",
            do="synchronize it (chrony, systemd-timesyncd); its events are judged at the wrong time",
        )  # fmt: skip


def _clock(connection: Connection) -> Iterator[Finding]:
    before = time.time()
    (theirs,) = connection.execute("select clock_timestamp()").fetchone() or (dt.datetime.now(dt.UTC),)
    ours = (before + time.time()) / 2
    if (sentence := departure(ours, theirs.timestamp())) is not None:
        yield Finding(
            part="clocks", severity="error", what=sentence,
            do="synchronize both (chrony, systemd-timesyncd); running bridges go by the database's meanwhile",
        )  # fmt: skip


def _archive(config: Config) -> Iterator[Finding]:
    if config.archive is None:
        return
    try:
        from kafka_bridge.archive.place import Place  # noqa: PLC0415 - an extra

        Place(config.archive).folders()
    except ImportError as error:
        yield Finding(
            part="archive", severity="error", what=f"more is needed than is installed ({error})",
            do="pip install 'kafka-bridge[archive]'",
        )  # fmt: skip
    except (BridgeError, OSError) as error:
        yield Finding(
            part="archive", severity="error", what=str(error),
            do="events wait in the store until it can be written; check the place and its keys",
        )  # fmt: skip


def _influx(config: Config) -> Iterator[Finding]:
    if config.influx is None:
        return
    client = Client(config.influx)
    try:
        # A comment: the login, the database and the right to write are tried, and nothing is written.
        client.write([b"# kafka-bridge doctor"])
    except RefusedError:
        pass  # it would take a point
    except InfluxError as error:
        yield Finding(
            part="influx", severity="error", what=str(error),
            do="its points are written once it takes them, as long as the store keeps their minutes",
        )  # fmt: skip
    finally:
        client.close()
