"""The queue on disk: order, bounds, what survives death, damage and a full disk; nothing goes uncounted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from otel_dns_receiver.delivery.spool import Block, Spool
from otel_dns_receiver.errors import ReceiverError

DAY = 86_400.0
NOW = 1_800_000_000.0


def block(number, size=100, time=NOW):
    return Block(number.to_bytes(8, "big") + bytes(size - 8), 1, time)


def numbers(blocks):
    return [int.from_bytes(b.payload[:8], "big") for b in blocks]


def everything(spool, now=NOW, at_once=1 << 20):
    """Read and acknowledge until nothing is left."""
    found = []
    while True:
        blocks, place = spool.read(at_once, now)
        if place is None:
            return found
        found += blocks
        spool.acknowledge(place)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "spool"


def test_first_in_first_out(folder):
    spool = Spool(folder, 1 << 24, DAY)
    for n in range(100):
        spool.append(block(n))
    assert (spool.events, spool.oldest()) == (100, NOW)
    assert numbers(everything(spool, at_once=1000)) == list(range(100))
    assert (spool.events, spool.oldest(), spool.dropped) == (0, None, {})
    spool.close()


def test_what_was_not_acknowledged_is_there_after_a_restart(folder):
    spool = Spool(folder, 1 << 24, DAY)
    for n in range(10):
        spool.append(block(n))
    blocks, place = spool.read(350, NOW)
    spool.acknowledge(place)
    spool.read(350, NOW)  # given out, but nobody said that it arrived
    spool.close()
    again = Spool(folder, 1 << 24, DAY)
    assert again.events == 10 - len(blocks)
    assert numbers(everything(again)) == list(range(len(blocks), 10))
    again.close()


def test_past_the_bound_the_oldest_go_and_are_counted(folder):
    spool = Spool(folder, 1 << 16, DAY)
    for n in range(2000):
        spool.append(block(n, 1000))
    assert spool.octets <= (1 << 16) + (1 << 15)
    left = numbers(everything(spool))
    assert left == list(range(2000 - len(left), 2000))
    assert spool.dropped == {"bytes": 2000 - len(left)}
    assert sum(path.stat().st_size for path in folder.glob("*.spool")) <= 1 << 17
    spool.close()


def test_what_is_too_old_is_not_delivered_and_counted(folder):
    spool = Spool(folder, 1 << 24, 60.0)
    for n in range(10):
        spool.append(block(n, time=NOW + 10 * n))
    assert numbers(everything(spool, now=NOW + 100)) == [4, 5, 6, 7, 8, 9]
    assert spool.dropped == {"age": 4}
    spool.close()


def test_a_folder_belongs_to_one_process(folder):
    spool = Spool(folder, 1 << 24, DAY)
    with pytest.raises(ReceiverError, match="another receiver"):
        Spool(folder, 1 << 24, DAY)
    spool.close()
    Spool(folder, 1 << 24, DAY).close()


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ReceiverError, match="name a folder"):
        Spool(tmp_path / "file" / "spool", 1 << 24, DAY)


@pytest.mark.parametrize("cut", [1, 23, 24, 50])
def test_a_torn_end_costs_one_block(folder, cut):
    spool = Spool(folder, 1 << 24, DAY)
    for n in range(5):
        spool.append(block(n))
    spool.close()
    (file,) = folder.glob("*.spool")
    os.truncate(file, file.stat().st_size - cut)
    again = Spool(folder, 1 << 24, DAY)
    again.append(block(9))
    assert numbers(everything(again)) == [0, 1, 2, 3, 9]
    assert again.dropped == {"corrupt": 1}
    again.close()


def test_an_altered_block_is_never_delivered(folder):
    spool = Spool(folder, 1 << 24, DAY)
    for n in range(5):
        spool.append(block(n))
    (file,) = folder.glob("*.spool")
    data = bytearray(file.read_bytes())
    data[2 * 124 + 60] ^= 1
    file.write_bytes(data)
    spool.append(block(9))
    assert numbers(everything(spool)) == [0, 1]
    assert sum(spool.dropped.values()) == 4
    spool.append(block(10))
    assert numbers(everything(spool)) == [10]
    spool.close()


@settings(max_examples=60, deadline=None)
@given(noise=st.binary(max_size=400), cursor=st.binary(max_size=40))
def test_no_bytes_on_disk_break_the_start(tmp_path_factory, noise, cursor):
    folder = tmp_path_factory.mktemp("noise")
    (folder / "000000000001.spool").write_bytes(noise)
    (folder / "cursor").write_bytes(cursor)
    (folder / "other.spool").write_bytes(noise)
    spool = Spool(folder, 1 << 24, DAY)
    spool.append(block(7))
    assert numbers(everything(spool))[-1] == 7
    spool.close()


WRITER = """
import sys
from pathlib import Path
from otel_dns_receiver.delivery.spool import Block, Spool
spool = Spool(Path(sys.argv[1]), 1 << 26, 1e9)
n = int(sys.argv[2])
while True:
    spool.append(Block(n.to_bytes(8, "big") + bytes(500), 1, 1.8e9))
    sys.stdout.write(f"{n}\\n")
    sys.stdout.flush()
    n += 1
"""


def test_kill_9_loses_nothing_that_was_taken(folder):
    first, said = 0, []
    for _ in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), str(first)], stdout=subprocess.PIPE, text=True
        )
        for line in child.stdout:
            said.append(int(line))
            if len(said) % 500 == 0:
                break
        child.send_signal(signal.SIGKILL)
        said += [int(line) for line in child.stdout if line.endswith("\n")]
        child.wait()
        child.stdout.close()
        first = said[-1] + 1000
    spool = Spool(folder, 1 << 26, 1e9)
    kept = numbers(everything(spool))
    assert set(said) <= set(kept)
    assert len(kept) == len(set(kept))
    assert len(kept) - len(said) <= 4  # written, but killed before it could say so
    spool.close()


def test_a_full_disk_loses_nothing_up_to_the_bound_and_says_so(folder):
    """The kernel refuses to let files grow: what comes waits in memory, and goes to disk when it can."""
    code = """
import resource, signal, sys
from pathlib import Path
from otel_dns_receiver.delivery.spool import Block, Spool
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
spool = Spool(Path(sys.argv[1]), 1 << 26, 1e9)
block = lambda n: Block(n.to_bytes(8, "big") + bytes(1000), 1, 1.8e9)
for n in range(10): spool.append(block(n))
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, hard))
for n in range(10, 5000): spool.append(block(n))
assert spool.trouble, "nothing was refused"
assert spool.events + spool.dropped["disk_full"] == 5000, spool.events
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
spool.append(block(5000))
assert not spool.trouble
for n in range(5001, 15_000): spool.append(block(n))
found = []
while True:
    blocks, place = spool.read(1 << 20, 1.8e9)
    if place is None: break
    found += [int.from_bytes(b.payload[:8], "big") for b in blocks]
    spool.acknowledge(place)
assert found == list(range(15_000)), (len(found), spool.dropped)
"""
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, timeout=60)


def test_more_than_memory_takes_while_the_disk_is_full_is_dropped_and_counted(folder, monkeypatch):
    spool = Spool(folder, 1 << 26, DAY)

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", refuse)
    for n in range(100):
        spool.append(block(n, 200_000))
    monkeypatch.undo()
    left = numbers(everything(spool))
    assert left == list(range(100 - len(left), 100))
    assert spool.dropped == {"disk_full": 100 - len(left)}
    assert 0 < len(left) < 100
    spool.close()
