"""Programs that write logs and dnstap."""

from __future__ import annotations

import peers
import pytest


@pytest.fixture
def start(tmp_path):
    """Starts servers by name; every one ends with the test."""
    running = []

    def go(kind, socket_path=None, log=None, upstream=None):
        port = peers.free_port()
        folder = tmp_path / kind
        folder.mkdir()
        (folder / "zone").write_text(f"$ORIGIN {peers.ZONE}.\n{peers.RECORDS}")
        command = peers.WRITERS[kind](folder, port, socket_path, log, upstream)
        running.append(peers.Running(command, folder, port))
        return running[-1]

    yield go
    for one in running:
        one.stop()
