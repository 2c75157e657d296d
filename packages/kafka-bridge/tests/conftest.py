from __future__ import annotations

import sys
from pathlib import Path

import pytest
from kafka_bridge.postgres.server import Server
from kafka_bridge.store.pool import open_pool

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One embedded PostgreSQL for the session; pytest's folders are private, so that it may live elsewhere."""
    with Server(tmp_path_factory.mktemp("pg") / "postgres") as running:
        yield running


@pytest.fixture
def pool(server):
    """A fresh schema."""
    import psycopg

    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("drop schema if exists dnstower cascade")
    with open_pool(server.conninfo, size=6) as opened:
        yield opened
