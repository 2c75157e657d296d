"""From the configuration to what the endpoint's servers need: who may send, and certificates."""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from dns_events.durations import seconds

from kafka_bridge.config import endpoint, loopback
from kafka_bridge.probes.watched import WatchedRoster

from .guard import Guard, utc_now
from .refusal import RefusedError
from .tls import Certificates

if TYPE_CHECKING:
    from collections.abc import Callable

    from kafka_bridge.config import Otlp

log = logging.getLogger(__name__)


def doors(otlp: Otlp, now: Callable[[], dt.datetime] = utc_now) -> tuple[Guard, Certificates | None]:
    """The guard that both servers share, and their certificates.

    Args:
        otlp: the settings.
        now: the time of day.

    Raises:
        ConfigError: probes.yaml or the certificates cannot be used.
    """
    watched = None
    if otlp.probes is not None:
        watched = WatchedRoster(Path(otlp.probes), certificates=otlp.mutual)
    guard = Guard(watched, max_age=dt.timedelta(seconds=seconds(otlp.max_age)), now=now)

    def rejected(sentence: str) -> None:
        guard.refused(RefusedError("unauthenticated", sentence), None, "a TLS handshake")

    certificates = None if otlp.tls is None else Certificates(otlp.tls, rejected)
    if watched is None or certificates is None:
        for text in (otlp.grpc, otlp.http):
            if text is not None and not loopback(endpoint(text)[0]):
                log.warning(
                    "OTLP on %s is open to whoever reaches it, and anyone there can speak for any probe; "
                    "set `otlp.tls` and `otlp.probes`, or keep it behind a firewall",
                    text,
                )
    return guard, certificates
