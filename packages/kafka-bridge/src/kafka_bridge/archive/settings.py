"""The `archive` part of bridge.yaml."""

from __future__ import annotations

from msgspec import Struct


class S3(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to speak to an S3-compatible store. Without keys, AWS's own ways apply (environment, instance role)."""

    endpoint: str | None = None
    """``https://HOST:PORT`` of a store that is not AWS."""
    region: str | None = None
    access_key: str | None = None
    secret_key_file: str | None = None


class Archive(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the archive is, and for how long."""

    url: str
    """A folder, or ``s3://BUCKET/PREFIX``."""
    every: str = "10m"
    """How long an event waits for others before a file is written."""
    events: int = 200_000
    """So many make files without waiting."""
    keep: str = "400d"
    s3: S3 = S3()
