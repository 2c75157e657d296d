"""Events as values of messages: JSON, or Avro and Protobuf behind a schema registry's header.

The header is a zero, the schema's id in four bytes, and for Protobuf which message of the file it is (Confluent's wire
format). What is read may be of any of the three, so that a topic can change from one to another while it is used.
"""

from __future__ import annotations

import struct
from importlib import resources
from typing import TYPE_CHECKING, Any

import msgspec
from dns_events import ndjson
from dns_events.errors import DecodeError

from kafka_bridge.errors import BridgeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dns_events import Event

    from .registry import Registry, Written
    from .settings import Kafka, Values

_ENCODER = msgspec.json.Encoder()
_HEADER = struct.Struct(">bI")
_FRAMED = b"\x00"
#: `Event` is the first message of its file, for which the list of indexes has a short form.
_FIRST_MESSAGE = b"\x00"
CONTENT = {"json": b"application/json", "avro": b"application/avro", "protobuf": b"application/protobuf"}
"""What the header `content-type` says."""


class Form:
    """How events are written to a topic, and read from it.

    Args:
        kafka: the settings, with absolute paths.
        topic: whose values they are; its subject is ``<topic>-value``.
    """

    def __init__(self, kafka: Kafka, topic: str) -> None:
        self.values: Values = kafka.values
        self.subject = f"{topic}-value"
        self.registry = None if kafka.registry is None else _registry(kafka)
        self._prefix: bytes | None = None
        self._encode: Callable[[Event], bytes] = _encoder(kafka.values)
        self._writers: dict[int, Any] = {}

    @property
    def content(self) -> bytes:
        """The content type of what is written."""
        return CONTENT[self.values]

    def encode(self, event: Event) -> bytes:
        """The value of a message.

        Raises:
            RegistryError: it cannot be asked for the schema's id.
            BridgeError: it does not have the schema.
            ExportError: the form cannot carry the event.
        """
        if self.values == "json":
            return _ENCODER.encode(event)
        if self._prefix is None:
            self._prefix = self._registered()
        return self._prefix + self._encode(event)

    def decode(self, value: bytes) -> Event:
        """Read one.

        Raises:
            DecodeError: it is none, or of a schema that is not known.
            RegistryError: the registry cannot be asked what it is.
        """
        if value[:1] != _FRAMED:
            return ndjson.decode(value)
        if len(value) < _HEADER.size:
            msg = "not an event: it ends within a schema registry's header"
            raise DecodeError(msg)
        if self.registry is None:
            msg = "its schema is in a registry, and `kafka.registry` is not configured"
            raise DecodeError(msg)
        number = _HEADER.unpack_from(value)[1]
        written = self.registry.written(number)
        if written is None:
            msg = f"the schema registry has no schema {number}"
            raise DecodeError(msg)
        body = value[_HEADER.size :]
        if written.kind == "AVRO":
            return self._avro(number, written, body)
        if written.kind == "PROTOBUF":
            return _protobuf(body)
        return ndjson.decode(body)

    def _avro(self, number: int, written: Written, body: bytes) -> Event:
        from dns_events import avro  # noqa: PLC0415 - an extra

        if number not in self._writers:
            while len(self._writers) >= 100:
                del self._writers[next(iter(self._writers))]
            self._writers[number] = avro.parse(written.text)
        return avro.decode(body, self._writers[number])

    def _registered(self) -> bytes:
        if self.registry is None:
            msg = f"kafka.values: {self.values} needs `kafka.registry`"
            raise BridgeError(msg)
        number = self.registry.id_of(self.subject, schema(self.values))
        if number is None:
            msg = (
                f"the schema registry at {self.registry.url} does not have this version's {self.values} schema under "
                f"{self.subject}; run `kafka-bridge schemas register`"
            )
            raise BridgeError(msg)
        return _HEADER.pack(0, number) + (_FIRST_MESSAGE if self.values == "protobuf" else b"")


def schema(values: Values) -> Written:
    """The schema of events in this version."""
    from .registry import Written, compact  # noqa: PLC0415 - an extra

    folder = resources.files("dns_events") / "schemas"
    if values == "protobuf":
        return Written("PROTOBUF", folder.joinpath("event.proto").read_text(encoding="utf-8"))
    return Written("AVRO", compact(folder.joinpath("event.avsc").read_text(encoding="utf-8")))


def _registry(kafka: Kafka) -> Registry:
    assert kafka.registry is not None
    try:
        from .registry import Registry  # noqa: PLC0415 - an extra
    except ImportError as error:
        msg = f"kafka.registry needs more than is installed ({error}); pip install 'kafka-bridge[registry]'"
        raise BridgeError(msg) from error
    return Registry(kafka.registry)


def _encoder(values: Values) -> Callable[[Event], bytes]:
    try:
        if values == "avro":
            from dns_events import avro  # noqa: PLC0415 - an extra

            return avro.encode
        if values == "protobuf":
            from dns_events import protobuf  # noqa: PLC0415 - an extra

            return protobuf.encode
    except ImportError as error:
        msg = f"kafka.values: {values} needs more than is installed ({error}); pip install 'kafka-bridge[registry]'"
        raise BridgeError(msg) from error
    return _ENCODER.encode


def _protobuf(body: bytes) -> Event:
    from dns_events import protobuf  # noqa: PLC0415 - an extra

    if body[:1] != _FIRST_MESSAGE:
        msg = "not an event: another message of the schema's file"
        raise DecodeError(msg)
    return protobuf.decode(body[1:])
