"""What a bridge logs in with is exchanged while it runs, and what it had before is worth nothing any more."""

from __future__ import annotations

import os

import pytest
from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from tests.stack.bridges import ROLES, Stack, recent, requests
from tests.stack.kafka.rights import USERS, grant

PARTITIONS = 4


class Guarded(Stack):
    """Bridges that log in, and may do what a bridge has to and nothing else."""

    def __init__(self, folder, broker, postgres, name):
        self.login = {}
        super().__init__(folder, broker, postgres, name, partitions=PARTITIONS)

    def config(self, roles=ROLES):
        found = super().config(roles)
        found["kafka"] |= self.login
        return found

    def allow(self, *names):
        """These may, and nobody else."""
        made = {name: {"partitions": PARTITIONS} for name in ("raw", "normalized")}
        access = [{"principal": f"User:{name}", "role": "bridge"} for name in names]
        grant(self.folder / "rights", self.broker, self.prefix, access, topics=made)

    def through(self, exchange):
        """Half of the events before the exchange and half of them after it: each is judged once, as without one."""
        sent = recent()
        payloads = requests(sent)
        half = len(payloads) // 2
        bridge = self.bridge()
        for payload in payloads[:half]:
            bridge.send(payload)
        self.wait("some stored", lambda: self.one("select count(*) from seen_event") > 0)
        exchange()
        for payload in payloads[half:]:
            bridge.send(payload)
        self.reconcile(sent)
        return bridge


@pytest.fixture
def stack(tmp_path, secured, postgres, request):
    made = Guarded(tmp_path, secured, postgres, f"{request.node.name[7:]}{os.getpid()}")
    yield made
    made.close()


def test_a_password(stack, secured, authority):
    file, another = stack.folder / "password", "another-secret"
    file.write_text(USERS["bridge-a"])
    stack.login = {
        "brokers": [f"127.0.0.1:{secured.ports['scram']}"], "tls": {"ca": str(authority.file)},
        "sasl": {"username": "bridge-a", "password_file": str(file)},
    }  # fmt: skip
    stack.allow("bridge-a")

    def exchange():
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        now = UserScramCredentialUpsertion("bridge-a", info, another.encode())
        admin = AdminClient({"bootstrap.servers": secured.bootstrap})
        admin.alter_user_scram_credentials([now])["bridge-a"].result(20)
        file.write_text(another)
        # Every connection is made anew.
        secured.kill()
        secured.start()

    bridge = stack.through(exchange)
    assert not any(secret in bridge.log.read_text() for secret in (USERS["bridge-a"], another))


def test_a_certificate(stack, secured, authority):
    files = {name: stack.folder / f"{name}.pem" for name in ("certificate", "key")}

    def become(name):
        for file, issued in zip(files.values(), authority.issue(name), strict=True):
            issued.replace(file)

    def exchange():
        become("after")
        stack.allow("after")

    become("before")
    tls = {"ca": str(authority.file), **{name: str(file) for name, file in files.items()}}
    stack.login = {"brokers": [f"127.0.0.1:{secured.ports['mtls']}"], "tls": tls}
    stack.allow("before", "after")
    stack.through(exchange)
