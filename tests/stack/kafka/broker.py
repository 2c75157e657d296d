"""A broker of the jars that `pom.xml` names, as a child process.

Its listeners: ``plain`` (no authentication, everything allowed: the tests' own way in), ``scram`` (SASL/SCRAM over
TLS), ``mtls`` (client certificates) and ``oauth`` (OAUTHBEARER, unsecured tokens). Everyone but the ``plain``
listener's anonymous user needs ACLs.
"""

from __future__ import annotations

import random
import shutil
import socket
import subprocess
import time
import uuid
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Where `./dev test` puts the jars.
JARS = Path(__file__).parents[3] / ".nox" / "kafka"
_LISTENERS = ("plain", "scram", "mtls", "oauth", "controller")
_OAUTH = "org.apache.kafka.common.security.oauthbearer"


def missing() -> str | None:
    """Why no broker can be started here; ``None`` when one can."""
    if shutil.which("java") is None:
        return "no java on the PATH (Debian: apt-get install default-jre-headless)"
    if not any(JARS.glob("kafka_2.13-*.jar")):
        return f"no Kafka jars in {JARS.name} (./dev test brings them with mvn)"
    return None


class Broker:
    """A broker in a folder of its own; `kill` and `start` again go on with its log.

    Args:
        home: its folder.
        keystore: PEM file of key and certificate of 127.0.0.1; without it there are no TLS listeners.
        authority: PEM file of the certificates that clients' certificates must be signed by.
        users: SCRAM users and their passwords.
        settings: more lines of server.properties.
    """

    def __init__(
        self,
        home: Path,
        *,
        keystore: Path | None = None,
        authority: Path | None = None,
        users: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        names = _LISTENERS if keystore else ("plain", "controller")
        self.ports = dict(zip(names, free(len(names)), strict=True))
        self._process: subprocess.Popen[bytes] | None = None
        self._write(names, keystore, authority, settings or {})
        scram = [f"SCRAM-SHA-512=[name={name},password={password}]" for name, password in (users or {}).items()]
        cluster = uuid.uuid4().hex[:22]
        added = [argument for user in scram for argument in ("--add-scram", user)]
        self._java("kafka.tools.StorageTool", "format", "--standalone", "-t", cluster, "-c", str(self._config), *added)

    @property
    def bootstrap(self) -> str:
        """Address of the ``plain`` listener."""
        return f"127.0.0.1:{self.ports['plain']}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, timeout: float = 60) -> None:
        """Start it and wait until it takes connections."""
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command("kafka.Kafka"), str(self._config)], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        until = time.monotonic() + timeout
        while True:
            assert self._process.poll() is None, f"the broker ended:\n{self._tail()}"
            assert time.monotonic() < until, f"the broker does not listen:\n{self._tail()}"
            try:
                socket.create_connection(("127.0.0.1", self.ports["plain"]), 1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None

    def stop(self) -> None:
        """End it; it need not be orderly, for nothing of it is kept."""
        self.kill()

    def abort(self, topic: str, partition: int, offset: int) -> None:
        """End a transaction that nobody ends, as an administrator does: `kafka-transactions.sh abort`.

        Args:
            topic: where it holds readers back.
            partition: of the topic.
            offset: of its first message there.
        """
        place = ["--topic", topic, "--partition", str(partition), "--start-offset", str(offset)]
        self._java("org.apache.kafka.tools.TransactionsCommand", "--bootstrap-server", self.bootstrap, "abort", *place)

    def _write(
        self, names: tuple[str, ...], keystore: Path | None, authority: Path | None, settings: Mapping[str, str]
    ) -> None:
        protocol = {
            "plain": "PLAINTEXT", "controller": "PLAINTEXT", "scram": "SASL_SSL", "oauth": "SASL_PLAINTEXT",
            "mtls": "SSL",
        }  # fmt: skip
        clients = [name for name in names if name != "controller"]
        lines = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{self.ports['controller']}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAIN",
            "listeners": ",".join(f"{name.upper()}://127.0.0.1:{self.ports[name]}" for name in names),
            "advertised.listeners": ",".join(f"{name.upper()}://127.0.0.1:{self.ports[name]}" for name in clients),
            "listener.security.protocol.map": ",".join(f"{name.upper()}:{protocol[name]}" for name in names),
            "log.dirs": str(self.home / "data"),
            "num.partitions": "1",
            "auto.create.topics.enable": "false",
            "offsets.topic.num.partitions": "1",
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "group.min.session.timeout.ms": "1000",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }
        if keystore is not None:
            for name in ("scram", "mtls"):
                prefix = f"listener.name.{name}."
                lines[prefix + "ssl.keystore.type"] = "PEM"
                lines[prefix + "ssl.keystore.location"] = str(keystore)
                lines[prefix + "ssl.truststore.type"] = "PEM"
                lines[prefix + "ssl.truststore.location"] = str(authority)
            lines |= {
                "listener.name.mtls.ssl.client.auth": "required",
                "listener.name.mtls.ssl.principal.mapping.rules": "RULE:^.*CN=([^,]+).*$/$1/",
                "listener.name.scram.sasl.enabled.mechanisms": "SCRAM-SHA-512",
                "listener.name.scram.scram-sha-512.sasl.jaas.config": (
                    "org.apache.kafka.common.security.scram.ScramLoginModule required;"
                ),
                "listener.name.oauth.sasl.enabled.mechanisms": "OAUTHBEARER",
                "listener.name.oauth.oauthbearer.sasl.jaas.config": (
                    f'{_OAUTH}.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";'
                ),
                "listener.name.oauth.oauthbearer.sasl.server.callback.handler.class": (
                    f"{_OAUTH}.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler"
                ),
            }
        lines |= settings
        self._config.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))

    @property
    def _config(self) -> Path:
        return self.home / "server.properties"

    def _command(self, main: str) -> list[str]:
        java = shutil.which("java")
        assert java is not None
        quiet = [
            f"-Djava.io.tmpdir={self.home}",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dlog4j2.level=WARN",
        ]
        return [java, "-Xms128m", "-Xmx512m", "-XX:TieredStopAtLevel=4", *quiet, "-cp", f"{JARS}/*", main]

    def _java(self, main: str, *arguments: str) -> None:
        done = subprocess.run([*self._command(main), *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def _tail(self) -> str:
        log = self.home / "log"
        return log.read_text()[-3000:] if log.exists() else ""


def free(number: int) -> list[int]:
    """Ports on which nothing listens now.

    They are below those that the kernel gives to clients: on one of those, a client that tries again and again while
    its server is gone sooner or later connects to itself, and the server never gets its port back.
    """
    ports = random.sample(range(12_000, 32_000), 200)
    with ExitStack() as stack:
        found: list[int] = []
        while len(found) < number:
            port = ports.pop()
            with suppress(OSError):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
                found.append(port)
        return found
