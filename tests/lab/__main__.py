"""`python -m tests.lab`: up, scenarios, break, mend. stdout is data; exit codes 0 fine, 1 failed, 2 usage."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from . import control
from .errors import LabError
from .lab import Lab
from .scenarios import SCENARIOS

if TYPE_CHECKING:
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Stopped(BaseException):
    """A signal asked the lab to end."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "up":
            _up(options.dir)
        elif options.command == "scenarios":
            _list(as_json=options.json)
        else:
            answer = control.ask(options.socket, {"do": options.command, "scenario": options.scenario})
            print(json.dumps(answer.get("fault", {"scenario": options.scenario, "mended": True})))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


def _up(directory: Path | None) -> None:
    for number in _SIGNALS:
        signal.signal(number, _stop)
    try:
        if directory is not None:
            _run(directory)
        else:
            with tempfile.TemporaryDirectory(prefix="dnstower-lab-") as temporary:
                _run(Path(temporary))
    except _Stopped:
        return


def _run(directory: Path) -> None:
    with Lab.start(directory) as lab:
        print(json.dumps(lab.to_json()), flush=True)
        while True:
            time.sleep(1)
            lab.check()


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    # Once is enough; what follows is the orderly way down, which nothing should interrupt.
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise _Stopped


def _list(*, as_json: bool) -> None:
    if as_json:
        rows = [{"scenario": s.name, "zone": s.zone, "sentence": s.sentence} for s in SCENARIOS.values()]
        print(json.dumps(rows))
        return
    width = max(map(len, SCENARIOS))
    for scenario in SCENARIOS.values():
        print(f"{scenario.name:<{width}}  {scenario.sentence}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description="A small real Internet on loopback.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="run it until SIGINT or SIGTERM; one JSON line when it is ready")
    up.add_argument("--dir", type=Path, help="files, logs and lab.sock (default: a temporary one, removed at the end)")
    scenarios = commands.add_parser("scenarios", help="list what can be broken")
    scenarios.add_argument("--json", action="store_true")
    for name, what in (("break", "make a fault in a running lab"), ("mend", "take it back")):
        command = commands.add_parser(name, help=what)
        command.add_argument("scenario", choices=list(SCENARIOS), metavar="SCENARIO")
        command.add_argument("--socket", type=Path, required=True, help="the running lab's lab.sock")
    return parser


if __name__ == "__main__":
    sys.exit(main())
