from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

TIMESCALE = os.environ.get("DNSTOWER_TIMESCALE_URL")
HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "packages" / "kafka-bridge" / "tests")]


@pytest.fixture(scope="session", params=["plain", "timescale"])
def store(request, tmp_path_factory):
    """A database with an estate in it, on each ground, and a role that reads nothing but the views."""
    import estate
    from kafka_bridge.postgres.server import Server

    if request.param == "plain":
        with Server(tmp_path_factory.mktemp("pg") / "postgres") as server:
            yield estate.fill(server.conninfo)
        return
    if TIMESCALE is None:
        pytest.skip("no TimescaleDB: set DNSTOWER_TIMESCALE_URL to a server where databases may be made")
    # A role is the whole server's: it has the database's name.
    name = f"dnstower_grafana_{os.getpid()}"
    with psycopg.connect(TIMESCALE, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    try:
        yield estate.fill(psycopg.conninfo.make_conninfo(TIMESCALE, dbname=name), reader=name)
    finally:
        with psycopg.connect(TIMESCALE, autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)")
            connection.execute(f"drop role if exists {name}")


@pytest.fixture(scope="session")
def watched(tmp_path_factory):
    """Connections to a store with half an hour of trouble in it."""
    import trouble
    from kafka_bridge.postgres.server import Server
    from kafka_bridge.store.pool import open_pool

    with (
        Server(tmp_path_factory.mktemp("pg") / "postgres") as server,
        open_pool(server.conninfo, size=6) as pool,
    ):
        trouble.fill(pool)
        yield pool


@pytest.fixture(scope="session")
def troubled(watched):
    """The address of a login that reads the views of that store and nothing else."""
    from kafka_bridge.store.commands import grant

    with psycopg.connect(watched.conninfo, autocommit=True) as connection:
        connection.execute("set search_path to dnstower, public")
        connection.execute("create role dashboards login password 'reads views'")
        grant(connection, "dashboards")
    return psycopg.conninfo.make_conninfo(watched.conninfo, user="dashboards", password="reads views")


@pytest.fixture(scope="session")
def node():
    found, npm = shutil.which("node"), shutil.which("npm")
    if found is None or npm is None:
        pytest.skip("no Node (20.19 or newer) with npm is installed: the Grafana app is neither built nor tested")
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if tuple(int(part) for part in said.removeprefix("v").split(".")[:2]) < (20, 19):
        pytest.skip(f"Node is {said}, and 20.19 or newer is needed: the Grafana app is neither built nor tested")
    return found


@pytest.fixture(scope="session")
def app(node):
    """With its libraries as the lock has them; brought once, and again when the lock changes."""
    from drawing import bring

    bring()
    return node
