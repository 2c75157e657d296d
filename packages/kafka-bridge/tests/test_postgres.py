"""The supervisor of the embedded PostgreSQL, by doing to it what happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
from kafka_bridge.errors import StoreError
from kafka_bridge.postgres.home import find
from kafka_bridge.postgres.server import Server
from kafka_bridge.store.migrate import Migration, migrate, packaged
from kafka_bridge.store.pool import open_pool, shown

OWNER = """
import sys, time
from pathlib import Path
from kafka_bridge.postgres.home import find
from kafka_bridge.postgres.server import Server
server = Server(Path(sys.argv[1])).start()
print(server.pid, flush=True)
time.sleep(600)
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def gone(pid: int, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(pid)


def test_it_listens_on_a_private_socket_only_and_asks_for_a_password(server):
    with psycopg.connect(server.conninfo) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("",)
        assert connection.execute("show fsync").fetchone() == ("on",)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.conninfo.replace("password=", "password=x"), connect_timeout=3)
    assert oct((server.data / "password").stat().st_mode & 0o777) == "0o600"


def test_no_folder_above_is_changed(tmp_path):
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    before = [folder.stat().st_mode for folder in (private, tmp_path)]
    with Server(private / "postgres"):
        assert [folder.stat().st_mode for folder in (private, tmp_path)] == before


def test_a_killed_database_comes_back_with_all_it_had_acknowledged(tmp_path):
    with Server(tmp_path / "pg") as server:
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            connection.execute("create table t (n int)")
            for n in range(100):
                connection.execute("insert into t values (%s)", (n,))
        os.kill(server.pid, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while True:
            try:
                with psycopg.connect(server.conninfo, connect_timeout=2) as connection:
                    assert connection.execute("select count(*) from t").fetchone() == (100,)
                    break
            except psycopg.OperationalError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        assert server.restarts == 1


def test_kill_9_of_the_owner_takes_the_database_with_it_and_the_next_owner_goes_on(tmp_path):
    place = tmp_path / "pg"
    sockets = []
    for _ in range(2):
        owner = subprocess.Popen([sys.executable, "-c", OWNER, str(place)], stdout=subprocess.PIPE)
        pid = int(owner.stdout.readline())
        owner.kill()
        owner.wait()
        owner.stdout.close()
        assert gone(pid)
        sockets.append(Path((find(place).data / "sockets").read_text().strip()))
    with Server(place):
        assert [folder.exists() for folder in sockets] == [False, False]


def test_a_pid_file_that_names_a_stranger_does_not_keep_it_from_starting(tmp_path):
    with Server(tmp_path / "pg") as server:
        data = server.data
    (data / "cluster" / "postmaster.pid").write_text(f"{os.getppid()}\n{data}\n0\n5432\n\n\n")
    with Server(tmp_path / "pg") as server:
        assert alive(server.pid)


def test_two_owners_are_refused(tmp_path):
    with Server(tmp_path / "pg"), pytest.raises(StoreError, match="in use by another process"):
        Server(tmp_path / "pg").start()


class TestMigrations:
    def test_twice_is_once(self, server, pool):
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            assert migrate(connection) == []

    def test_at_the_same_time(self, server):
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            connection.execute("drop schema if exists dnstower cascade")
        applied = []

        def work():
            with psycopg.connect(server.conninfo, autocommit=True) as connection:
                applied.append(migrate(connection))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(map(len, applied)) == [0, 0, 0, len(packaged())]

    def test_an_altered_one_is_refused(self, server, pool):
        altered = [m._replace(text=m.text + " ") for m in packaged()]
        with (
            psycopg.connect(server.conninfo, autocommit=True) as connection,
            pytest.raises(StoreError, match="altered"),
        ):
            migrate(connection, altered)

    def test_a_newer_database_is_refused(self, server, pool):
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            migrate(connection, [*packaged(), Migration(9999, "later", "select 1")])
            with pytest.raises(StoreError, match="upgrade kafka-bridge"):
                migrate(connection)

    def test_a_broken_one_leaves_nothing(self, server, pool):
        broken = [*packaged(), Migration(9999, "broken", "create table half (n int); select nothing_here")]
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            with pytest.raises(psycopg.Error):
                migrate(connection, broken)
            assert connection.execute("select to_regclass('dnstower.half')").fetchone() == (None,)


def test_the_password_is_never_shown():
    url = "postgresql://u:s3cret@127.0.0.1:1/db"
    assert "s3cret" not in shown(url)
    with pytest.raises(StoreError) as caught:
        open_pool(url + "?connect_timeout=2")
    assert "s3cret" not in str(caught.value)
