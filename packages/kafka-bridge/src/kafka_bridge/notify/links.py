"""Where messages lead to, and links by which an incident is taken on: signed, and good for a time."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from dns_events.durations import seconds

from .notifier import DeliveryError
from .settings import secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .settings import LinkSettings

_SHORTEST_KEY = 16


class Links:
    """The links of messages."""

    def __init__(self, settings: LinkSettings) -> None:
        self._settings = settings

    def runbook(self, incident: Mapping[str, Any]) -> str | None:
        """The runbook's URL, if there is a place for runbooks."""
        name = quote(incident["runbook"], safe="")
        if self._settings.runbooks is not None:
            return self._settings.runbooks.replace("{runbook}", name)
        return self._on_board(f"runbooks/{name}")

    def dashboard(self, incident: Mapping[str, Any]) -> str | None:
        """Where the incident is seen."""
        if self._settings.dashboard is not None:
            return self._settings.dashboard.replace("{zone}", quote(incident["zone"], safe=""))
        return self._on_board(f"incidents/{quote(incident['id'], safe='')}")

    def acknowledge(self, incident: Mapping[str, Any]) -> str | None:
        """Where the incident is taken on, where links are signed; else, and where nothing is left to do, ``None``."""
        if incident["state"] != "firing" or incident.get("acknowledged") or (key := self._key()) is None:
            return None
        expires = int(time.time() + seconds(self._settings.lasts))
        query = {"incident": incident["id"], "expires": expires, "signature": _sign(key, incident["id"], expires)}
        return self._on_board(f"acknowledge?{urlencode(query)}")

    def of(self, incident: Mapping[str, Any]) -> dict[str, str]:
        """All of them, by label."""
        found = {
            "runbook page": self.runbook(incident),
            "dashboard": self.dashboard(incident),
            "take it on": self.acknowledge(incident),
        }
        return {label: url for label, url in found.items() if url is not None}

    def why_not(self, incident: str, expires: str, signature: str) -> str | None:
        """Why a link to take an incident on is not good; ``None`` where it is."""
        try:
            key = self._key()
        except DeliveryError:
            key = None
        if key is None:
            return "this board takes no links: its key is missing"
        number = int(expires) if expires.isascii() and expires.isdigit() and len(expires) < 15 else 0
        if not hmac.compare_digest(_sign(key, incident, number).encode(), signature.encode()):
            return "this link was not made here, or was altered"
        return "this link has expired; newer messages have newer ones" if number < time.time() else None

    @property
    def takes_tokens(self) -> bool:
        """Whether an incident is taken on by a token, too."""
        return self._settings.token is not None or self._settings.token_file is not None

    def why_not_token(self, token: str) -> str | None:
        """Why a token is not good; ``None`` where it is."""
        try:
            known = secret(self._settings, "token")
        except DeliveryError:
            known = None
        if known is None or len(known) < _SHORTEST_KEY:
            return f"this board takes no token: it has none, or one of less than {_SHORTEST_KEY} characters"
        return None if hmac.compare_digest(known.encode(), token.encode()) else "this is not the token"

    def _key(self) -> bytes | None:
        key = secret(self._settings, "key")
        if key is not None and len(key) < _SHORTEST_KEY:
            msg = f"the key of links has less than {_SHORTEST_KEY} characters; write a long random one"
            raise DeliveryError(msg, "refused")
        return None if key is None else key.encode()

    def _on_board(self, path: str) -> str | None:
        board = self._settings.board
        return None if board is None else f"{board.rstrip('/')}/{path}"


def _sign(key: bytes, incident: str, expires: int) -> str:
    return hmac.new(key, f"acknowledge\n{incident}\n{expires}".encode(), hashlib.sha256).hexdigest()
