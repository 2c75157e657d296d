"""Dashboards drawn in Chromium by Grafana's own components: what each page tells, and its picture."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from standin import Grafana

if TYPE_CHECKING:
    from collections.abc import Mapping

APP = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def run(*command: str, timeout: float = 120, **env: str) -> str:
    """What a command of the app's folder says.

    Raises:
        AssertionError: it fails; with the end of what it said.
    """
    done = subprocess.run(
        command, cwd=APP, env={**os.environ, "CI": "1", **env}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-6000:]}"
    return done.stdout


def bring() -> None:
    """The app's libraries as the lock has them; brought once, and again when the lock changes."""
    lock, stamp = APP / "package-lock.json", APP / "node_modules" / ".brought"
    with lock.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # another process of these tests may be bringing them
        if not stamp.exists() or stamp.read_bytes() != held.read():
            run("npm", "ci", "--ignore-scripts", timeout=600)
            shutil.copy(lock, stamp)


def draw(
    conninfo: str, host: Path, boards: Mapping[str, Any], chosen: Mapping[str, str] | None = None, pictures: str = ""
) -> dict[str, Any]:
    """What each page tells, by the dashboard's name: `faults`, `empty` panels, and how many `panels` there are.

    Args:
        conninfo: of a login that reads the views.
        host: where ``tests/browser/host.mjs`` has built the page.
        boards: each dashboard, by a name of one's own.
        chosen: what is chosen, as in an address, by that name.
        pictures: the folder for pictures; none by default.
    """
    grafana = Grafana(conninfo, APP / "src", host, boards)
    try:
        urls = [f"{grafana.url}/d/{name}?{(chosen or {}).get(name, '')}" for name in boards]
        said = run("node", "tests/browser/draw.mjs", pictures, *urls, CHROMIUM=CHROMIUM or "", timeout=300)
    finally:
        grafana.stop()
    found: dict[str, Any] = json.loads(said)
    return found
