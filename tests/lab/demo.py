"""``./dev up`` without names: the lab, and `kafka-bridge up` watching it, until one of them ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import LabError
from .lab import Lab

if TYPE_CHECKING:
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: What suits TTLs of half a minute; anything given on the command line wins.
_PACE = {"--interval": "10s", "--timeout": "1s"}


def arguments(lab: Lab, given: list[str]) -> list[str]:
    """What `kafka-bridge up` is told about a lab."""
    told = ["--inventory", str(lab.inventory), "--root-hints", str(lab.root_hints)]
    told += ["--trust-anchor", str(lab.trust_anchor)]
    for region, address in lab.resolvers.items():
        told += ["--resolver", f"{region}={address}"]
    for option, value in _PACE.items():
        if not any(word.split("=")[0] == option for word in given):
            told += [option, value]
    return [*told, *given]


def state_directory(given: list[str]) -> Path:
    """The folder that ``--dir`` names."""
    for index, word in enumerate(given):
        if word == "--dir" and index + 1 < len(given):
            return Path(given[index + 1])
        if word.startswith("--dir="):
            return Path(word.removeprefix("--dir="))
    return Path(".dnstower")


def main(given: list[str]) -> int:
    """Run both; the exit code is that of `kafka-bridge up`."""
    directory = state_directory(given)
    directory.mkdir(parents=True, exist_ok=True)
    note = directory / "lab.json"
    child: subprocess.Popen[bytes] | None = None

    def forward(number: int, _frame: FrameType | None) -> None:
        # The bridge ends in its own order; the lab goes down after it.
        if child is not None and child.poll() is None:
            child.send_signal(number)
        elif child is None:
            raise KeyboardInterrupt

    for number in _SIGNALS:
        signal.signal(number, forward)
    with tempfile.TemporaryDirectory(prefix="dnstower-lab-") as place:
        print("lab: starting name servers and resolvers", file=sys.stderr, flush=True)
        with Lab.start(Path(place)) as lab:
            note.write_text(json.dumps(lab.to_json()))
            try:
                print(f"lab: {len(lab.zones)} zones on {lab.network}", file=sys.stderr, flush=True)
                child = subprocess.Popen(
                    [sys.executable, "-m", "kafka_bridge", "up", *arguments(lab, given)], start_new_session=True
                )
                while child.poll() is None:
                    try:
                        child.wait(1)
                    except subprocess.TimeoutExpired:
                        lab.check()
            finally:
                note.unlink(missing_ok=True)
                if child is not None and child.poll() is None:
                    child.terminate()
                    child.wait(30)
    return child.returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
