"""Full disks under the database, the broker and the archive, in the middle of everything, and room again later."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import grpc
import psycopg
import pytest
from kafka_bridge.postgres.server import Server

from tests.stack.bridges import recent, requests
from tests.stack.kafka.broker import Broker
from tests.stack.told import Embedded, Told

NO_ROOM = "No space left on device"
#: Segments of the log that PostgreSQL may have made ahead, and some.
SEGMENTS = 40


class Disk:
    """A tmpfs of some megabytes.

    Args:
        folder: where it is mounted; made if missing.
        megabytes: its size.
    """

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"
        if os.geteuid() != 0 or shutil.which("mount") is None:
            pytest.skip("only root may mount a disk of a few megabytes that can be filled")
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "dnstower-test", str(folder)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")

    def fill(self) -> None:
        """Take all the room that there is now."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError as error:
                    assert error.errno == errno.ENOSPC, error

    def free(self) -> None:
        """Give it back."""
        self._ballast.unlink()

    def close(self) -> None:
        """Take the disk away; what still has a file open there keeps it until it ends."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


@pytest.fixture
def disk():
    """A disk where everybody can go: PostgreSQL runs as somebody else when we are root."""
    folder = Path(tempfile.mkdtemp(prefix="dnstower-disk-"))
    folder.chmod(0o755)
    try:
        mounted = Disk(folder, 192)
        yield mounted
        mounted.close()
    finally:
        folder.rmdir()


@pytest.fixture
def on(tmp_path):
    """Makes a stack of this kind on these servers."""
    opened = []

    def make(kind, broker, postgres, name):
        opened.append(kind(tmp_path, broker, postgres, name))
        return opened[-1]

    yield make
    for stack in opened:
        stack.close()


def refused(bridge, payloads):
    """Send until a client is told to come back; returns how many were acknowledged before."""
    for number, payload in enumerate(payloads):
        try:
            bridge.export(payload, timeout=30)
        except grpc.RpcError as error:
            assert error.code() is grpc.StatusCode.UNAVAILABLE, error
            return number
    pytest.fail("everything was acknowledged, with no room for it")


def ended(pid):
    return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"


def crash(postgres):
    """Have PostgreSQL write its log until that has no room either, which it does not survive."""
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        try:
            for _ in range(SEGMENTS):
                connection.execute("select pg_switch_wal(), pg_logical_emit_message(false, 'test', 'x')")
        except psycopg.OperationalError:
            return
    pytest.fail(f"{SEGMENTS} segments of its log were written with no room for them")


def test_under_the_database(broker, disk, on):
    """Events are acknowledged meanwhile, for the broker has room for them."""
    sent = recent()
    payloads = requests(sent)
    third = len(payloads) // 3
    with Server(disk.folder / "postgres") as postgres:
        stack = on(Told, broker, postgres, "full_database")
        bridge = stack.bridge()
        for payload in payloads[:third]:
            bridge.send(payload)
        stack.wait("some stored", lambda: stack.one("select count(*) from seen_event") > 0)
        disk.fill()
        for payload in payloads[third : 2 * third]:
            bridge.send(payload)
        stack.wait("the judge to say so", lambda: NO_ROOM in stack.troubles().get("judge", ""))
        disk.fill()
        crash(postgres)
        stack.wait("the store to say so", lambda: "store" in stack.troubles())
        stack.wait("it started again in vain", lambda: postgres.restarts >= 2)
        disk.free()
        for payload in payloads[2 * third :]:
            bridge.send(payload)
        stack.wait("all well", lambda: stack.troubles() == {})
        stack.reconcile(sent)


def test_under_the_database_of_the_embedded_bus(broker, disk, on):
    sent = recent()
    payloads = requests(sent)
    with Server(disk.folder / "postgres") as postgres:
        stack = on(Embedded, broker, postgres, "full_embedded")
        bridge = stack.bridge()
        third = len(payloads) // 3
        for payload in payloads[:third]:
            bridge.send(payload)
        disk.fill()
        third += refused(bridge, payloads[third:])
        stack.wait("the journal to say so", lambda: NO_ROOM in stack.troubles().get("journal", ""))
        disk.fill()
        crash(postgres)
        assert refused(bridge, payloads[third:]) == 0
        stack.wait("the store to say so", lambda: "store" in stack.troubles())
        disk.free()
        for payload in payloads[third:]:
            bridge.send(payload)
        stack.wait("all well", lambda: stack.troubles() == {})
        stack.reconcile(sent)


def test_under_the_broker(tmp_path, disk, postgres, on):
    """Its only folder of logs failed: a broker then ends itself, and whoever supervises it starts it again."""
    sent = recent()
    payloads = requests(sent)
    third = len(payloads) // 3
    broker = Broker(tmp_path / "kafka", settings={"log.dirs": str(disk.folder / "data")})
    broker.start()
    try:
        stack = on(Told, broker, postgres, "full_broker")
        bridge = stack.bridge()
        for payload in payloads[:third]:
            bridge.send(payload)
        disk.fill()
        third += refused(bridge, payloads[third:])
        stack.wait("the way in to say so", lambda: "broker" in stack.troubles().get("forward", ""))
        stack.wait("the broker ended", lambda: ended(broker.pid))
        broker.kill()  # its remains
        disk.free()
        broker.start()
        for payload in payloads[third:]:
            bridge.send(payload)
        stack.wait("all well", lambda: stack.troubles() == {})
        stack.reconcile(sent)
    finally:
        broker.stop()


def test_under_the_archive(tmp_path, broker, postgres, on):
    """It waits, and nothing else does."""
    sent = recent()
    disk = Disk(tmp_path / "archive", 4)
    try:
        stack = on(Told, broker, postgres, "full_archive")
        disk.fill()
        bridge = stack.bridge()
        for payload in requests(sent):
            bridge.send(payload)
        stack.wait("the archive to say so", lambda: NO_ROOM in stack.troubles().get("archive", ""))
        stack.wait("all judged", lambda: stack.one("select count(*) from seen_event") == len(sent))
        assert stack.one("select count(*) from archive_file") == 0
        disk.free()
        stack.reconcile(sent)
    finally:
        stack.close()
        disk.close()
