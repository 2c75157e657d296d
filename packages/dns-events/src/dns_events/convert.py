"""``python -m dns_events convert``: records in one form into another, line by line."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from . import dialects, ndjson
from .dialects.framing import MAX_MESSAGE_BYTES
from .errors import DecodeError, DnsEventsError, NotAnObservationError
from .names import normalize, parent, within

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from .events import Event

EVENTS = "events"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    command = commands.add_parser("convert", help="read another tool's records (NDJSON), write events, ECS or OCSF")
    command.add_argument("--from", dest="read", required=True, choices=[EVENTS, *dialects.DIALECTS])
    command.add_argument("--to", dest="write", required=True, choices=[EVENTS, *dialects.WRITERS])
    command.add_argument("file", nargs="?", default="-", help="a file; standard input without it")
    command.add_argument("--zone", action="append", default=[], help="a zone; the longest one that holds a name is its")
    command.add_argument("--probe", help="who looked, where a record does not say; the dialect's name without it")
    command.add_argument("--region", help="where the probe is")
    command.add_argument("--server", help="address of the server where a record leaves it out")
    command.add_argument("--clients", action="store_true", help="keep the addresses of those who asked")
    command.add_argument("--json", action="store_true", help="complaints as JSON, one a line")


def run(options: argparse.Namespace) -> int:
    """Convert; returns 0, or 1 where a record could not be read or written. The others are converted all the same."""
    where = "standard input" if options.file == "-" else options.file
    try:
        read, encode = _reader(options), _writer(options.write)
        with ExitStack() as stack:
            lines = sys.stdin.buffer if options.file == "-" else stack.enter_context(Path(options.file).open("rb"))
            failed = _convert(lines, read, encode, where, as_json=options.json)
    except OSError as error:
        print(f"{where}: {error.strerror}", file=sys.stderr)
        return 1
    except DnsEventsError as error:
        print(error, file=sys.stderr)
        return 2
    return 1 if failed else 0


def _convert(
    lines: BinaryIO,
    read: Callable[[bytes], Iterator[Event | DecodeError]],
    encode: Callable[[Event], bytes],
    where: str,
    *,
    as_json: bool,
) -> int:
    """The number of records that failed."""
    failed = 0
    for number, line in enumerate(_lines(lines), 1):
        if not line.strip():
            continue
        for found in read(line):
            reason: DnsEventsError | None = None
            if isinstance(found, DecodeError):
                reason = found
            else:
                try:
                    sys.stdout.write(encode(found).decode() + "\n")
                except DnsEventsError as error:
                    reason = error
            if reason is not None:
                # A query whose response is another record is no failure, but it is said.
                passed_over = isinstance(reason, NotAnObservationError)
                failed += not passed_over
                _complain(where, number, str(reason), passed_over=passed_over, as_json=as_json)
    return failed


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines, each held up to what is read at all; the rest of a longer one is passed over."""
    while line := file.readline(MAX_MESSAGE_BYTES + 1):
        yield line
        while len(line) > MAX_MESSAGE_BYTES and not line.endswith(b"\n"):
            line = file.readline(MAX_MESSAGE_BYTES + 1)


def _complain(where: str, line: int, reason: str, *, passed_over: bool, as_json: bool) -> None:
    if as_json:
        complaint = {"file": where, "line": line, "reason": reason, "passed_over": passed_over}
        print(msgspec.json.encode(complaint).decode(), file=sys.stderr)
    else:
        print(f"{where}:{line}: {'passed over: ' if passed_over else ''}{reason}", file=sys.stderr)


def _reader(options: argparse.Namespace) -> Callable[[bytes], Iterator[Event | DecodeError]]:
    if options.read == EVENTS:
        return _events
    zones = {normalize(zone) for zone in options.zone}

    def zone_of(name: str) -> str:
        above = name
        while above not in zones and above != ".":
            above = parent(above)
        return above if above in zones and within(name, above) else name

    def read(line: bytes) -> Iterator[Event | DecodeError]:
        return dialects.read(
            options.read,
            line,
            zone_of=zone_of,
            probe=options.probe,
            region=options.region,
            clients=options.clients,
            server=options.server,
        )

    return read


def _events(line: bytes) -> Iterator[Event | DecodeError]:
    try:
        yield ndjson.decode(line)
    except DecodeError as error:
        yield error


def _writer(dialect: str) -> Callable[[Event], bytes]:
    if dialect == EVENTS:
        return ndjson.encode
    return lambda event: msgspec.json.encode(dialects.write(dialect, event))
