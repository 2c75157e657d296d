from __future__ import annotations

import os
import sys
from pathlib import Path

import psycopg
import pytest
from kafka_bridge.postgres.server import Server
from kafka_bridge.store.pool import open_pool

sys.path.insert(0, str(Path(__file__).parent))

TIMESCALE = os.environ.get("DNSTOWER_TIMESCALE_URL")


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One embedded PostgreSQL for the session; pytest's folders are private, so that it may live elsewhere."""
    with Server(tmp_path_factory.mktemp("pg") / "postgres") as running:
        yield running


@pytest.fixture
def pool(server):
    """A fresh schema."""
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("drop schema if exists dnstower cascade")
    with open_pool(server.conninfo, size=6) as opened:
        yield opened


@pytest.fixture(params=["plain", "timescale"])
def store(request, server):
    """The address of a database of its own on each ground, still empty."""
    if request.param == "timescale" and TIMESCALE is None:
        pytest.skip("no TimescaleDB: set DNSTOWER_TIMESCALE_URL to a server where databases may be made")
    url = TIMESCALE if request.param == "timescale" else server.conninfo
    name = f"dnstower_test_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"drop database if exists {name} with (force)")
        connection.execute(f"create database {name}")
    yield psycopg.conninfo.make_conninfo(url, dbname=name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")
