"""The bridge in this process, a receiver process for each region, until told to stop."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
import threading
import time
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any

import msgspec
from dns_rules import load_inventory
from dns_rules.errors import RulesError

from kafka_bridge.bridge import Bridge
from kafka_bridge.config import Board, Config, Otlp, Store, load_notify
from kafka_bridge.errors import BridgeError, ConfigError
from kafka_bridge.notify.settings import Notify

from .learn import write_inventory
from .receivers import Receivers
from .summary import Summary, summarize, table

if TYPE_CHECKING:
    from pathlib import Path

    from dns_rules import Inventory

    from .options import Options

_ONCE_SECONDS = 90.0


def run(options: Options) -> int:
    """Run until a signal, `--for` or `--once`; returns the exit code.

    Raises:
        BridgeError: it cannot run; the message says why.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    options.directory.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with ExitStack() as stack:
        stack.enter_context(_sole_use(options.directory))
        inventory_path = _inventory(options)
        config = Config(
            inventory=str(inventory_path),
            rules=None if options.rules is None else str(options.rules),
            otlp=Otlp(grpc="127.0.0.1:0", http=None),
            store=Store(directory=str(options.directory / "postgres")),
            board=Board(listen=options.board),
            notify=_notify(options),
        )
        bridge = stack.enter_context(Bridge(config))
        assert bridge.ports.grpc is not None
        receivers = Receivers(options, bridge.inventory, bridge.ports.grpc)
        receivers.start()
        stack.callback(receivers.stop)
        url = f"http://{options.board.rpartition(':')[0]}:{bridge.ports.board}/"
        stack.enter_context(_run_file(options.directory, url, bridge))
        _say(f"board: {url}")
        _say(f"watching {len(bridge.inventory.zones)} zones from {len(options.resolvers)} regions")
        summary = _watch(options, bridge, receivers, stop, started)
        if options.once or options.as_json:
            print(msgspec.json.encode(summary).decode() if options.as_json else table(summary), flush=True)
    return 3 if summary.firing else 0


def _watch(options: Options, bridge: Bridge, receivers: Receivers, stop: threading.Event, started: float) -> Summary:
    deadline = None if options.seconds is None else started + options.seconds
    if options.once:
        deadline = started + (options.seconds or _ONCE_SECONDS)
    regions = tuple(sorted(resolver.region for resolver in options.resolvers))
    while True:
        stop.wait(1.0)
        if bridge.bus.failure is not None:
            raise BridgeError(str(bridge.bus.failure))
        receivers.tend()
        over = stop.is_set() or (deadline is not None and time.monotonic() >= deadline)
        if not over and not options.once:
            continue
        summary = summarize(bridge.pool, regions, time.monotonic() - started)
        missing = summary.missing
        if options.once and over and missing and not stop.is_set():
            raise BridgeError(
                f"not everything was judged within {time.monotonic() - started:.0f} s: {'; '.join(missing)}"
            )
        if over or not missing:
            return summary


def _notify(options: Options) -> Notify:
    """Who is told: the receivers of a file, and what is always told here."""
    given = Notify() if options.notify is None else load_notify(options.notify)
    return msgspec.structs.replace(
        given,
        console=given.console and not options.as_json,
        file=given.file or str(options.directory / "pages.ndjson"),
    )


def _inventory(options: Options) -> Path:
    """The inventory to use: the given one, a selection of it, or one that is learned."""
    if options.inventory is None:
        path = options.directory / "inventory.yaml"
        for line in write_inventory(options, path):
            _say(line)
        _say(f"inventory: {path} (edit it and pass it with --inventory)")
        return path
    if not options.names:
        return options.inventory
    try:
        inventory = load_inventory(options.inventory)
    except RulesError as error:
        raise ConfigError(str(error)) from error
    return _selection(options, inventory)


def _selection(options: Options, inventory: Inventory) -> Path:
    known = {zone.zone for zone in inventory.zones}
    unknown = [name for name in options.names if name not in known]
    if unknown:
        msg = f"{options.inventory}: no zone {', '.join(unknown)}; there are {', '.join(sorted(known))}"
        raise ConfigError(msg)
    path = options.directory / "inventory.json.yaml"
    chosen = msgspec.structs.replace(
        inventory, zones=tuple(zone for zone in inventory.zones if zone.zone in options.names)
    )
    # JSON is YAML.
    path.write_bytes(msgspec.json.encode(_without_nothing(msgspec.to_builtins(chosen))))
    return path


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nothing(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nothing(item) for item in value]
    return value


class _sole_use:  # noqa: N801 - used as a context manager, like a function
    """No two `up` in one folder."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "up.lock"
        self._file: IO[str] | None = None

    def __enter__(self) -> None:
        self._file = self._path.open("a")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            msg = f"another `up` is running in {self._path.parent}; stop it, or give this one its own --dir"
            raise BridgeError(msg) from None

    def __exit__(self, *exc: object) -> None:
        if self._file is not None:
            self._file.close()


class _run_file:  # noqa: N801
    """``run.json``: what other commands need to find this `up`. It is there as long as it runs."""

    def __init__(self, directory: Path, board: str, bridge: Bridge) -> None:
        self._path = directory / "run.json"
        self._content = {
            "pid": os.getpid(),
            "board": board,
            "grpc": bridge.ports.grpc,
            "store": bridge.conninfo,
        }

    def __enter__(self) -> None:
        partial = self._path.with_suffix(".partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(self._content, file)
        partial.replace(self._path)

    def __exit__(self, *exc: object) -> None:
        self._path.unlink(missing_ok=True)


def _say(text: str) -> None:
    print(f"dnstower: {text}", file=sys.stderr, flush=True)
