"""A schema registry: ids of our schemas, and the schemas of others' ids (Confluent's REST API, which others speak)."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx2
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError as Answered

from kafka_bridge.errors import BridgeError, RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .settings import Registry as Settings

_TIMEOUT = 5
#: Schemas that are remembered; whoever writes to the topic chooses their ids.
_MOST = 1000
#: Seconds for which an id that the registry does not know is not asked for again.
_UNKNOWN = 60.0
_NOT_FOUND = 404


class Written(NamedTuple):
    """A schema that values were written with."""

    kind: str
    """``AVRO``, ``PROTOBUF`` or ``JSON``."""
    text: str


class Registry:
    """Asks a registry, and remembers what it said.

    Args:
        settings: of the configuration, with absolute paths.
    """

    def __init__(self, settings: Settings) -> None:
        self.url = settings.url
        self._client = SchemaRegistryClient(_options(settings))
        self._known: dict[int, Written] = {}
        self._unknown: dict[int, float] = {}

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def written(self, number: int) -> Written | None:
        """The schema of an id; ``None`` where there is none.

        Raises:
            RegistryError: it cannot be asked.
        """
        if number in self._known:
            return self._known[number]
        if time.monotonic() - self._unknown.get(number, float("-inf")) < _UNKNOWN:
            return None
        schema = self._ask(lambda: self._client.get_schema(number))
        if schema is None:
            _bounded(self._unknown)
            self._unknown[number] = time.monotonic()
            return None
        _bounded(self._known)
        found = self._known[number] = Written((schema.schema_type or "AVRO").upper(), schema.schema_str or "")
        return found

    def id_of(self, subject: str, schema: Written) -> int | None:
        """The id under which a subject has this schema; ``None`` where it has not.

        Raises:
            RegistryError: it cannot be asked.
        """
        found = self._ask(lambda: self._client.lookup_schema(subject, Schema(schema.text, schema.kind)))
        return None if found is None else found.schema_id

    def compatible(self, subject: str, schema: Written) -> bool:
        """Whether the registry would take it as the subject's next version.

        Raises:
            RegistryError: it cannot be asked.
        """
        if self._ask(lambda: self._client.get_latest_version(subject)) is None:
            return True
        return bool(self._ask(lambda: self._client.test_compatibility(subject, Schema(schema.text, schema.kind))))

    def register(self, subject: str, schema: Written) -> int:
        """Make it the subject's next version, unless it has it already; returns the id.

        Raises:
            RegistryError: refused, for instance as incompatible.
        """
        return int(self._ask(lambda: self._client.register_schema(subject, Schema(schema.text, schema.kind))))

    def _ask(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except Answered as error:
            if error.http_status_code == _NOT_FOUND:
                return None
            msg = f"the schema registry at {self.url} refuses: {error.error_message} (HTTP {error.http_status_code})"
            raise RegistryError(msg) from error
        except (httpx2.HTTPError, OSError, ValueError) as error:
            msg = f"the schema registry at {self.url} cannot be asked: {str(error) or type(error).__name__}"
            raise RegistryError(msg) from error


def _bounded(kept: dict[int, Any]) -> None:
    while len(kept) >= _MOST:
        del kept[next(iter(kept))]


def _options(settings: Settings) -> dict[str, Any]:
    made: dict[str, Any] = {"url": settings.url, "timeout": _TIMEOUT, "max.retries": 1, "cache.capacity": _MOST}
    files = {
        "ssl.ca.location": settings.ca,
        "ssl.certificate.location": settings.certificate,
        "ssl.key.location": settings.key,
    }
    made |= {option: file for option, file in files.items() if file is not None}
    if settings.password_file is not None:
        try:
            password = Path(settings.password_file).read_text().strip()
        except OSError as error:
            msg = f"kafka.registry.password_file: {error.strerror}: {settings.password_file}"
            raise BridgeError(msg) from error
        made["basic.auth.user.info"] = f"{settings.username}:{password}"
    return made


def compact(text: str) -> str:
    """JSON without the space that is there for people."""
    return json.dumps(json.loads(text), separators=(",", ":"))
