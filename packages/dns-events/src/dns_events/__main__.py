"""``python -m dns_events``: ``schema`` prints the JSON Schema, ``check`` reads NDJSON, ``convert`` changes its form."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from . import convert
from .errors import DnsEventsError
from .events import type_of
from .ndjson import decode_lines
from .schema import json_schema
from .version import __version__


def main(arguments: list[str] | None = None) -> int:
    """Run; returns the exit code: 0 fine, 1 failed, 2 usage, 3 found something."""
    parser = argparse.ArgumentParser(prog="python -m dns_events", description="The event contract.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("schema", help="print the JSON Schema of an event")
    check = commands.add_parser("check", help="read events (NDJSON) and count them by type")
    check.add_argument("file", nargs="?", default="-", help="a file; standard input without it")
    check.add_argument("--json", action="store_true", help="print the counts as JSON")
    convert.add(commands)
    options = parser.parse_args(arguments)
    if options.command == "schema":
        print(json.dumps(json_schema(), indent=2))
        return 0
    if options.command == "convert":
        return convert.run(options)
    return _check(options.file, as_json=options.json)


def _check(file: str, *, as_json: bool) -> int:
    where = "standard input" if file == "-" else file
    try:
        with sys.stdin.buffer if file == "-" else Path(file).open("rb") as lines:
            counts = Counter(type_of(event) for event in decode_lines(lines, where=where))
    except OSError as error:
        print(f"{where}: {error.strerror}", file=sys.stderr)
        return 1
    except DnsEventsError as error:
        print(error, file=sys.stderr)
        return 3
    if as_json:
        print(json.dumps(counts))
    else:
        for kind, count in sorted(counts.items()):
            print(f"{kind}\t{count}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
