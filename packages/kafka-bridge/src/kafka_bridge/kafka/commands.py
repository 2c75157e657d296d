"""``kafka-bridge topics``: the topics and their ACLs, as a diff first."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from kafka_bridge import audit
from kafka_bridge.config import load_config
from kafka_bridge.errors import BridgeError
from kafka_bridge.store.pool import connect, open_pool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from confluent_kafka.admin import AdminClient

    from .administration import Change
    from .declared import Declared
    from .settings import Kafka

Config = Annotated[Path, Parameter(name="--config", help="bridge.yaml with the brokers and an administrator's login.")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON for programs.")]

topics_app = App(
    name="topics",
    help="Topics, retention and ACLs from one file (topics.yaml), as a diff first.\n\n"
    "Exit codes: 0 as the file says, 1 failed, 3 there are differences.",
)


@topics_app.command
def plan(file: Path, /, *, config: Config, as_json: Json = False) -> int:
    """Show what `apply` would do.

    Args:
        file: topics.yaml.
        config: bridge.yaml.
        as_json: one JSON object a line.
    """
    _, _, changes = _planned(file, config)
    _print(changes, as_json=as_json)
    return 3 if changes else 0


@topics_app.command
def check(*, config: Config, as_json: Json = False) -> int:
    """Whether the login in bridge.yaml may do what this bridge's roles need; silent when it may.

    Args:
        config: bridge.yaml.
        as_json: one JSON object a line.
    """
    from .administration import lacking  # noqa: PLC0415 - an extra

    kafka, admin = _admin(config)
    with _said(kafka):
        sentences = lacking(admin, kafka)
    for sentence in sentences:
        print(json.dumps({"lacking": sentence}) if as_json else sentence)
    return 3 if sentences else 0


@topics_app.command
def apply(
    file: Path,
    /,
    *,
    config: Config,
    yes: Annotated[bool, Parameter(negative="", help="Do not ask.")] = False,
    as_json: Json = False,
) -> int:
    """Show the differences, ask, and make the brokers as the file says. Each deed is in the audit log.

    Args:
        file: topics.yaml.
        config: bridge.yaml.
        yes: do not ask.
        as_json: one JSON object a line, of what was done.
    """
    from .administration import apply as carry_out  # noqa: PLC0415 - an extra

    kafka, _ = _admin(config)
    admin, declared, changes = _planned(file, config)
    if not as_json:
        _print(changes, as_json=False)
    if not changes:
        return 0
    if not yes and not _agreed():
        return 3
    done = []
    for change in changes:
        with _said(kafka):
            done += carry_out(admin, [change])
        if change.action != "cannot":
            log_deed(config, f"topics.{change.action}", {"prefix": declared.prefix, "change": str(change)})
    if as_json:
        _print(done, as_json=True)
    left = len(changes) - len(done)
    print(f"{len(done)} done, {left} that Kafka cannot do by itself", file=sys.stderr)
    return 3 if left else 0


def _planned(file: Path, config: Path) -> tuple[AdminClient, Declared, list[Change]]:
    from .administration import plan as planned  # noqa: PLC0415 - an extra
    from .declared import load_declared  # noqa: PLC0415

    kafka, admin = _admin(config)
    declared = load_declared(file)
    if (declared.prefix, declared.group) != (kafka.prefix, kafka.group):
        msg = (
            f"{file} is of prefix {declared.prefix!r} and group {declared.group!r}, {config} of {kafka.prefix!r} and "
            f"{kafka.group!r}; write the same"
        )
        raise BridgeError(msg)
    with _said(kafka):
        return admin, declared, planned(admin, declared)


def _admin(config: Path) -> tuple[Kafka, AdminClient]:
    kafka = load_config(config).kafka
    if kafka is None:
        msg = f"{config} has no `kafka`; write `bus: kafka` and `kafka: {{brokers: […]}}`"
        raise BridgeError(msg)
    try:
        from .connection import Connection  # noqa: PLC0415 - an extra
    except ImportError as error:
        msg = f"this needs more than is installed ({error}); pip install 'kafka-bridge[kafka]'"
        raise BridgeError(msg) from error
    return kafka, Connection(kafka).admin()


@contextmanager
def _said(kafka: Kafka) -> Iterator[None]:
    from confluent_kafka import KafkaException  # noqa: PLC0415 - an extra

    from .connection import last_trouble  # noqa: PLC0415

    try:
        yield
    except (KafkaException, TimeoutError) as error:
        # A client that cannot log in tries again until the call's time is over: why is what it logged meanwhile.
        reason = error.args[0].str() if isinstance(error, KafkaException) else "no answer in time"
        trouble = last_trouble()
        said = f"{reason} ({trouble})" if trouble and trouble not in reason else reason
        msg = f"the brokers at {', '.join(kafka.brokers)} refuse or cannot be asked: {said}"
        raise BridgeError(msg) from error


def log_deed(config: Path, action: str, detail: dict[str, str]) -> None:
    """Into the store's audit log, or beside bridge.yaml where the store is embedded."""
    store = load_config(config).store
    if store.url is not None:
        open_pool(store.url, size=2, ground=store.ground).close()  # brings the tables along
        with connect(store.url) as connection:
            audit.record(connection, action, detail)
        return
    with config.with_name("audit.ndjson").open("a") as file:
        file.write(json.dumps({"actor": audit.actor(), "action": action, **detail}) + "\n")


def _print(changes: list[Change], *, as_json: bool) -> None:
    for change in changes:
        if as_json:
            print(json.dumps({"action": change.action, "target": change.target, "detail": change.detail}))
        else:
            print(change)


def _agreed() -> bool:
    if not sys.stdin.isatty():
        print("nothing was done; add --yes", file=sys.stderr)
        return False
    print("Do this? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
