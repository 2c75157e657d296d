"""The programs that the lab runs, and the Debian packages that bring them."""

from __future__ import annotations

import os
import shutil

from .errors import LabError

_PACKAGES = {
    "knotd": "knot",
    "knotc": "knot",
    "nsd": "nsd",
    "named": "bind9",
    "unbound": "unbound",
    "unbound-checkconf": "unbound",
    "unbound-control": "unbound",
    "ip": "iproute2",
    "setpriv": "util-linux",
}
# Name servers live in sbin, which an ordinary user's PATH leaves out.
_SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def missing() -> list[tuple[str, str]]:
    """(program, Debian package) of everything that is not installed."""
    return [(program, package) for program, package in _PACKAGES.items() if _find(program) is None]


def path_of(program: str) -> str:
    """Where a program is.

    Raises:
        LabError: it is not installed.
    """
    found = _find(program)
    if found is None:
        raise LabError(f"{program} is not installed (Debian, Ubuntu: apt-get install {_PACKAGES[program]})")
    return found


def _find(program: str) -> str | None:
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *_SBIN))
    return shutil.which(program, path=path)
