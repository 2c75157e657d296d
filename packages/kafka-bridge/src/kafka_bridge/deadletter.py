"""``kafka-bridge deadletter``: what could not be read, why, and sending it again once the cause is gone."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from . import audit
from .config import load_config
from .errors import BridgeError
from .store.locate import Dir, Json, Where, connected, query

if TYPE_CHECKING:
    import psycopg

    from .kafka.settings import Kafka

deadletter_app = App(name="deadletter", help="Records that could not be read, with their reasons.")

#: Held in memory at once.
_BATCH = 500


@deadletter_app.command(name="list")
def list_(*, config: Where = None, dir_: Dir = Path(".dnstower"), as_json: Json = False) -> int:
    """List the newest dead letters.

    Args:
        config: bridge.yaml.
        dir_: state folder of a running `up`.
        as_json: one JSON object a line.
    """
    for id_, received, retried, reason, size in query(
        config,
        dir_,
        "select id, received, retried, reason, length(payload) from deadletter order by id desc limit 200",
    ):
        if as_json:
            entry = {"id": id_, "received": received.isoformat(), "reason": reason, "bytes": size,
                     "retried": None if retried is None else retried.isoformat()}  # fmt: skip
            print(json.dumps(entry))
        else:
            again = "" if retried is None else f"  (sent again {retried:%Y-%m-%d %H:%M:%S}Z)"
            print(f"{id_:8} {received:%Y-%m-%d %H:%M:%S}Z {size:7} bytes  {reason}{again}")
    return 0


@deadletter_app.command
def show(id_: int, /, *, config: Where = None, dir_: Dir = Path(".dnstower"), as_json: Json = False) -> int:
    """Show one dead letter: its reason, its place on the bus, and its bytes in base64.

    Args:
        id_: as `deadletter list` prints it.
        config: bridge.yaml.
        dir_: state folder of a running `up`.
        as_json: print JSON.
    """
    rows = query(
        config,
        dir_,
        'select received, topic, partition, "offset", reason, payload from deadletter where id = %s',
        (id_,),
    )
    if not rows:
        msg = f"no dead letter {id_}"
        raise BridgeError(msg)
    received, topic, partition, offset, reason, payload = rows[0]
    letter = {
        "id": id_, "received": received.isoformat(), "topic": topic, "partition": partition, "offset": offset,
        "reason": reason, "payload": base64.b64encode(payload).decode(),
    }  # fmt: skip
    print(json.dumps(letter) if as_json else "\n".join(f"{key}: {value}" for key, value in letter.items()))
    return 0


@deadletter_app.command
def retry(
    *ids: int,
    all_: Annotated[bool, Parameter(name="--all", negative="")] = False,
    reason: str | None = None,
    config: Where = None,
    dir_: Dir = Path(".dnstower"),
    as_json: Json = False,
) -> int:
    """Send dead letters the way they came, once their cause is gone; what is still unreadable comes back as a new one.

    Letters that were sent again before are passed over, unless they are named, and so are those of topics that a job
    writes, such as findings. It is in the audit log.

    Args:
        ids: as `deadletter list` prints them.
        all_: all that were not sent again yet.
        reason: all of these whose reason contains this text.
        config: bridge.yaml.
        dir_: state folder of a running `up`.
        as_json: print JSON.
    """
    if bool(ids) + all_ + (reason is not None) != 1:
        msg = "write the numbers of letters, or --all, or --reason TEXT"
        raise BridgeError(msg)
    which = "id = any(%s)" if ids else "retried is null and strpos(reason, %s) > 0"
    values = (list(ids) if ids else reason or "",)
    sent = 0
    with connected(config, dir_) as connection:
        rows = connection.execute(f"select id, topic from deadletter where {which} order by id".encode(), values)  # noqa: S608 - from above
        letters = rows.fetchall()
        again = None if ids else _taken_again(config)
        found = [id_ for id_, topic in letters if again is None or topic is None or topic in again]
        if left := len(letters) - len(found):
            print(f"{left} left: who wrote them has to write them anew", file=sys.stderr)
        if missing := sorted(set(ids) - set(found)):
            msg = f"no dead letter {', '.join(map(str, missing))}"
            raise BridgeError(msg)
        for n in range(0, len(found), _BATCH):
            batch = found[n : n + _BATCH]
            with connection.transaction():
                _send(connection, batch, config)
                connection.execute("update deadletter set retried = now() where id = any(%s)", (batch,))
                audit.record(connection, "deadletter.retry", {"ids": batch})
            sent += len(batch)
            if sent < len(found):
                print(f"{sent} of {len(found)} sent again", file=sys.stderr)
    print(json.dumps({"sent": sent}) if as_json else f"{sent} sent again")
    return 0


def _send(connection: psycopg.Connection[Any], ids: list[int], config: Path | None) -> None:
    rows = connection.execute(
        "select id, topic, payload from deadletter where id = any(%s) order by id", (ids,)
    ).fetchall()
    embedded = [(f"deadletter {id_}", payload) for id_, topic, payload in rows if topic is None]
    if embedded:
        # Offsets have to appear in their order: nobody else appends until this is committed.
        connection.execute("lock table bus_raw in share row exclusive mode")
        connection.cursor().executemany("insert into bus_raw (peer, payload) values (%s, %s)", embedded)
    if published := [(topic, bytes(payload)) for _, topic, payload in rows if topic is not None]:
        _publish(published, config)


def _taken_again(config: Path | None) -> set[str] | None:
    kafka = _kafka(config)
    if kafka is None:
        return None
    from .kafka.again import taken_again  # noqa: PLC0415 - an extra

    return taken_again(kafka)


def _kafka(config: Path | None) -> Kafka | None:
    return None if config is None else load_config(config).kafka


def _publish(rows: list[tuple[str, bytes]], config: Path | None) -> None:
    kafka = _kafka(config)
    if kafka is None:
        msg = "these letters are of Kafka topics; give --config with the brokers"
        raise BridgeError(msg)
    from .kafka.again import send_again  # noqa: PLC0415 - an extra

    send_again(kafka, rows)
