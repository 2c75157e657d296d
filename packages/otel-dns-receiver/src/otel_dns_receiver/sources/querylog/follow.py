"""A file that grows, followed across its rotation, its truncation and its absence; and the journal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from typing import TYPE_CHECKING

import msgspec

from otel_dns_receiver.errors import ReceiverError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_POLL = 0.25
_CHUNK = 1 << 18
#: A line that is longer is passed over.
MOST_LINE = 8192
_SAVE_EVERY = 2.0


class _Place(msgspec.Struct, frozen=True):
    """How far a file was read."""

    device: int
    inode: int
    offset: int


class File:
    """Follows one file.

    Args:
        path: the file.
        state: file in which the place is kept across restarts; without it, following begins at the end.
    """

    def __init__(self, path: Path, state: Path | None) -> None:
        self._path = path
        self._state = state
        self._fd = -1
        self._offset = 0
        self._rest = b""
        self._skipping = False
        self._saved = float("-inf")
        self.too_long = 0
        """Lines that were passed over for their length."""

    def close(self) -> None:
        """Remember the place and let go of the file."""
        if self._fd >= 0:
            self._save()
            os.close(self._fd)
            self._fd = -1

    async def lines(self) -> AsyncIterator[list[str]]:
        """Whole lines, as they come, in portions; an empty one while nothing comes."""
        first = True
        while True:
            if self._fd < 0:
                self._open(first=first)
                first = False
            found = self._read() if self._fd >= 0 else []
            yield found
            if found:
                if time.monotonic() - self._saved > _SAVE_EVERY:
                    self._save()
                await asyncio.sleep(0)
                continue
            self._turn()
            await asyncio.sleep(_POLL)

    def _open(self, *, first: bool) -> None:
        try:
            self._fd = os.open(self._path, os.O_RDONLY)
        except OSError:
            return  # it is not there yet, or not any more
        stat = os.fstat(self._fd)
        self._offset = 0
        self._rest = b""
        if first:
            place = self._load()
            if place is None:
                self._offset = stat.st_size if self._state is None else 0
            elif (place.device, place.inode) == (stat.st_dev, stat.st_ino) and place.offset <= stat.st_size:
                self._offset = place.offset

    def _read(self) -> list[str]:
        data = os.pread(self._fd, _CHUNK, self._offset)
        self._offset += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        if self._skipping and whole:
            whole, self._skipping = whole[1:], False
        if len(self._rest) > MOST_LINE:
            self._rest = b""
            if not self._skipping:
                self.too_long += 1
            self._skipping = True
        short = [text for text in whole if len(text) <= MOST_LINE]
        self.too_long += len(whole) - len(short)
        return [text.decode("utf-8", "replace") for text in short]

    def _turn(self) -> None:
        """At the end of the file: has it been rotated or truncated?"""
        if self._fd < 0:
            return
        mine = os.fstat(self._fd)
        if mine.st_size < self._offset:  # copytruncate
            self._offset, self._rest = 0, b""
            return
        try:
            now = self._path.stat()
        except OSError:
            return  # renamed; the writer may go on writing to the old one until the new one is there
        if (now.st_dev, now.st_ino) != (mine.st_dev, mine.st_ino) and mine.st_size == self._offset:
            os.close(self._fd)
            self._fd = -1

    def _save(self) -> None:
        self._saved = time.monotonic()
        if self._state is None or self._fd < 0:
            return
        stat = os.fstat(self._fd)
        data = msgspec.json.encode(_Place(stat.st_dev, stat.st_ino, self._offset - len(self._rest)))
        fresh = self._state.with_suffix(".new")
        with contextlib.suppress(OSError):  # a full disk costs a repetition after a restart, no more
            fresh.write_bytes(data)
            fresh.replace(self._state)

    def _load(self) -> _Place | None:
        if self._state is None:
            return None
        try:
            return msgspec.json.decode(self._state.read_bytes(), type=_Place)
        except (OSError, msgspec.DecodeError):
            return None


class _Entry(msgspec.Struct):
    """The part of a journal entry that is read; a message that is no text is a list of numbers."""

    MESSAGE: str | list[int] | None = None


class Journal:
    """Follows the messages of one unit in the systemd journal, through ``journalctl``."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self.too_long = 0

    def close(self) -> None:
        """The process ends with the iteration."""

    async def lines(self) -> AsyncIterator[list[str]]:
        """Messages, as they come.

        Raises:
            ReceiverError: there is no ``journalctl``, or it ended.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                "journalctl", "--follow", "--lines=0", "--output=json", f"--unit={self._unit}",
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
                limit=16 * MOST_LINE,
            )  # fmt: skip
        except OSError as error:
            raise ReceiverError(f"journalctl: {error.strerror}; is this machine's log a systemd journal?") from error
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            while True:
                try:
                    raw = await asyncio.wait_for(process.stdout.readline(), 1.0)
                except TimeoutError:
                    yield []
                    continue
                except ValueError:  # an entry that is longer than any query's
                    self.too_long += 1
                    continue
                if not raw:
                    said = (await process.stderr.read(500)).decode(errors="replace").strip()
                    raise ReceiverError(f"journalctl ended: {said or 'without a word'}")
                yield self._message(raw)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def _message(self, raw: bytes) -> list[str]:
        try:
            message = msgspec.json.decode(raw, type=_Entry).MESSAGE
        except msgspec.DecodeError:
            return [""]
        if isinstance(message, list):
            message = bytes(number & 0xFF for number in message).decode("utf-8", "replace")
        if message is None or len(message) > MOST_LINE:
            self.too_long += 1
            return []
        return [message]
