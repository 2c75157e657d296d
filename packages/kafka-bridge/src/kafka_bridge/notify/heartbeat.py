"""A dead man's switch: a URL is called as long as incidents are made and told."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from dns_events.durations import seconds

from kafka_bridge.setback import setback

from .http import Http, shown
from .notifier import DeliveryError
from .settings import hide, host, secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from .addresses import Addresses
    from .settings import HeartbeatSettings

log = logging.getLogger(__name__)


class Heartbeat:
    """Calls the URL again and again.

    Args:
        settings: where and how often.
        addresses: of hosts; not started yet.
        stuck: why this bridge would not tell of an incident, so that it is not called; ``None`` where it would.
    """

    def __init__(self, settings: HeartbeatSettings, addresses: Addresses, stuck: Callable[[], str | None]) -> None:
        self._settings = settings
        self._http = Http(addresses, settings.ca)
        self._stuck = stuck
        self.notice: str | None = None
        """Why the last call was not made, or did not arrive."""
        addresses.know(host(settings, "url"))
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> Heartbeat:
        """Beat on a thread of its own."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Beat no more."""
        self._stopping.set()
        self._thread.join(15)

    def _run(self) -> None:
        every = seconds(self._settings.every)
        pause = min(every, 5.0)  # a moment for everything else to start
        while not self._stopping.wait(pause):
            before, self.notice, pause = self.notice, self.beat(), every
            if self.notice is not None and self.notice != before:
                log.warning("no heartbeat: %s", self.notice)

    def beat(self) -> str | None:
        """Call once; returns why it did not arrive."""
        try:
            if (why := self._stuck()) is not None:
                return why
            url = secret(self._settings, "url") or ""
            self._http.send(self._settings.method, url).taken(shown(url))
        except DeliveryError as error:
            return hide(self._settings, str(error))
        except Exception as error:  # noqa: BLE001 - see setback
            return hide(self._settings, setback(log, "the heartbeat", error))
        return None
