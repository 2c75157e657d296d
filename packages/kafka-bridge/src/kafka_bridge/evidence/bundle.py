"""A bundle: a stretch of the chain in a zip file, with other zones' contents withheld, that verifies without us."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from kafka_bridge.errors import BridgeError
from kafka_bridge.version import __version__

from .chain import Fault, Record, digest_of, verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_RECORDS, _MANIFEST, _README, _INCIDENT = "records.ndjson", "manifest.json", "README.txt", "incident.json"
_KEYS = "keys.ndjson"
#: Of one file in a bundle, unpacked.
_MOST = 512 << 20
_TEXT = """\
Evidence of dnstower, taken {taken} by {by}.

records.ndjson is a whole stretch of a chain of hashes, one record a line. Records of other zones, and administrative
ones, are in it without their content; their digests keep the chain whole. incident.json is the incident, where there
is one. keys.ndjson are records from before that stretch: responses that told the zone's DNSKEYs. They are not linked
to it; of each only its own digest can be recomputed.

To verify it without any database:

    pip install 'kafka-bridge[evidence]'
    kafka-bridge evidence verify {name} --head HASH

It also validates the DNSSEC signatures of recorded responses again, at the time at which each was seen.

By hand: digest = SHA-256 of the JSON array [kind, zone, time, recorded, source, body], without spaces, with times in
microseconds since 1970; hash = SHA-256 of the hash before, the number as 8 bytes big-endian, and the digest. The last
hash is {head}: it is to be compared with one that was kept elsewhere (kafka-bridge evidence head).
"""


def write(
    path: Path, records: Iterable[Record], zones: frozenset[str], incident: Any, by: str, keys: Iterable[Record] = ()
) -> dict[str, Any]:
    """Make a bundle; returns its manifest.

    Args:
        path: of the file, which must not be there.
        records: a whole stretch of the chain.
        zones: whose records go in with their content.
        incident: goes in as JSON, where there is one.
        by: who takes it.
        keys: earlier records with the zones' DNSKEYs.
    """
    lines, first, last = io.BytesIO(), None, None
    for record in records:
        # Administrative records have no zone, and may name other people's: they are withheld as well.
        shown = record.zone in zones
        lines.write(_line(record, shown=shown))
        first, last = first or record, record
    if first is None or last is None:
        msg = "there are no records of that; see `kafka-bridge evidence list`"
        raise BridgeError(msg)
    files = {_RECORDS: lines.getvalue()}
    if earlier := [_line(record, shown=True) for record in keys]:
        files[_KEYS] = b"".join(earlier)
    if incident is not None:
        files[_INCIDENT] = json.dumps(incident, indent=2).encode()
    taken = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    files[_README] = _TEXT.format(taken=taken, by=by, name=path.name, head=last.hash.hex()).encode()
    manifest = {
        "version": 1, "taken": taken, "by": by, "kafka_bridge": __version__, "zones": sorted(zones),
        "first": first.seq, "last": last.seq, "head": last.hash.hex(),
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }  # fmt: skip
    partial = path.with_name(path.name + ".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, data in {_MANIFEST: json.dumps(manifest, indent=2).encode(), **files}.items():
            bundle.writestr(name, data)
    try:
        path.hardlink_to(partial)
    except FileExistsError as error:
        msg = f"{path} is there already; choose another name"
        raise BridgeError(msg) from error
    finally:
        partial.unlink()
    return manifest


class Checked(NamedTuple):
    """What a bundle comes to."""

    records: list[Record]
    """The stretch of the chain."""
    keys: list[Record]
    """Earlier records, beside the chain."""
    faults: list[Fault]


def check(path: Path, head: bytes | None = None) -> tuple[int, list[Fault]]:
    """The number of records in a bundle, and everything that is wrong with it; see `read`."""
    checked = read(path, head)
    return len(checked.records), checked.faults


def read(path: Path, head: bytes | None = None) -> Checked:
    """Everything that is in a bundle, and everything that is wrong with it.

    Args:
        path: of the file.
        head: a hash that was kept elsewhere; it has to be in the bundle. The bundle's own says nothing of one that was
            made up as a whole.

    Raises:
        BridgeError: it is no bundle, or larger than anybody makes one.
    """
    try:
        with zipfile.ZipFile(path) as bundle:
            manifest = json.loads(_read(bundle, _MANIFEST))
            faults = [
                Fault(0, f"{name} is not as the manifest says")
                for name, digest in sorted(manifest["files"].items())
                if hashlib.sha256(_read(bundle, name)).hexdigest() != digest
            ]
            present = {name for name in bundle.namelist() if name != _MANIFEST}
            faults += [Fault(0, f"{name} is not in the manifest") for name in sorted(present - set(manifest["files"]))]
            records = [_in(json.loads(line)) for line in _read(bundle, _RECORDS).splitlines()]
            faults += verify(records, seq=manifest["first"], previous=None, head=bytes.fromhex(manifest["head"]))
            if head is not None and head not in {record.hash for record in records}:
                faults.append(Fault(manifest["last"], "the head that was kept elsewhere is not in this bundle"))
            lines = _read(bundle, _KEYS).splitlines() if _KEYS in present else []
            keys = [_in(json.loads(line)) for line in lines]
            faults += [Fault(key.seq, f"{_KEYS}: altered: its content does not have its digest") for key in keys
                       if not _whole(key)]  # fmt: skip
            if len(records) != manifest["last"] - manifest["first"] + 1:
                faults.append(Fault(manifest["last"], "not as many records as the manifest says"))
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        msg = f"{path} is no bundle of evidence that can be read: {error}"
        raise BridgeError(msg) from error
    except (NotImplementedError, RuntimeError, EOFError, OverflowError, zlib.error) as error:  # encrypted, or damaged
        msg = f"{path} is no bundle of evidence that can be read: {error}"
        raise BridgeError(msg) from error
    return Checked(records, keys, faults)


def _whole(record: Record) -> bool:
    """Whether a record's content has its digest."""
    return record.body is not None and record.digest == digest_of(
        record.kind, record.zone, record.time, record.recorded, record.source, record.body
    )


def _line(record: Record, *, shown: bool) -> bytes:
    return json.dumps(_out(record, shown=shown), separators=(",", ":")).encode() + b"\n"


def _read(bundle: zipfile.ZipFile, name: str) -> bytes:
    with bundle.open(name) as file:
        data = file.read(_MOST + 1)
    if len(data) > _MOST:
        msg = f"{name} is over {_MOST} bytes"
        raise ValueError(msg)
    return data


def _out(record: Record, *, shown: bool) -> dict[str, Any]:
    made: dict[str, Any] = {
        "seq": record.seq, "recorded": record.recorded.isoformat(), "digest": record.digest.hex(),
        "previous": record.previous.hex(), "hash": record.hash.hex(),
    }  # fmt: skip
    if shown:
        made |= {
            "kind": record.kind, "zone": record.zone, "time": record.time.isoformat(), "source": list(record.source),
            "body": record.body,
        }  # fmt: skip
    return made


def _in(tree: dict[str, Any]) -> Record:
    if not isinstance(tree.get("body"), str | None):
        msg = f"the body of record {tree.get('seq')} is no text"
        raise TypeError(msg)
    recorded = dt.datetime.fromisoformat(tree["recorded"])
    return Record(
        int(tree["seq"]), recorded, str(tree.get("kind", "withheld")), tree.get("zone"),
        dt.datetime.fromisoformat(tree["time"]) if "time" in tree else recorded,
        tuple(map(str, tree.get("source", ()))), tree.get("body"),
        *(bytes.fromhex(tree[name]) for name in ("digest", "previous", "hash")),
    )  # fmt: skip


def records_of(rows: Iterable[tuple[Any, ...]]) -> Iterator[Record]:
    """Rows of the table as records."""
    for seq, recorded, kind, zone, time, source, body, *hashes in rows:
        yield Record(seq, recorded, kind, zone, time, tuple(source), body, *map(bytes, hashes))
