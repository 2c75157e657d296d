"""A queue on disk: bounded in octets and age, checksummed, whole after `kill -9` and on a full disk.

Blocks stand one after another in numbered segment files; a cursor file says what was delivered. A block is
a header (magic, CRC-32 of the rest, time, length, number of events) and the bytes of a part of an export request.
A block that is torn or altered ends its segment; what follows it there is lost, and counted where it can be.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import threading
import zlib
from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple

from otel_dns_receiver.errors import ReceiverError

if TYPE_CHECKING:
    from pathlib import Path

_MAGIC = 0x444E5351
_HEADER = struct.Struct("!IIdII")
_BODY = struct.Struct("!dII")
_CURSOR = struct.Struct("!QQI")
_SEGMENT = 8 << 20
#: A block of a foreign or damaged file is not believed to be longer than this.
_MOST_BLOCK = 64 << 20
#: Octets that are kept in memory while the disk is full.
_BACKLOG = 8 << 20


class Block(NamedTuple):
    """A part of an export request."""

    payload: bytes
    events: int
    """Events in it."""
    time: float
    """Seconds since 1970."""


class Place(NamedTuple):
    """Where a block ends; everything up to there can be acknowledged."""

    segment: int
    offset: int


class Spool:
    """A queue of blocks in a folder. Safe to use from several threads; one process at a time.

    Args:
        folder: its own; made if it is not there.
        most_bytes: bound on disk; past it the oldest segment goes.
        most_age: seconds; what is older is not delivered any more.

    Raises:
        ReceiverError: the folder cannot be written, or another process holds it.
    """

    def __init__(self, folder: Path, most_bytes: int, most_age: float) -> None:
        self._folder = folder
        self._most_bytes = max(most_bytes, 1 << 16)
        self._segment_bytes = min(_SEGMENT, self._most_bytes // 4)
        self._most_age = most_age
        self._lock = threading.Lock()
        self.changed = threading.Condition(self._lock)
        self.dropped: Counter[str] = Counter()
        """Events that were lost, by reason: ``bytes``, ``age``, ``disk_full``, ``corrupt``."""
        self._backlog: deque[Block] = deque()
        self._backlog_bytes = 0
        self._file = -1
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._hold = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ReceiverError(
                f"cannot keep events in {folder}: {error.strerror}; name a folder that can be written"
            ) from error
        try:
            fcntl.flock(self._hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._hold)
            raise ReceiverError(f"{folder} belongs to another receiver that runs; name a folder for each") from error
        self._segments: deque[_Segment] = deque()
        self._done = Place(0, 0)
        self._reading: tuple[int, int] | None = None
        self._given: dict[int, int] = {}
        self.trouble: str | None = None
        """Why nothing can be written, while that is so."""
        self._recover()

    @property
    def octets(self) -> int:
        """Octets that wait, in files and in memory."""
        with self._lock:
            return sum(segment.size for segment in self._segments) + self._backlog_bytes - self._done.offset

    @property
    def events(self) -> int:
        """Events that wait."""
        with self._lock:
            return sum(segment.waiting for segment in self._segments) + sum(block.events for block in self._backlog)

    def oldest(self) -> float | None:
        """Time of the oldest block that waits, in seconds since 1970."""
        with self._lock:
            found = self._find(self._done)
            return found[0].time if found is not None else (self._backlog[0].time if self._backlog else None)

    def append(self, block: Block) -> None:
        """Write a block. It is in the operating system's hands when this returns, so that `kill -9` cannot lose it."""
        with self.changed:
            self._backlog.append(block)
            self._backlog_bytes += len(block.payload)
            self._drain()
            while self._backlog_bytes > _BACKLOG:
                lost = self._backlog.popleft()
                self._backlog_bytes -= len(lost.payload)
                self.dropped["disk_full"] += lost.events
            self._bound()
            self.changed.notify_all()

    def read(self, most_bytes: int, now: float) -> tuple[list[Block], Place | None]:
        """The oldest blocks that were not acknowledged, and the place to acknowledge them by.

        Args:
            most_bytes: of payload; one block comes in any case.
            now: seconds since 1970, for the bound of age.
        """
        with self.changed:
            self._drain()
            found: list[Block] = []
            size = 0
            at = self._done
            self._given = {}
            while (next_ := self._find(at)) is not None:
                block, end = next_
                if now - block.time > self._most_age and not found:
                    self.dropped["age"] += block.events
                    self._given = {end.segment: block.events}
                    self._acknowledge(end)
                    at = self._done
                    continue
                if found and size + len(block.payload) > most_bytes:
                    break
                found.append(block)
                size += len(block.payload)
                self._given[end.segment] = self._given.get(end.segment, 0) + block.events
                at = end
            return found, at if found else None

    def acknowledge(self, place: Place) -> None:
        """Forget everything up to the place that the last `read` gave."""
        with self.changed:
            self._acknowledge(place)

    def close(self) -> None:
        """Let go of the folder. What waits in memory for a full disk is lost, and counted."""
        with self.changed:
            self._drain()
            self.dropped["disk_full"] += sum(block.events for block in self._backlog)
            self._backlog.clear()
            self._backlog_bytes = 0
            self._close_file()
            self._close_reader()
            os.close(self._hold)

    def _drain(self) -> None:
        """Write what waits in memory, as far as the disk takes it."""
        while self._backlog:
            block = self._backlog[0]
            body = _BODY.pack(block.time, len(block.payload), block.events)
            wire = _HEADER.pack(
                _MAGIC, zlib.crc32(block.payload, zlib.crc32(body)), block.time, len(block.payload), block.events
            )
            if not self._write(wire + block.payload, block.events):
                return
            self._backlog.popleft()
            self._backlog_bytes -= len(block.payload)

    def _write(self, wire: bytes, events: int) -> bool:
        segment = self._segments[-1] if self._segments else None
        try:
            if segment is None or self._file < 0 or segment.size >= self._segment_bytes:
                number = segment.number + 1 if segment is not None else max(self._done.segment, 1)
                self._close_file()
                self._file = os.open(self._path(number), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                segment = _Segment(number)
                self._segments.append(segment)
                if self._done.segment < self._segments[0].number:
                    self._done = Place(self._segments[0].number, 0)
            written = 0
            while written < len(wire):
                written += os.write(self._file, memoryview(wire)[written:])
        except OSError as error:
            self.trouble = f"{self._folder}: {error.strerror}"
            if self._file >= 0 and segment is not None:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._file, segment.size)  # nothing half-written stays
            return False
        self.trouble = None
        segment.size += len(wire)
        segment.waiting += events
        return True

    def _bound(self) -> None:
        while len(self._segments) > 1 and sum(s.size for s in self._segments) > self._most_bytes:
            lost = self._segments[0]
            self.dropped["bytes"] += lost.waiting
            self._forget_first()

    def _acknowledge(self, place: Place) -> None:
        while self._segments and self._segments[0].number < place.segment:
            self._forget_first()
        if not self._segments or place.segment < self._segments[0].number:
            return  # the bound took it meanwhile
        first = self._segments[0]
        first.waiting -= self._given.pop(place.segment, 0)
        self._done = max(self._done, place)
        if first.size >= self._segment_bytes and self._done.offset >= first.size:
            self._forget_first()
        self._save()

    def _forget_first(self) -> None:
        gone = self._segments.popleft()
        if not self._segments:
            self._close_file()
        if self._reading is not None and self._reading[0] == gone.number:
            self._close_reader()
        self._path(gone.number).unlink(missing_ok=True)
        self._done = Place(self._segments[0].number if self._segments else gone.number + 1, 0)
        self._save()

    def _find(self, at: Place) -> tuple[Block, Place] | None:
        """The block at a place, or the first one after it."""
        for segment in self._segments:
            if segment.number < at.segment:
                continue
            offset = at.offset if segment.number == at.segment else 0
            found = self._block(segment, offset)
            if found is not None:
                return found[0], Place(segment.number, found[1])
            if offset < segment.size:
                self._damaged(segment, offset)
        return None

    def _block(self, segment: _Segment, offset: int) -> tuple[Block, int] | None:
        if offset + _HEADER.size > segment.size:
            return None
        file = self._reader(segment.number)
        head = os.pread(file, _HEADER.size, offset)
        if len(head) < _HEADER.size:
            return None
        magic, checksum, time, length, events = _HEADER.unpack(head)
        if magic != _MAGIC or length > _MOST_BLOCK or offset + _HEADER.size + length > segment.size:
            return None
        payload = os.pread(file, length, offset + _HEADER.size)
        if len(payload) < length or zlib.crc32(payload, zlib.crc32(head[8:])) != checksum:
            return None
        return Block(payload, events, time), offset + _HEADER.size + length

    def _reader(self, number: int) -> int:
        if self._reading is not None and self._reading[0] == number:
            return self._reading[1]
        self._close_reader()
        self._reading = number, os.open(self._path(number), os.O_RDONLY)
        return self._reading[1]

    def _close_reader(self) -> None:
        if self._reading is not None:
            os.close(self._reading[1])
            self._reading = None

    def _damaged(self, segment: _Segment, offset: int) -> None:
        """What stands at this place is no block: the segment ends here."""
        good = 0
        at = 0
        while at < offset and (found := self._block(segment, at)) is not None:
            at = found[1]
            if Place(segment.number, at) > self._done:
                good += found[0].events
        self.dropped["corrupt"] += max(segment.waiting - good, 0)
        segment.waiting = good
        segment.size = offset
        if segment is self._segments[-1]:
            self._close_file()  # the next block begins a segment of its own
        os.truncate(self._path(segment.number), offset)

    def _recover(self) -> None:
        """Find what a process before this one left."""
        self._done = self._load()
        numbers = sorted(int(path.stem) for path in self._folder.glob("*.spool") if path.stem.isdigit())
        for number in numbers:
            if number < self._done.segment:
                self._path(number).unlink(missing_ok=True)
                continue
            segment = _Segment(number)
            segment.size = self._path(number).stat().st_size
            self._segments.append(segment)
            at = self._done.offset if number == self._done.segment else 0
            at = min(at, segment.size)
            while (found := self._block(segment, at)) is not None:
                segment.waiting += found[0].events
                at = found[1]
            if at < segment.size:
                # Torn by a death in the middle of a write, or altered. How many events it held is not known.
                self.dropped["corrupt"] += 1
                segment.size = at
                os.truncate(self._path(number), at)
        if self._segments and self._done.segment != self._segments[0].number:
            self._done = Place(self._segments[0].number, 0)
        if not self._segments:
            self._done = Place(self._done.segment + 1, 0)

    def _load(self) -> Place:
        try:
            data = (self._folder / "cursor").read_bytes()
            segment, offset, checksum = _CURSOR.unpack(data)
        except (OSError, struct.error):
            return Place(0, 0)
        return Place(segment, offset) if zlib.crc32(data[:16]) == checksum else Place(0, 0)

    def _save(self) -> None:
        data = struct.pack("!QQ", *self._done)
        fresh = self._folder / "cursor.new"
        try:
            fresh.write_bytes(data + zlib.crc32(data).to_bytes(4, "big"))
            fresh.replace(self._folder / "cursor")
        except OSError:
            # A full disk: the old cursor stays, and after a restart some events go out twice, under the same ids.
            fresh.unlink(missing_ok=True)

    def _close_file(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:012d}.spool"


class _Segment:
    """One file."""

    __slots__ = ("number", "size", "waiting")

    def __init__(self, number: int) -> None:
        self.number = number
        self.size = 0
        self.waiting = 0
