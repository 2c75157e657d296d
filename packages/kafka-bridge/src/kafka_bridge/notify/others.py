"""Pages to anything that the apprise library knows: Microsoft Teams, Telegram, Matrix and a hundred more."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import apprise

from .message import digest_lines, digest_title, headline, in_words
from .notifier import DeliveryError, Notifier, Receipt
from .settings import hide, secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .links import Links
    from .notifier import Page
    from .settings import AppriseSettings

# It writes URLs, and they are secrets.
logging.getLogger("apprise").setLevel(logging.CRITICAL)


class Others(Notifier):
    """The library resolves names itself, so that no address is known ahead, and says only whether it worked."""

    def __init__(self, name: str, settings: AppriseSettings, links: Links) -> None:
        self.name = name
        self.per_minute, self.digest = settings.per_minute, settings.digest
        self._settings = settings
        self._links = links

    def deliver(self, page: Page) -> Receipt:
        """Send it."""
        links = self._links.of(page.incident)
        return self._send(headline(page.transition, page.incident), in_words(page.transition, page.incident, links))

    def deliver_digest(self, pages: Sequence[Page]) -> Receipt:
        """Send them as one."""
        return self._send(digest_title(pages), "\n".join(digest_lines(pages)))

    def hide(self, text: str) -> str:
        """Without the URL."""
        return hide(self._settings, text)

    def _send(self, title: str, body: str) -> Receipt:
        way = apprise.Apprise()
        if not way.add(secret(self._settings, "url") or ""):
            raise DeliveryError("apprise does not know this kind of URL", "refused")
        try:
            arrived = way.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT)
        except Exception as error:
            raise DeliveryError(f"apprise: {type(error).__name__}") from error
        if not arrived:
            raise DeliveryError("apprise says that it did not arrive")
        return Receipt(f"apprise sent it through {way[0].service_name}")
