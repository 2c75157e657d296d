"""Pages to a URL: one POST of JSON with an idempotency key, signed where there is a secret (Standard Webhooks 1.0)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import TYPE_CHECKING

import msgspec

from .http import shown
from .notifier import Notifier, Receipt
from .settings import hide, host, secret

if TYPE_CHECKING:
    from .http import Http
    from .notifier import Page
    from .settings import WebhookSettings


class Webhook(Notifier):
    """Delivers when the receiver answers with 2xx. The URL may hold a secret and is never shown whole."""

    def __init__(self, name: str, settings: WebhookSettings, http: Http) -> None:
        self.name = name
        self._settings = settings
        self._http = http
        self.hosts = host(settings, "url")

    def deliver(self, page: Page) -> Receipt:
        """POST the page."""
        body = msgspec.json.encode(page.as_json())
        headers = {"Content-Type": "application/json", "Idempotency-Key": page.key}
        key = secret(self._settings, "secret")
        if key is not None:
            headers |= signature(key, page.key, int(time.time()), body)
        url = secret(self._settings, "url") or ""
        return Receipt(self._http.send("POST", url, content=body, headers=headers).taken(shown(url)))

    def hide(self, text: str) -> str:
        """Without URL and key."""
        return hide(self._settings, text)


def signature(key: str, id_: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that prove a body: HMAC-SHA256 of id, timestamp and body, with points between them."""
    binary = base64.b64decode(key.removeprefix("whsec_")) if key.startswith("whsec_") else key.encode()
    mac = hmac.new(binary, f"{id_}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
