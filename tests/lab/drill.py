"""``./dev drill SCENARIO``: break the running lab, wait for the page, print it, mend the lab."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from . import control
from .errors import LabError
from .scenarios import SCENARIOS


def incidents(board: str, zone: str, state: str) -> list[dict[str, Any]]:
    """Incidents of a zone, as the board gives them."""
    try:
        with urllib.request.urlopen(f"{board}api/incidents?state={state}", timeout=10) as response:
            found: list[dict[str, Any]] = json.load(response)
    except (urllib.error.URLError, TimeoutError) as error:
        raise LabError(f"the board at {board} does not answer: {error}") from error
    return [incident for incident in found if incident["zone"] == zone]


def run(scenario: str, directory: Path, seconds: float, *, as_json: bool) -> int:
    """One drill; 0 when it was paged, and resolved once mended."""
    known = SCENARIOS[scenario]
    lab, running = _note(directory / "lab.json"), _note(directory / "run.json")
    socket, board = Path(lab["socket"]), running["board"]
    if incidents(board, known.zone, "firing,pending"):
        raise LabError(f"{known.zone} has an open incident; wait until it is resolved")
    _say(f"{scenario}: {known.sentence}")
    _bridge(directory, "start", known.zone, scenario)
    began = time.monotonic()
    try:
        control.ask(socket, {"do": "break", "scenario": scenario})
        page = _wait(board, known.zone, "firing", seconds, None)
        to_page = time.monotonic() - began
        if page is not None:
            _say(f"paged {to_page:.0f} s after the fault; mending")
    finally:
        control.ask(socket, {"do": "mend", "scenario": scenario})
        mended = time.monotonic()
    if page is None:
        _bridge(directory, "end", known.zone)
        print(f"lab: no page within {seconds:.0f} s", file=sys.stderr)
        return 1
    resolved = _wait(board, known.zone, "resolved", seconds, page["id"])
    _bridge(directory, "end", known.zone)
    report = {
        "scenario": scenario,
        "fault_to_page": round(to_page, 1),
        "mend_to_resolved": None if resolved is None else round(time.monotonic() - mended, 1),
        "page": page,
    }
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        _print(report)
    return 0 if resolved is not None else 1


def _wait(board: str, zone: str, state: str, seconds: float, id_: str | None) -> dict[str, Any] | None:
    deadline = time.monotonic() + seconds
    said = 0.0
    while time.monotonic() < deadline:
        for incident in incidents(board, zone, state):
            if id_ is None or incident["id"] == id_:
                return incident
        if time.monotonic() - said > 15:
            said = time.monotonic()
            _say(f"waiting for the incident to be {state}")
        time.sleep(0.5)
    return None


def _print(report: dict[str, Any]) -> None:
    page = report["page"]
    where = page["where"]
    print(f"{page['severity'].upper()} {page['title']}")
    print(f"  what         {page['what']}")
    for label in ("regions", "servers", "names"):
        if where[label]:
            print(f"  {label:<12} {', '.join(where[label])}")
    for number, text in enumerate(page["check_first"], 1):
        print(f"  check {number}      {text}")
    print(f"  owner        {page['owner']}; runbook {page['runbook']}; drill {page['drill']}")
    resolved = report["mend_to_resolved"]
    ended = "never" if resolved is None else f"{resolved:.0f} s"
    print(f"  fault to page {report['fault_to_page']:.0f} s, mend to resolved {ended}")


def _note(path: Path) -> dict[str, Any]:
    try:
        note: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise LabError(
            f"no lab is being watched in {path.parent}; start one with ./dev up ({path} is missing)"
        ) from error
    return note


def _bridge(directory: Path, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kafka_bridge", "drill", *words, "--dir", str(directory)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise LabError(f"the drill could not be marked: {done.stderr.strip()}")


def _say(text: str) -> None:
    print(f"drill: {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Parse and run."""
    parser = argparse.ArgumentParser(prog="./dev drill", description="Break the running lab and wait for the page.")
    parser.add_argument("scenario", nargs="?", choices=list(SCENARIOS), metavar="SCENARIO")
    parser.add_argument("--dir", type=Path, default=Path(".dnstower"), help="state folder of the running `up`")
    parser.add_argument("--wait", type=float, default=300, help="seconds to wait for the page (300)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.scenario is None:
        for scenario in SCENARIOS.values():
            print(f"{scenario.name:20} {scenario.sentence}")
        return 0
    try:
        return run(options.scenario, options.dir, options.wait, as_json=options.json)
    except LabError as error:
        print(f"drill: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
