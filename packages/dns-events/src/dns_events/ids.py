"""Event ids: UUID version 7 (RFC 9562 §5.7), so that ids sort by time."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid

import uuid_utils

from .errors import InvalidEventError

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def new_id() -> str:
    """A fresh UUIDv7 in its canonical text."""
    return str(uuid_utils.uuid7())


def derived_id(time: dt.datetime, data: bytes) -> str:
    """The id of what another tool recorded: in UUIDv7's form, and the same whenever the record is read again.

    Args:
        time: when it happened; its milliseconds stand first, as in any UUIDv7.
        data: the record's bytes; a hash of them and of the time takes the place of the random bits.

    Raises:
        InvalidEventError: a time before 1970, for which the form has no place.
    """
    micros = (time - _EPOCH) // _MICROSECOND
    if micros < 0:
        msg = f"time {time.isoformat()} is before 1970; an id has no place for it"
        raise InvalidEventError(msg)
    digest = hashlib.blake2b(micros.to_bytes(8, "big") + data, digest_size=10).digest()
    bits = int.from_bytes(digest, "big")
    version, variant = 7 << 76, 0b10 << 62
    random = (bits >> 64 & 0xFFF) << 64 | bits & (1 << 62) - 1
    return str(uuid.UUID(int=(micros // 1000) << 80 | version | random | variant))
