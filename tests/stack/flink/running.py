"""A job on a mini-cluster, as a child process that can be killed and go on from its checkpoints."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2

from tests.stack.kafka.broker import free

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOX = Path(__file__).parents[3] / ".nox"
#: Where `./dev test` puts the environment and the connector.
ENVIRONMENT = _NOX / "flink-environment"
JARS = _NOX / "flink"
PYTHON = ENVIRONMENT / "bin" / "python"
#: A line of a log that says why something ended; what was thrown stands at the beginning of one.
_TELLING = re.compile(r"Caused by| ERROR |FAILED|FATAL|^[\w.$]+(Exception|Error)\b")


def missing() -> str | None:
    """Why no job can be run here; ``None`` when one can."""
    if shutil.which("java") is None:
        return "no java on the PATH (Debian: apt-get install default-jre-headless)"
    if not any(JARS.glob("flink-sql-connector-kafka-*.jar")):
        return f"no connector in {JARS.name} (./dev test brings it with mvn)"
    if not any(ENVIRONMENT.glob("lib/python*/site-packages/pyflink")):
        return (
            f"no environment {ENVIRONMENT.name} (./dev test makes it of packages/dns-rules/flink, with Python < 3.13)"
        )
    return None


class Running:
    """One job.

    Args:
        home: a folder for its configuration, checkpoints and log.
        broker: address of the broker.
        topics: by function.
    """

    def __init__(self, home: Path, broker: str, topics: Mapping[str, str]) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self._broker = broker
        self._topics = dict(topics)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._rest = 0

    def start(self, *, slots: int = 1, restore: str | None = None, **more: Any) -> None:
        """Run it, from the beginning or from a checkpoint."""
        (self._rest,) = free(1)
        command = [str(PYTHON.parent / "dns-rules"), "flink", "run", *self._arguments(slots, restore, more)]
        self._processes = [self._run(command)]

    def _arguments(self, slots: int, restore: str | None, more: Mapping[str, Any]) -> list[str]:
        """What the job is started with; its configuration is written."""
        (connector,) = JARS.glob("flink-sql-connector-kafka-*.jar")
        config = {
            "brokers": [self._broker],
            "topics": self._topics,
            "checkpoints": {"directory": f"file://{self.home}/checkpoints", "every": "1s"},
            "connector": str(connector),
            "parallelism": slots,
            "idle": "5s",
            "bundle": {"time": "200ms"},
            **more,
            "flink": {
                "taskmanager.numberOfTaskSlots": slots, "rest.port": self._rest, "rest.bind-port": str(self._rest),
                **more.get("flink", {}),
            },
        }  # fmt: skip
        (self.home / "job.yaml").write_text(json.dumps(config))
        return ["--config", str(self.home / "job.yaml"), *(["--restore", restore] if restore else [])]

    def _run(self, command: list[str], **variables: str) -> subprocess.Popen[bytes]:
        """A group of processes that can be ended as one."""
        temporary = self.home / "tmp"
        temporary.mkdir(exist_ok=True)
        environment = {
            **os.environ,
            "PATH": f"{PYTHON.parent}:{os.environ['PATH']}",
            "FLINK_LOG_DIR": str(self.home),
            # What is killed does not tidy up.
            "TMPDIR": str(temporary),
            "JDK_JAVA_OPTIONS": f"-Djava.io.tmpdir={temporary}",
            **variables,
        }
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment, start_new_session=True
            )

    @property
    def log(self) -> Path:
        return self.home / "log"

    @property
    def ended(self) -> bool:
        return not self._processes or self._processes[0].poll() is not None

    def checkpoints(self) -> list[Path]:
        """The ones that are whole, the oldest first."""
        found = []
        for file in self.home.glob("checkpoints/*/chk-*/_metadata"):
            with suppress(FileNotFoundError):  # a newer one is whole, and this one is gone
                found.append((file.stat().st_mtime, file.parent))
        return [folder for _, folder in sorted(found)]

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What the mini-cluster answers over REST, as `flink` asks it; with a body, it is told something."""
        method, url = "GET" if body is None else "POST", f"http://127.0.0.1:{self._rest}{path}"
        return httpx2.request(method, url, json=body, timeout=30).raise_for_status().json()

    def counted(self) -> dict[str, float]:
        """What the functions count, of all slots together; an exporter of Flink's gives the same."""
        found: dict[str, float] = {}
        (job,) = (job["id"] for job in self.ask("/jobs")["jobs"])
        for vertex in self.ask(f"/jobs/{job}")["vertices"]:
            at = f"/jobs/{job}/vertices/{vertex['id']}/subtasks/metrics"
            names = [metric["id"] for metric in self.ask(at) if ".dnstower." in metric["id"]]
            for metric in self.ask(f"{at}?get={','.join(names)}") if names else ():
                found[metric["id"].rsplit(".", 1)[1]] = metric["sum"]
        return found

    def judged(self) -> int:
        """Events that `judge` was given; Flink asks its slots for it now and then."""
        with suppress(httpx2.HTTPError):
            for job in self.ask("/jobs")["jobs"]:
                for vertex in self.ask(f"/jobs/{job['id']}")["vertices"]:
                    if vertex["name"].startswith("judge"):
                        at = f"/jobs/{job['id']}/vertices/{vertex['id']}/subtasks/metrics?get=numRecordsIn"
                        return int(sum(metric["sum"] for metric in self.ask(at)))
        return 0

    def state(self) -> int:
        """Bytes of the newest checkpoint."""
        (job,) = (job["id"] for job in self.ask("/jobs")["jobs"])
        return int(self.ask(f"/jobs/{job}/checkpoints")["latest"]["completed"]["state_size"])

    def stop(self) -> str:
        """End it with a savepoint, as `flink stop` does; returns where that is."""
        (job,) = (job["id"] for job in self.ask("/jobs")["jobs"])
        ticket = self.ask(f"/jobs/{job}/stop", {"targetDirectory": f"file://{self.home}/savepoints", "drain": False})
        until = time.monotonic() + 60
        while time.monotonic() < until:
            found = self.ask(f"/jobs/{job}/savepoints/{ticket['request-id']}")
            if found["status"]["id"] == "COMPLETED":
                break
            time.sleep(0.2)
        self.kill()
        if "location" not in found.get("operation", {}):
            msg = f"no savepoint: {found}"
            raise AssertionError(msg)
        return str(found["operation"]["location"]).removeprefix("file:")

    def last_words(self) -> str:
        """How it ended, and the errors that were logged."""
        status = [process.poll() for process in self._processes]
        said = [self.log, *self.home.glob("flink-*.log")]
        lines = [line for file in said for line in file.read_text().splitlines()]
        telling = [line[:400] for line in lines if _TELLING.search(line)]
        return "\n".join([f"status {status}", *telling[-30:], *lines[-5:]])

    def workers(self) -> list[int]:
        """Python processes that judge."""
        return self._pids(which=("-f", "pyflink.fn_execution.beam.beam_boot"))

    def _pids(self, *groups: int, which: tuple[str, ...] = ()) -> list[int]:
        """Of groups of processes, or of all."""
        groups = groups or tuple(process.pid for process in self._processes)
        assert groups
        found = ["pgrep", "-g", ",".join(map(str, groups)), *which]
        return [int(pid) for pid in subprocess.run(found, capture_output=True, text=True, check=False).stdout.split()]

    def cpu(self) -> tuple[float, float]:
        """Seconds of CPU so far, of the Python processes that judge and of everything else, which is Java's."""
        spent, judging = [0.0, 0.0], self.workers()
        for pid in self._pids():
            with suppress(OSError):  # it has just ended
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                spent[pid not in judging] += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return spent[0], spent[1]

    def kill(self) -> None:
        """SIGKILL to all of it."""
        for process in self._processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)
        self._processes = []
