"""The supervisor: starts PostgreSQL as a direct child, keeps it up, and takes it down with its owner."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Any, Self

import psycopg

from kafka_bridge.children import dies_with_parent
from kafka_bridge.errors import StoreError

from .home import find

log = logging.getLogger(__name__)

_NAME = "dnstower"
# In the temporary folder, because the path of a Unix socket has 107 bytes at most.
_SOCKETS = "dnstower-pg-"
_START_SECONDS = 60.0
_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "64MB",
    "max_connections": "40",
    "wal_compression": "on",
    "max_wal_size": "512MB",
    "log_min_messages": "warning",
    "timezone": "UTC",
}


class Server:
    """One embedded PostgreSQL.

    It listens on a private Unix socket only, with a random password (SCRAM). It is a direct child that
    gets a signal when its owner dies, however it dies. When it dies by itself it is started again.

    Args:
        directory: for the cluster; made if missing. As root and out of reach for an unprivileged user,
            a folder under /var/lib/dnstower (or DNSTOWER_SHARED_DIR) is used in its place.

    Raises:
        StoreError: it cannot be started; the message ends with the server's own log.
    """

    def __init__(self, directory: Path) -> None:
        self._home = find(directory)
        self._sockets = Path(tempfile.mkdtemp(prefix=_SOCKETS))
        self._child: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._lock: IO[str] | None = None
        self._watcher: threading.Thread | None = None
        self.restarts = 0

    @property
    def conninfo(self) -> str:
        """A libpq connection string. It holds the password: it is for connecting, not for showing."""
        password = self._password_file.read_text().strip()
        return f"host={self._sockets} dbname={_NAME} user={_NAME} password={password}"

    @property
    def data(self) -> Path:
        """The cluster's folder."""
        return self._home.data

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        if self._child is None:
            msg = "the database is not started"
            raise StoreError(msg)
        return self._child.pid

    def start(self) -> Self:
        """Start and wait until it answers; recovery after a crash included."""
        self._take_lock()
        self._note_sockets()
        if self._home.user is not None:
            os.chown(self._sockets, *self._home.user)
        if not (self._home.data / "cluster" / "PG_VERSION").exists():
            self._initialize()
        self._end_leftover()
        self._launch()
        self._await_ready()
        self._watcher = threading.Thread(target=self._watch, name="postgres-supervisor", daemon=True)
        self._watcher.start()
        return self

    def stop(self) -> None:
        """A fast shutdown, then an immediate one."""
        self._stopping.set()
        child = self._child
        if child is not None and child.poll() is None:
            child.send_signal(signal.SIGINT)
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGQUIT)
                child.wait(10)
        if self._watcher is not None:
            self._watcher.join(5)
        shutil.rmtree(self._sockets, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def _cluster(self) -> Path:
        return self._home.data / "cluster"

    @property
    def _password_file(self) -> Path:
        return self._home.data / "password"

    @property
    def _log_file(self) -> Path:
        return self._home.data / "server.log"

    def _take_lock(self) -> None:
        file = (self._home.data / "lock").open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            msg = f"the database in {self._home.data} is in use by another process; stop it, or choose another folder"
            raise StoreError(msg) from None
        self._lock = file

    def _note_sockets(self) -> None:
        """Remove the socket folder of an owner that was killed, and note ours for the next one."""
        note = self._home.data / "sockets"
        if note.exists():
            left = Path(note.read_text().strip())
            if left.name.startswith(_SOCKETS) and left.parent == self._sockets.parent and left != self._sockets:
                shutil.rmtree(left, ignore_errors=True)
        note.write_text(f"{self._sockets}\n")

    def _initialize(self) -> None:
        """Make the cluster. A half-made one, from a crash in between, is made anew."""
        partial = self._home.data / "cluster.partial"
        shutil.rmtree(partial, ignore_errors=True)
        password = self._password_file
        descriptor = os.open(password, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24) + "\n")
        if self._home.user is not None:
            os.chown(password, *self._home.user)
        self._run(
            "initdb", "--pgdata", str(partial), "--username", _NAME, "--pwfile", str(password),
            "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-instructions",
        )  # fmt: skip
        partial.rename(self._cluster)

    def _end_leftover(self) -> None:
        """A server that an owner left behind is stopped; a pid file that names a stranger is removed."""
        file = self._cluster / "postmaster.pid"
        try:
            pid = int(file.read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return
        try:
            ours = Path(f"/proc/{pid}/cwd").resolve(strict=True) == self._cluster.resolve()
        except OSError:
            ours = False
        if ours:
            log.warning("stopping a database that was left behind (pid %d)", pid)
            os.kill(pid, signal.SIGINT)
            deadline = time.monotonic() + 20
            while Path(f"/proc/{pid}").exists():
                if time.monotonic() > deadline:
                    os.kill(pid, signal.SIGQUIT)
                    deadline += 10
                time.sleep(0.05)
        # Without this a new process that was given the same pid would keep the server from starting.
        file.unlink(missing_ok=True)

    def _launch(self) -> None:
        command = [str(self._home.binaries / "postgres"), "-D", str(self._cluster), "-k", str(self._sockets)]
        for key, value in _SETTINGS.items():
            command += ["-c", f"{key}={value}"]
        with self._log_file.open("ab") as output:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._cluster,
                start_new_session=True,
                # Runs after the change of user, which would undo it.
                preexec_fn=dies_with_parent(signal.SIGINT),  # noqa: PLW1509 - it only calls prctl
                **self._as_user(),
            )

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        child = self._child
        assert child is not None
        while True:
            if child.poll() is not None:
                msg = f"the database ended at its start:\n{self._log_tail()}"
                raise StoreError(msg)
            try:
                with psycopg.connect(
                    self.conninfo.replace(f"dbname={_NAME}", "dbname=postgres"),
                    autocommit=True,
                    connect_timeout=5,
                ) as connection:
                    if not connection.execute("select 1 from pg_database where datname = %s", (_NAME,)).fetchone():
                        connection.execute(f"create database {_NAME}")
                    return
            except psycopg.Error as error:
                if time.monotonic() > deadline:
                    msg = f"the database does not answer after {_START_SECONDS:.0f} s: {error}\n{self._log_tail()}"
                    raise StoreError(msg) from error
                time.sleep(0.05)

    def _watch(self) -> None:
        """Start the server again whenever it ends without having been told to."""
        pause = 0.2
        while not self._stopping.is_set():
            child = self._child
            assert child is not None
            try:
                child.wait(0.5)
            except subprocess.TimeoutExpired:
                pause = 0.2
                continue
            if self._stopping.is_set():
                return
            self.restarts += 1
            log.error("the database ended (%s); starting it again", child.returncode)
            self._stopping.wait(pause)
            pause = min(pause * 2, 10.0)
            try:
                self._end_leftover()
                self._launch()
                self._await_ready()
            except (StoreError, OSError):
                log.exception("the database could not be started")

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._home.binaries / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self._home.data,
            check=False,
            **self._as_user(),
        )
        if done.returncode != 0:
            msg = f"{program} failed ({done.returncode}):\n{done.stdout.decode(errors='replace')[-2000:]}"
            raise StoreError(msg)

    def _as_user(self) -> dict[str, Any]:
        user = self._home.user
        return {} if user is None else {"user": user[0], "group": user[1], "extra_groups": []}

    def _log_tail(self) -> str:
        try:
            return self._log_file.read_text(errors="replace")[-2000:]
        except OSError as error:
            return f"(no log: {error})"
