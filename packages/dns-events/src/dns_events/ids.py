"""Event ids: UUID version 7 (RFC 9562 §5.7), so that ids sort by time."""

from __future__ import annotations

import uuid_utils


def new_id() -> str:
    """A fresh UUIDv7 in its canonical text."""
    return str(uuid_utils.uuid7())
