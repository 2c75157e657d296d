"""Apicurio Registry, which speaks Confluent's REST API, as a child process."""

from __future__ import annotations

import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.stack.kafka.broker import free

#: Where `./dev test` puts it.
PLACE = Path(__file__).parents[3] / ".nox" / "registry"


def missing() -> str | None:
    """Why none can be started here; ``None`` when one can."""
    if shutil.which("java") is None:
        return "no java on the PATH (Debian: apt-get install default-jre-headless)"
    if not any(PLACE.glob("*-runner.jar")):
        return f"no Apicurio Registry in .nox/{PLACE.name} (./dev test brings it with mvn)"
    return None


class Server:
    """A registry in a folder of its own; `kill` and `start` again go on with its schemas.

    Args:
        home: its folder.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        (self._port,) = free(1)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of Confluent's API."""
        return f"http://127.0.0.1:{self._port}/apis/ccompat/v7"

    def start(self, timeout: float = 90) -> None:
        """Start it and wait until it answers."""
        java = shutil.which("java")
        assert java is not None
        (program,) = PLACE.glob("*-runner.jar")
        settings = {
            "java.io.tmpdir": str(self.home),
            "quarkus.http.host": "127.0.0.1",
            "quarkus.http.port": str(self._port),
            "quarkus.log.level": "WARN",
            # What was acknowledged is on disk: H2 would wait half a second, and `kill` does not.
            "apicurio.datasource.url": f"jdbc:h2:file:{self.home / 'schemas'};WRITE_DELAY=0",
            "apicurio.rest.deletion.artifact.enabled": "true",
        }
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [java, "-Xmx384m", *(f"-D{key}={value}" for key, value in settings.items()), "-jar", str(program)],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.home,
            )  # fmt: skip
        until = time.monotonic() + timeout
        while True:
            assert self._process.poll() is None, f"the registry ended:\n{self._tail()}"
            assert time.monotonic() < until, f"the registry does not answer:\n{self._tail()}"
            try:
                with urllib.request.urlopen(f"{self.url}/subjects", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None

    def _tail(self) -> str:
        return (self.home / "log").read_text()[-3000:]
