"""Clients of the brokers, with credentials that are read again when they change."""

from __future__ import annotations

import base64
import json
import logging
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, KafkaError, Producer
from confluent_kafka.admin import AdminClient

from kafka_bridge.errors import BridgeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .settings import Kafka

log = logging.getLogger(__name__)

Client = Consumer | Producer | AdminClient
_CLIENT_LOG = logging.getLogger("kafka_bridge.librdkafka")


class Connection:
    """Makes clients of one cluster.

    Args:
        kafka: the settings, with absolute paths.
    """

    def __init__(self, kafka: Kafka) -> None:
        self.kafka = kafka
        self._password: tuple[float, str] | None = None
        self.lost = 0
        """How often the brokers were gone and came back: clients of before may stand still for good."""

    def producer(self, **options: Any) -> Producer:
        """An idempotent producer: acks from all replicas in sync, no duplicates by its own retries."""
        return Producer(
            {
                "compression.type": "lz4",
                "linger.ms": 5,
                "delivery.timeout.ms": 10_000,
                "queue.buffering.max.kbytes": 64 << 10,
                **self._common(),
                "enable.idempotence": True,
                "acks": "all",
                **_dotted(options),
            }
        )

    def consumer(self, group: str, **options: Any) -> Consumer:
        """A consumer that reads committed messages and commits by itself."""
        return Consumer(
            {
                "session.timeout.ms": 10_000,
                "queued.max.messages.kbytes": 32 << 10,
                "fetch.wait.max.ms": 100,
                **self._common(),
                "group.id": f"{self.kafka.group}.{group}",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "partition.assignment.strategy": "cooperative-sticky",
                **_dotted(options),
            }
        )

    def onlooker(self, group: str) -> Consumer:
        """A client that asks how far a group has come, without joining it.

        An admin client could ask too, but librdkafka 2.16's crashes the process where the group's coordinator
        is not there or moves (it queries for it through a group that only consumers have).
        """
        return self.consumer(group, isolation_level="read_uncommitted")

    def admin(self) -> AdminClient:
        """A client for topics, ACLs and the ends of partitions."""
        return AdminClient(self._common())

    @property
    def certificates(self) -> tuple[float, ...]:
        """When the files of keys and certificates were written; clients of before have older ones."""
        tls = self.kafka.tls
        if tls is None:
            return ()
        return tuple(_modified(file) for file in (tls.ca, tls.certificate, tls.key) if file is not None)

    @property
    def generation(self) -> tuple[float, ...]:
        """Clients that were made under another one are to be made anew."""
        return (self.lost, *self.certificates)

    def refresh(self, client: Client) -> None:
        """Give a client the password that the file has now."""
        sasl = self.kafka.sasl
        if sasl is None or sasl.username is None or sasl.password_file is None or self._password is None:
            return
        modified, known = self._password
        if _modified(sasl.password_file) != modified:
            password = self._read_password()
            if password != known:
                log.info("the password of Kafka user %s changed; it is used from now on", sasl.username)
        client.set_sasl_credentials(sasl.username, self._password[1])

    def _common(self) -> dict[str, Any]:
        kafka = self.kafka
        tls, sasl = kafka.tls, kafka.sasl
        protocol = ("SASL_SSL" if tls else "SASL_PLAINTEXT") if sasl else ("SSL" if tls else "PLAINTEXT")
        made: dict[str, Any] = {
            "client.id": "kafka-bridge",
            **kafka.options,
            "bootstrap.servers": ",".join(kafka.brokers),
            "security.protocol": protocol,
            "logger": _CLIENT_LOG,
            "error_cb": _on_error,
            "reconnect.backoff.max.ms": 2_000,
        }
        if tls is not None:
            files = {
                "ssl.ca.location": tls.ca,
                "ssl.certificate.location": tls.certificate,
                "ssl.key.location": tls.key,
            }
            made |= {option: file for option, file in files.items() if file is not None}
        if sasl is not None:
            made["sasl.mechanism"] = sasl.mechanism
            if sasl.username is not None:
                made["sasl.username"] = sasl.username
            if sasl.password_file is not None:
                made["sasl.password"] = self._read_password()
            if sasl.token_file is not None:
                made["oauth_cb"] = _token_from(sasl.token_file)
        return made

    def _read_password(self) -> str:
        assert self.kafka.sasl is not None
        file = self.kafka.sasl.password_file
        assert file is not None
        try:
            modified, password = _modified(file), Path(file).read_text().strip()
        except OSError as error:
            msg = f"kafka.sasl.password_file: {error.strerror}: {file}"
            raise BridgeError(msg) from error
        self._password = (modified, password)
        return password


_troubles: deque[str] = deque(maxlen=1)


def last_trouble() -> str | None:
    """What a client of this process last said of its connections: a refused login, a certificate, a lost broker."""
    return _troubles[-1] if _troubles else None


def _on_error(error: KafkaError) -> None:
    # Of lost connections librdkafka tells by itself and tries again; a fatal one surfaces in the call at hand.
    if error.code() != KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - its public name; it only repeats the others
        _troubles.append(error.str())
    log.info("kafka: %s", error.str())


def _token_from(file: str) -> Callable[[str], tuple[str, float]]:
    def token(_config: str) -> tuple[str, float]:
        text = Path(file).read_text().strip()
        return text, _expires(text)

    return token


def _expires(token: str) -> float:
    """Seconds since 1970 at which a JWT (RFC 7519 §4.1.4) ends; in a minute where it does not say."""
    try:
        body = token.split(".")[1]
        return float(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["exp"])
    except (IndexError, KeyError, ValueError):
        return time.time() + 60


def _modified(file: str) -> float:
    try:
        return Path(file).stat().st_mtime
    except OSError:
        return 0.0


def _dotted(options: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "."): value for name, value in options.items()}
