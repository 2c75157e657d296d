"""kill -9 of the bridge and of the database, again and again: nothing acknowledged is lost, nobody is paged twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import grpc
import psycopg
import pytest
from wire import INVENTORY_YAML, client, outage, request

BRIDGE = """
import sys, time
from pathlib import Path
from kafka_bridge.bridge import Bridge
from kafka_bridge.config import Config, Notify, Otlp, Store
place = Path(sys.argv[1])
config = Config(inventory=str(place / "inventory.yaml"), otlp=Otlp(grpc="127.0.0.1:0", http=None),
                store=Store(directory=str(place / "pg")), board=None,
                notify=Notify(console=False, file=str(place / "pages.ndjson")))
with Bridge(config) as bridge:
    print(bridge.ports.grpc, bridge.conninfo, flush=True)
    while True:
        time.sleep(1)
"""


class Running:
    last: Running | None = None

    def __init__(self, place: Path):
        Running.last = self
        self.log = (place / "log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-c", BRIDGE, str(place)], stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        line = self.process.stdout.readline()
        assert line, (place / "log").read_text()
        port, self.conninfo = line.split(" ", 1)
        self.channel, self.export = client(int(port))

    def kill(self):
        Running.last = None
        self.channel.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def kill_database(self):
        with psycopg.connect(self.conninfo) as connection:
            folder = connection.execute("show data_directory").fetchone()[0]
        os.kill(int((Path(folder) / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)


@pytest.fixture(autouse=True)
def nothing_left():
    yield
    if Running.last is not None:
        Running.last.kill()


def test_kill_9_anywhere_loses_nothing_and_pages_nobody_twice(tmp_path):
    rng = random.Random(20261123)
    (tmp_path / "inventory.yaml").write_text(INVENTORY_YAML)
    listed = outage(6, every="1s") + outage(6, "example.net", every="1s")
    listed.sort(key=lambda event: (event.time, event.id))
    batches = [listed[n : n + 60] for n in range(0, len(listed), 60)]
    deaths = Counter()
    running = Running(tmp_path)
    for number, batch in enumerate(batches):
        payload = request(batch)
        if number and number % 8 == 0:
            # In the middle of what the worker does with the batches before.
            time.sleep(rng.uniform(0, 0.15))
            if number % 16 == 0:
                running.kill_database()
                deaths["database"] += 1
            else:
                running.kill()
                running = Running(tmp_path)
                deaths["bridge"] += 1
        deadline = time.monotonic() + 60
        while True:  # as a client of OTLP: until it is acknowledged
            try:
                running.export(payload, timeout=15)
                break
            except grpc.RpcError as error:
                assert error.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
                assert time.monotonic() < deadline
                time.sleep(0.1)
    assert deaths["bridge"] >= 2
    assert deaths["database"] >= 2

    def counted(connection):
        return connection.execute("select coalesce(sum(total), 0)::bigint from dnstower.v_zone_minute").fetchone()[0]

    pages = tmp_path / "pages.ndjson"
    deadline = time.monotonic() + 120
    while not pages.exists() or len(pages.read_text().splitlines()) < 2:
        assert time.monotonic() < deadline, (tmp_path / "log").read_text()
        time.sleep(0.2)
    time.sleep(3)  # and not one more
    with psycopg.connect(running.conninfo, options="-c search_path=dnstower") as connection:
        assert counted(connection) == len(listed)
        assert connection.execute("select count(*) from deadletter").fetchone() == (0,)
        incidents = connection.execute("select zone, count(*) from incident group by zone order by zone").fetchall()
        assert incidents == [("example.com", 1), ("example.net", 1)]
    keys = Counter(json.loads(line)["key"] for line in pages.read_text().splitlines())
    assert len([key for key in keys if key.endswith("-firing")]) == 2
    assert set(keys.values()) == {1}
    running.kill()
