"""A job on a cluster of processes: a job manager, and task managers of one slot each, as machines would be.

A task manager that ends is started again, as Kubernetes and systemd do: Beam, which feeds Python, ends one now and then
("Reference count must not be negative", when a task is cancelled at the end of its bundle).
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx2
import yaml

from tests.stack.kafka.broker import free

from .running import ENVIRONMENT, PYTHON, Running

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

_LONGEST = 60
_ALWAYS = 'while true; do "$0" "$@"; sleep 1; done'
_OVER = ("FAILED", "CANCELED", "FINISHED")


class Cluster(Running):
    """One job on a session cluster of its own, of which task managers can be killed one by one."""

    def start(self, *, slots: int = 1, restore: str | None = None, **more: Any) -> None:
        """Begin with as many task managers as slots; the job is on the cluster once this returns."""
        rpc, self._rest = free(2)
        self._configure(rpc)
        manager = str(self._binaries / "taskmanager.sh")
        self._processes = [
            self._daemon(str(self._binaries / "jobmanager.sh")),
            *(self._daemon("sh", "-c", _ALWAYS, manager) for _ in range(slots)),
        ]
        self._until("task managers", lambda: len(self.ask("/taskmanagers")["taskmanagers"]) == slots)
        job = ["--detached", "-pyclientexec", str(PYTHON), "-pyexec", str(PYTHON), "-pym", "dns_rules.flink"]
        command = [str(self._binaries / "flink"), "run", *job, *self._arguments(slots, restore, more)]
        client = self._run(command, FLINK_CONF_DIR=str(self.home / "conf"))
        if client.wait(_LONGEST) != 0:
            raise AssertionError(self.last_words())

    def managers(self) -> list[int]:
        """Groups of processes: each a task manager with the Python that judges for it."""
        return [process.pid for process in self._processes[1:]]

    def lose(self, group: int) -> None:
        """A task manager, and all that it runs, is gone at once; another one takes its place."""
        for pid in self._pids(group):
            if pid != group:  # who starts the other one
                with suppress(ProcessLookupError):  # it has gone with its parent
                    os.kill(pid, signal.SIGKILL)

    @property
    def ended(self) -> bool:
        if super().ended:
            return True
        with suppress(httpx2.HTTPError):
            return any(job["status"] in _OVER for job in self.ask("/jobs")["jobs"])
        return False

    @property
    def _binaries(self) -> Path:
        (found,) = ENVIRONMENT.glob("lib/python*/site-packages/pyflink/bin")
        return found

    def _configure(self, rpc: int) -> None:
        home = self.home / "conf"
        home.mkdir(exist_ok=True)
        shipped = self._binaries.parent / "conf"
        for file in shipped.glob("log4j*.properties"):
            shutil.copy(file, home)
        options = {
            "env.java.opts.all": yaml.safe_load((shipped / "config.yaml").read_text())["env"]["java"]["opts"]["all"],
            "jobmanager.rpc.address": "127.0.0.1", "jobmanager.rpc.port": rpc, "jobmanager.bind-host": "127.0.0.1",
            "rest.address": "127.0.0.1", "rest.bind-address": "127.0.0.1", "rest.port": self._rest,
            "rest.bind-port": str(self._rest),
            "taskmanager.host": "127.0.0.1", "taskmanager.bind-host": "127.0.0.1",
            "taskmanager.numberOfTaskSlots": 1,
            "jobmanager.memory.process.size": "768m", "taskmanager.memory.process.size": "1280m",
            "taskmanager.memory.managed.size": "64m",
            # Who is gone is missed within seconds.
            "heartbeat.interval": 500, "heartbeat.timeout": 5000,
        }  # fmt: skip
        (home / "config.yaml").write_text(yaml.safe_dump(options, width=10_000))

    def _daemon(self, *command: str) -> subprocess.Popen[bytes]:
        variables = {"FLINK_CONF_DIR": str(self.home / "conf"), "FLINK_PID_DIR": str(self.home)}
        return self._run([*command, "start-foreground"], **variables)

    def _until(self, what: str, condition: Any) -> None:
        until = time.monotonic() + _LONGEST
        while True:
            with suppress(httpx2.HTTPError):
                if condition():
                    return
            if time.monotonic() > until or super().ended:
                msg = f"no {what}: {self.last_words()}"
                raise AssertionError(msg)
            time.sleep(0.2)
