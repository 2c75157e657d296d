"""A message of another tool into its records: one JSON object, an array of them, or one a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from dns_events.errors import DecodeError
from dns_events.ndjson import MAX_LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A message over this is refused before it is parsed; brokers take 1 MiB where nobody says otherwise.
MAX_MESSAGE_BYTES = 4 << 20
MAX_RECORD_BYTES = MAX_LINE_BYTES

_DECODER = msgspec.json.Decoder(dict[str, Any])


def _nothing(_: object) -> None:
    """Values are passed over: only where they end is wanted."""


# Elements are found one at a time, so that an array of a million nothings is never held whole.
_SPANS = json.JSONDecoder(
    object_pairs_hook=_nothing, parse_int=_nothing, parse_float=_nothing, parse_constant=_nothing
)  # fmt: skip


class Record(NamedTuple):
    """One record."""

    raw: bytes
    """As it stands in the message."""
    tree: dict[str, Any]


def records(data: bytes) -> Iterator[Record | DecodeError]:
    """The records of a message; a bad one does not keep the others back."""
    if len(data) > MAX_MESSAGE_BYTES:
        yield DecodeError(f"a message of {len(data)} bytes; at most {MAX_MESSAGE_BYTES} are read")
        return
    data = data.strip()
    if not data:
        yield DecodeError("an empty message; a JSON object is needed")
    elif data[:1] == b"[":
        yield from _array(data)
    elif isinstance(whole := record(data), Record) or b"\n" not in data:
        yield whole
    else:
        for line in data.splitlines():
            if line.strip():
                yield record(line.strip())


def record(raw: bytes) -> Record | DecodeError:
    """One JSON object."""
    if len(raw) > MAX_RECORD_BYTES:
        return DecodeError(f"a record of {len(raw)} bytes; at most {MAX_RECORD_BYTES} are read")
    try:
        return Record(raw, _DECODER.decode(raw))
    # Numbers of thousands of digits are a ValueError.
    except (ValueError, RecursionError) as error:
        return DecodeError(f"not a JSON object: {error}")


def _array(data: bytes) -> Iterator[Record | DecodeError]:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        yield DecodeError(f"not JSON: {error}")
        return
    at = _past(text, 1)
    while text[at : at + 1] != "]":
        try:
            _, end = _SPANS.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            yield DecodeError(f"a JSON array that breaks off at character {at}: {error}")
            return
        yield record(text[at:end].encode())
        at = _past(text, end)
        if text[at : at + 1] == ",":
            at = _past(text, at + 1)
        elif text[at : at + 1] != "]":
            yield DecodeError(f"a JSON array that breaks off at character {at}: a comma or ] is needed")
            return
    if at + 1 != len(text):
        yield DecodeError(f"something follows the JSON array, at character {at + 1}")


def _past(text: str, at: int) -> int:
    while text[at : at + 1] in {" ", "\t", "\r", "\n"}:
        at += 1
    return at
