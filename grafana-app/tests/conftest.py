from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "packages" / "kafka-bridge" / "tests")]


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """An embedded PostgreSQL with an estate in it, and a role that reads nothing but the views."""
    import estate
    from kafka_bridge.postgres.server import Server

    with Server(tmp_path_factory.mktemp("pg") / "postgres") as server:
        yield estate.fill(server.conninfo)
