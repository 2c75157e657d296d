"""A vantage: from where an observation was made, and of which server, as one key of three parts."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=65536)
def parts(vantage: str) -> tuple[str, str, str]:
    """The three parts of a key: region, role (or probe) and server address."""
    region, middle, server = vantage.split("\t")
    return region, middle, server


@lru_cache(maxsize=65536)
def way(region: str, server: str) -> str:
    """From a region to a server's address family, for a region may have no IPv6: the region itself for IPv4."""
    return f"{region} over IPv6" if ":" in server else region


def key(region: str, middle: str, server: str) -> str:
    """The key of three parts."""
    return f"{region}\t{middle}\t{server}"
