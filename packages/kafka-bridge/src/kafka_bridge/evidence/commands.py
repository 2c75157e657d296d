"""``kafka-bridge evidence``: what was recorded, whether anything was altered, and bundles of it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from kafka_bridge import audit
from kafka_bridge.errors import BridgeError
from kafka_bridge.store.locate import Dir, Json, Where, conninfo, query
from kafka_bridge.store.pool import connect, open_pool

from . import bundle
from .chain import GENESIS, Fault, verify
from .responses import responses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import psycopg

    from .chain import Record

evidence_app = App(
    name="evidence",
    help="What happened, in a chain of hashes.\n\nExit codes: 0 fine, 1 failed, 3 something was altered.",
)

_COLUMNS = "seq, recorded, kind, zone, time, source, body, digest, previous, hash"
_SHOW_EVERY = 50_000
#: Sets of keys that go into a bundle from before its stretch.
_MOST_KEYS = 16


@evidence_app.command(name="list")
def list_(
    *,
    zone: str | None = None,
    most: int = 100,
    config: Where = None,
    dir_: Dir = Path(".dnstower"),
    as_json: Json = False,
) -> int:
    """List the newest records.

    Args:
        zone: only its records.
        most: how many.
        config: bridge.yaml.
        dir_: state folder of a running `up`.
        as_json: one JSON object a line, with the body.
    """
    rows = query(
        config,
        dir_,
        "select seq, recorded, kind, zone, time, source, body, hash from evidence where %s::text is null or zone = %s "
        "order by seq desc limit %s",
        (zone, zone, most),
    )
    for seq, recorded, kind, of, time, source, body, hash_ in rows:
        if as_json:
            entry = {"seq": seq, "recorded": recorded.isoformat(), "kind": kind, "zone": of, "time": time.isoformat(),
                     "source": source, "body": json.loads(body), "hash": hash_.hex()}  # fmt: skip
            print(json.dumps(entry))
        else:
            print(f"{seq:8} {time:%Y-%m-%d %H:%M:%S}Z {kind:12} {of or '-':32} {body[:100]}")
    return 0


@evidence_app.command
def head(*, config: Where = None, dir_: Dir = Path(".dnstower"), as_json: Json = False) -> int:
    """Print the last hash, to be kept elsewhere: `verify --head` then finds a chain that was made anew.

    Args:
        config: bridge.yaml.
        dir_: state folder of a running `up`.
        as_json: print JSON.
    """
    rows = query(config, dir_, "select seq, hash from evidence order by seq desc limit 1")
    seq, hash_ = rows[0] if rows else (0, GENESIS)
    print(json.dumps({"seq": seq, "hash": hash_.hex()}) if as_json else f"{seq} {hash_.hex()}")
    return 0


@evidence_app.command(name="verify")
def verify_(
    file: Path | None = None,
    /,
    *,
    head: Annotated[str | None, Parameter(help="A hash that was kept elsewhere.")] = None,
    config: Where = None,
    dir_: Dir = Path(".dnstower"),
    as_json: Json = False,
) -> int:
    """Recompute the whole chain, and name each record that was altered, removed, inserted or reordered.

    Of a bundle, DNSSEC signatures are validated again too, at the time at which each response was seen; one that
    contradicts what was recorded then is a fault. That needs kafka-bridge[evidence].

    Args:
        file: a bundle; it needs neither database nor configuration.
        head: it has to be in the chain.
        config: bridge.yaml.
        dir_: state folder of a running `up`.
        as_json: one JSON object a line: each fault, and of a bundle each response with what its signatures come to.
    """
    try:
        kept = None if head is None else bytes.fromhex(head)
    except ValueError as error:
        msg = f"--head {head!r} is no hash; `kafka-bridge evidence head` prints one"
        raise BridgeError(msg) from error
    if file is not None:
        checked = bundle.read(file, kept)
        return _told([*checked.faults, *_revalidated(checked, as_json=as_json)], len(checked.records), as_json=as_json)
    counted = 0

    def counting(records: Iterable[Record]) -> Iterator[Record]:
        nonlocal counted
        for record in records:
            counted += 1
            if counted % _SHOW_EVERY == 0:
                print(f"{counted} records", file=sys.stderr)
            yield record

    address = conninfo(config, dir_)
    open_pool(address, size=2).close()
    with connect(address) as connection, connection.transaction(), connection.cursor("chain") as cursor:
        cursor.execute(f"select {_COLUMNS} from evidence order by seq".encode())  # noqa: S608 - from above
        found = list(verify(counting(bundle.records_of(cursor)), head=kept))
    return _told(found, counted, as_json=as_json)


@evidence_app.command
def export(
    incident: str | None = None,
    /,
    *,
    zone: str | None = None,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    before: str = "1 hour",
    config: Where = None,
    dir_: Dir = Path(".dnstower"),
    as_json: Json = False,
) -> int:
    """Write a bundle of an incident, or of all that there is of a zone, which verifies without us.

    Args:
        incident: its id.
        zone: in place of an incident.
        output: the file to make.
        before: how far before the incident it begins, as PostgreSQL writes intervals.
        config: bridge.yaml.
        dir_: state folder of a running `up`.
        as_json: print the manifest.
    """
    if (incident is None) == (zone is None):
        msg = "write the id of an incident, or --zone NAME"
        raise BridgeError(msg)
    address = conninfo(config, dir_)
    open_pool(address, size=2).close()
    with connect(address) as connection, connection.transaction():
        body: Any = None
        since = until = None
        if incident is not None:
            row = connection.execute(
                "select body, since - %s::interval, "
                "case when state = 'resolved' then updated + interval '10 minutes' end from incident where id = %s",
                (before, incident),
            ).fetchone()
            if row is None:
                msg = f"no incident {incident}; see `kafka-bridge incidents --all --json`"
                raise BridgeError(msg)
            body, since, until = row
            zone = str(body["zone"])
        bounds = connection.execute(
            "select min(seq), max(seq) from evidence where zone = %s and (%s::timestamptz is null or time >= %s) "
            "and (%s::timestamptz is null or time <= %s)",
            (zone, since, since, until, until),
        ).fetchone()
        with connection.cursor("stretch") as cursor:
            cursor.execute(
                f"select {_COLUMNS} from evidence where seq between %s and %s order by seq".encode(),  # noqa: S608
                bounds or (None, None),
            )
            records = bundle.records_of(cursor)
            keys = bundle.records_of(_keys(connection, str(zone), (bounds or (None, None))[0]))
            manifest = bundle.write(output, records, frozenset({str(zone)}), body, audit.actor(), keys)
        detail = {"zone": zone, "incident": incident, "file": output.name, "head": manifest["head"]}
        audit.record(connection, "evidence.export", detail)
    count = manifest["last"] - manifest["first"] + 1
    print(json.dumps(manifest) if as_json else f"{output}: {count} records, head {manifest['head']}")
    return 0


def _keys(connection: psycopg.Connection[Any], zone: str, first: int | None) -> list[tuple[Any, ...]]:
    """The newest records before a stretch that tell the zone's DNSKEYs."""
    return connection.execute(
        f"select {_COLUMNS} from evidence where zone = %s and seq < %s and kind = 'observation' "  # noqa: S608
        'and strpos(body, \'"qtype":"DNSKEY"\') > 0 and strpos(body, \'"outcome":"answer"\') > 0 '
        "order by time desc limit %s".encode(),
        (zone, first, _MOST_KEYS),
    ).fetchall()


def _revalidated(checked: bundle.Checked, *, as_json: bool) -> list[Fault]:
    """DNSSEC of a bundle's responses; returns what contradicts its records."""
    listed = list(responses([*checked.keys, *checked.records]))
    try:
        from .dnssec import revalidate  # noqa: PLC0415 - an extra

        judged = list(revalidate(listed))
    except ImportError:
        print("DNSSEC was not validated again: pip install 'kafka-bridge[evidence]'", file=sys.stderr)
        return []
    for one in judged if as_json else ():
        print(json.dumps({**one._asdict(), "sets": dict(one.sets)}))
    if counts := Counter(one.result for one in judged):
        told = ", ".join(f"{number} {result}" for result, number in sorted(counts.items()))
        print(f"DNSSEC at the time of each response: {told}", file=sys.stderr)
    return [Fault(one.seq, f"{one.question}: {one.contradiction}") for one in judged if one.contradiction is not None]


def _told(faults: list[Fault], count: int, *, as_json: bool) -> int:
    for fault in faults:
        print(json.dumps(fault._asdict()) if as_json else f"record {fault.seq}: {fault.what}")
    print(f"{count} records, {len(faults)} faults", file=sys.stderr)
    return 3 if faults else 0
