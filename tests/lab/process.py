"""Child processes that never outlive the lab."""

from __future__ import annotations

import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from .errors import LabError
from .programs import path_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: How long a server may take to end by itself.
GRACE = 5.0


class Spawner:
    """Starts every child from one thread that lives as long as the lab.

    The kernel sends the parent-death signal when the *thread* that forked ends, and `break` and `mend`
    start servers from threads that come and go.
    """

    def __init__(self, lock: int) -> None:
        """Every child inherits the descriptor `lock`, so that the lock lasts until the last has ended."""
        self._lock = lock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lab-spawner")

    def spawn(self, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        """Start a child that gets SIGTERM when the lab is gone, with its output in `log`."""
        return self._thread.submit(self._spawn, command, log).result()

    def close(self) -> None:
        """End the thread; the children must have ended."""
        self._thread.shutdown()

    def _spawn(self, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                [path_of("setpriv"), "--pdeathsig", "TERM", "--", *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[self._lock],
                # Ctrl-C is for the lab, which then stops the servers in order.
                start_new_session=True,
            )


class Server:
    """One name server: its directory, its configuration, its process."""

    def __init__(self, name: str, home: Path, spawner: Spawner) -> None:
        self.name = name
        self.home = home
        self._spawner = spawner
        self._process: subprocess.Popen[bytes] | None = None
        home.mkdir(parents=True, exist_ok=True)

    def command(self) -> list[str]:
        """The command line of the server's foreground mode."""
        raise NotImplementedError

    @property
    def started(self) -> bool:
        """Whether it was started and not stopped."""
        return self._process is not None

    def start(self) -> None:
        """Start it, unless it runs."""
        if self._process is None:
            self._process = self._spawner.spawn(self.command(), self.log)

    def terminate(self) -> None:
        """Ask it to end, without waiting."""
        if self._process is not None:
            self._process.terminate()

    def stop(self) -> None:
        """End it and wait for that."""
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            # Not yet waited for, so the group number is still its own.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(GRACE)
        self._process = None

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.home / "log"

    def check(self) -> None:
        """Raise LabError if it should run and has ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            raise LabError(self.complaint(f"ended with code {self._process.returncode}"))

    def complaint(self, what: str) -> str:
        """An error text with the end of the server's log."""
        said = self.log.read_text(errors="replace").splitlines()[-15:] if self.log.exists() else []
        return "\n  ".join([f"{self.name} {what}; the end of {self.log}:", *said])


def run(command: Sequence[str]) -> str:
    """Run a control program to its end; what it printed.

    Raises:
        LabError: it failed.
    """
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0:
        raise LabError(f"{' '.join(command)} failed: {(done.stdout + done.stderr).strip()}")
    return done.stdout
