"""The filesystem or object store under the archive."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from kafka_bridge.errors import BridgeError

if TYPE_CHECKING:
    from .settings import S3, Archive

_SECONDS = 20


class Written(NamedTuple):
    """One file as it lies there."""

    path: str
    events: int
    bytes: int


class Place:
    """Writes, lists and removes files below one root.

    A file is there whole or not at all: renamed into place, or put in one request.

    Raises:
        BridgeError: the root cannot be used; the message is without keys.
    """

    def __init__(self, archive: Archive) -> None:
        self.filesystem, self._root = _filesystem(archive)
        self._local = isinstance(self.filesystem, pafs.LocalFileSystem)
        self.url = archive.url

    def write(self, path: str, table: pa.Table) -> Written:
        """Write one file, in place of one of the same name."""
        whole = self.path(path)
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", row_group_size=50_000, write_statistics=True)
        data = sink.getvalue()
        if self._local:
            self.filesystem.create_dir(whole.rpartition("/")[0], recursive=True)
            partial = f"{whole}.partial"
            with Path(partial).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            self.filesystem.move(partial, whole)
        else:
            with self.filesystem.open_output_stream(whole) as stream:
                stream.write(data)
        return Written(path, table.num_rows, data.size)

    def path(self, path: str) -> str:
        """A file's name for the filesystem."""
        return f"{self._root}/{path}" if path else self._root

    def folders(self) -> list[str]:
        """The days that are there, as ``day=YYYY-MM-DD``, oldest first."""
        selector = pafs.FileSelector(self._root, allow_not_found=True)
        found = [info.base_name for info in self.filesystem.get_file_info(selector) if not info.is_file]
        return sorted(name for name in found if name.startswith("day="))

    def remove(self, folder: str) -> None:
        """Remove a folder with all that is in it."""
        self.filesystem.delete_dir(self.path(folder))


def _filesystem(archive: Archive) -> tuple[pafs.FileSystem, str]:
    if not archive.url.startswith("s3://"):
        try:
            Path(archive.url).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f"the archive {archive.url} cannot be made: {error.strerror}"
            raise BridgeError(msg) from error
        return pafs.LocalFileSystem(), archive.url
    parts = urlsplit(archive.url)
    endpoint = urlsplit(archive.s3.endpoint or "")
    filesystem = pafs.S3FileSystem(
        region=archive.s3.region,
        endpoint_override=endpoint.netloc or None,
        scheme=endpoint.scheme or "https",
        connect_timeout=_SECONDS,
        request_timeout=_SECONDS,
        **_keys(archive.s3),
    )
    root = f"{parts.netloc}{parts.path}".rstrip("/")
    try:
        info = filesystem.get_file_info(parts.netloc)
    except OSError as error:
        msg = f"the archive {archive.url} cannot be asked: {error}"
        raise BridgeError(msg) from error
    if info.type is pafs.FileType.NotFound:
        msg = f"the archive {archive.url}: there is no bucket {parts.netloc}; make it, or check `archive.url`"
        raise BridgeError(msg)
    return filesystem, root


def _keys(s3: S3) -> dict[str, str]:
    if s3.access_key is None or s3.secret_key_file is None:
        return {}
    try:
        secret = Path(s3.secret_key_file).read_text().strip()
    except OSError as error:
        msg = f"archive.s3.secret_key_file: {error.strerror}: {s3.secret_key_file}"
        raise BridgeError(msg) from error
    return {"access_key": s3.access_key, "secret_key": secret}
