"""`./dev up` as a process, watched from outside like a user would: exit code, stdout, the board's API."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[2]


class Tower:
    """The lab and the suite watching it, in one folder."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._log: IO[bytes] = (directory / "up.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.lab.demo", "--dir", str(directory), "--board", "127.0.0.1:0", *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
        )
        self.started = time.monotonic()

    def log(self) -> str:
        return (self.directory / "up.log").read_text()

    def note(self, name: str) -> dict[str, Any]:
        note: dict[str, Any] = json.loads((self.directory / name).read_text())
        return note

    @property
    def board(self) -> str:
        return str(self.note("run.json")["board"])

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.board + path, timeout=20) as response:
            return json.load(response)

    def incidents(self, *states: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"api/incidents?state={','.join(states)}")
        return found

    def pages(self) -> list[dict[str, Any]]:
        file = self.directory / "pages.ndjson"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def wait(self, what: str, check: Any, seconds: float) -> float:
        """Seconds until `check()` holds; fails with the log's end."""
        began = time.monotonic()
        while True:
            assert self.process.poll() is None, f"up ended with {self.process.returncode}:\n{self.log()[-3000:]}"
            try:
                if check():
                    return time.monotonic() - began
            except (OSError, ValueError):
                pass  # not listening yet
            assert time.monotonic() - began < seconds, f"not within {seconds:.0f} s: {what}\n{self.log()[-3000:]}"
            time.sleep(0.5)

    def all_healthy(self) -> bool:
        zones = self.get("api/zones")
        return len(zones) > 0 and all(
            z["status"] == "healthy" and len(z["regions"] or {}) == 3 and "unknown" not in z["regions"].values()
            for z in zones
        )

    def lab(self, *words: str) -> None:
        socket = self.note("lab.json")["socket"]
        subprocess.run(
            [sys.executable, "-m", "tests.lab", *words, "--socket", socket], cwd=ROOT, check=True, capture_output=True
        )

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        self._log.close()
        return self.process.returncode
