"""A broker, a PostgreSQL, and bridges between them."""

from __future__ import annotations

from pathlib import Path

import pytest
from kafka_bridge.postgres.server import Server

from tests.certificates import Authority
from tests.stack.kafka.broker import Broker, missing
from tests.stack.kafka.rights import USERS

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    absent = missing()
    for item in items:
        if absent and HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=absent))


@pytest.fixture(scope="session")
def broker(tmp_path_factory):
    """One broker for the session; tests have topics with prefixes of their own."""
    running = Broker(tmp_path_factory.mktemp("kafka"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def secured(tmp_path_factory, authority):
    """A broker that knows who is who."""
    certificate, key = authority.issue("127.0.0.1")
    keystore = authority.folder / "keystore.pem"
    keystore.write_bytes(key.read_bytes() + certificate.read_bytes())
    running = Broker(tmp_path_factory.mktemp("secured"), keystore=keystore, authority=authority.file, users=USERS)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """One server for the session; tests have databases of their own."""
    with Server(tmp_path_factory.mktemp("pg") / "postgres") as running:
        yield running
