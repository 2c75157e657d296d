"""``kafka-bridge schemas``: the schema of events in the registry."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from kafka_bridge.config import load_config
from kafka_bridge.errors import BridgeError

from .commands import log_deed
from .topics import topics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .registry import Written
    from .values import Form

Config = Annotated[Path, Parameter(name="--config", help="bridge.yaml with `kafka.values` and `kafka.registry`.")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON for programs.")]

schemas_app = App(
    name="schemas",
    help="The schema of events in the registry, for `kafka.values: avro` and `protobuf`.\n\n"
    "Exit codes: 0 registered, 1 failed, 3 not registered.",
)


@schemas_app.command
def check(*, config: Config, as_json: Json = False) -> int:
    """Whether the registry has this version's schema, or would take it.

    Args:
        config: bridge.yaml.
        as_json: one JSON object.
    """
    with _form(config) as (form, schema):
        assert form.registry is not None
        number = form.registry.id_of(form.subject, schema)
        fits = number is not None or form.registry.compatible(form.subject, schema)
    if as_json:
        print(json.dumps({"subject": form.subject, "id": number, "compatible": fits}))
    elif number is not None:
        print(f"{form.subject}: registered as {number}")
    else:
        print(f"{form.subject}: not registered, and {'compatible' if fits else 'NOT compatible'} with what is there")
    return 0 if number is not None else 3


@schemas_app.command
def register(*, config: Config, as_json: Json = False) -> int:
    """Register this version's schema; the registry refuses what is not compatible. The deed is in the audit log.

    Args:
        config: bridge.yaml.
        as_json: one JSON object.
    """
    with _form(config) as (form, schema):
        assert form.registry is not None
        before = form.registry.id_of(form.subject, schema)
        number = form.registry.register(form.subject, schema) if before is None else before
    if before is None:
        log_deed(config, "schemas.register", {"subject": form.subject, "id": str(number)})
    if as_json:
        print(json.dumps({"subject": form.subject, "id": number, "new": before is None}))
    else:
        print(f"{form.subject}: {'registered' if before is None else 'was registered already'} as {number}")
    return 0


@contextmanager
def _form(config: Path) -> Iterator[tuple[Form, Written]]:
    kafka = load_config(config).kafka
    if kafka is None or kafka.registry is None or kafka.values == "json":
        msg = f"{config} writes JSON; for others write `kafka: {{values: avro, registry: {{url: …}}}}`"
        raise BridgeError(msg)
    from .values import Form, schema  # noqa: PLC0415 - an extra

    form = Form(kafka, topics(kafka.prefix).normalized)
    assert form.registry is not None
    try:
        yield form, schema(kafka.values)
    finally:
        form.registry.close()
