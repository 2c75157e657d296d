"""Pages to a URL: one POST of JSON, with an idempotency key."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx2
import msgspec

from .notifier import DeliveryError

_SECONDS = 10.0


class Webhook:
    """Delivers when the receiver answers with 2xx. The URL may hold a secret and is never shown whole."""

    name = "webhook"

    def __init__(self, url: str) -> None:
        self._url = url
        parts = urlsplit(url)
        self._shown = f"{parts.scheme}://{parts.hostname}"
        self._client = httpx2.Client(timeout=_SECONDS, follow_redirects=False)

    def deliver(self, key: str, transition: str, incident: dict[str, Any]) -> None:
        """POST the page.

        Raises:
            DeliveryError: no answer, or another one than 2xx.
        """
        body = msgspec.json.encode({"page": transition, "key": key, "incident": incident})
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        try:
            with self._client.stream("POST", self._url, content=body, headers=headers) as response:
                status = response.status_code
        except httpx2.HTTPError as error:
            msg = f"{self._shown}: {type(error).__name__}"
            raise DeliveryError(msg) from error
        if not 200 <= status < 300:
            msg = f"{self._shown} answered {status}"
            raise DeliveryError(msg)
