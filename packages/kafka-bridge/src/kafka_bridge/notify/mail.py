"""Pages by mail: plain text and HTML, one thread an incident."""

from __future__ import annotations

import email.policy
import html
import logging
import smtplib
import socket
import ssl
from contextlib import closing, suppress
from email.message import EmailMessage
from email.utils import format_datetime, localtime
from typing import TYPE_CHECKING

from .message import digest_lines, digest_title, headline, in_html, in_words
from .notifier import DeliveryError, Notifier, Receipt
from .settings import hide, secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .addresses import Addresses
    from .links import Links
    from .notifier import Cause, Page
    from .settings import EmailSettings

log = logging.getLogger(__name__)

_SECONDS = 15.0
_SUBJECT = 200
#: A reader in the dark is not shown a white page.
_HEAD = '<head><meta name="color-scheme" content="light dark"></head>'


class Email(Notifier):
    """Delivers when the server has taken the mail for at least one recipient."""

    def __init__(self, name: str, settings: EmailSettings, addresses: Addresses, links: Links) -> None:
        self.name = name
        self.per_minute, self.digest = settings.per_minute, settings.digest
        self.hosts = (settings.host,)
        self._settings = settings
        self._addresses = addresses
        self._links = links

    def deliver(self, page: Page) -> Receipt:
        """One mail; of an incident that was told before it is an answer to that mail."""
        incident, kept = page.incident, page.kept
        links = self._links.of(incident)
        now = f"[dnstower] {headline(page.transition, incident)}"[:_SUBJECT]
        # Some put a thread together by its subject as well.
        subject = now if kept is None else f"Re: {kept['subject']}"
        plain, rich = in_words(page.transition, incident, links), in_html(page.transition, incident, links)
        message = self._message(page.key, subject, plain, rich)
        if kept is not None:
            message["In-Reply-To"] = message["References"] = kept["id"]
        answer = self._send(message)
        return Receipt(answer, kept or {"id": message["Message-ID"], "subject": subject})

    def deliver_digest(self, pages: Sequence[Page]) -> Receipt:
        """One mail; what happens to its incidents later answers it."""
        subject, lines = f"[dnstower] {digest_title(pages)}", digest_lines(pages)
        rich = "<br>".join(html.escape(line) for line in lines)
        message = self._message(f"{pages[0].key}+{len(pages) - 1}", subject, "\n".join(lines), rich)
        return Receipt(self._send(message), {"id": message["Message-ID"], "subject": subject})

    def hide(self, text: str) -> str:
        """Without the password."""
        return hide(self._settings, text)

    def _message(self, key: str, subject: str, plain: str, rich: str) -> EmailMessage:
        settings = self._settings
        message = EmailMessage(email.policy.SMTP)
        message["From"], message["To"] = settings.from_, ", ".join(settings.to)
        message["Subject"] = subject
        message["Date"] = format_datetime(localtime())
        # The same page has the same id, however often it is sent.
        domain = settings.from_.rpartition("@")[2].strip("<> ") or "dnstower"
        message["Message-ID"] = f"<{key}.{self.name.replace('@', '.').replace(' ', '.')}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(plain)
        message.add_alternative(f"<!doctype html><html>{_HEAD}<body>{rich}</body></html>", subtype="html")
        return message

    def _send(self, message: EmailMessage) -> str:
        settings = self._settings
        where = f"{settings.host}:{settings.port}"
        try:
            with closing(self._connected()) as server:
                if settings.username is not None:
                    server.login(settings.username, secret(settings, "password") or "")
                refused = server.send_message(message, settings.from_, list(settings.to))
                # What is taken is taken, however it says good-bye.
                with suppress(smtplib.SMTPException, OSError):
                    server.quit()
        except smtplib.SMTPResponseException as error:
            raise DeliveryError(f"{where} answered {error.smtp_code}", _cause(error)) from error
        except smtplib.SMTPRecipientsRefused as error:
            later = any(code < 500 for code, _ in error.recipients.values())
            raise DeliveryError(f"{where} refuses all recipients", "away" if later else "refused") from error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise DeliveryError(f"{where}: {type(error).__name__}") from error
        if refused:
            log.warning("%s: %s refuses %d of %d recipients", self.name, where, len(refused), len(settings.to))
        return f"{where} took it for {len(settings.to) - len(refused)} of {len(settings.to)}"

    def _connected(self) -> smtplib.SMTP:
        settings = self._settings
        context = ssl.create_default_context(cafile=settings.ca)
        failed: OSError | None = None
        for address in self._addresses.of(settings.host):
            try:
                if settings.tls == "tls":
                    return _Smtps(address, settings.host, settings.port, context)
                server = _Smtp(address, settings.host, settings.port)
            except OSError as error:
                failed = error
                continue
            if settings.tls == "starttls":
                try:
                    server.starttls(context=context)
                except BaseException:
                    server.close()
                    raise
            return server
        assert failed is not None
        raise failed


class _Smtp(smtplib.SMTP):
    """Connects to an address; TLS is for the name."""

    def __init__(self, address: str, host: str, port: int) -> None:
        self._address = address
        super().__init__(host, port, timeout=_SECONDS)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002 - smtplib's hook
        return socket.create_connection((self._address, port), timeout)


class _Smtps(smtplib.SMTP_SSL):
    """The same where TLS comes first."""

    def __init__(self, address: str, host: str, port: int, context: ssl.SSLContext) -> None:
        self._address = address
        super().__init__(host, port, timeout=_SECONDS, context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self.context.wrap_socket(socket.create_connection((self._address, port), timeout), server_hostname=host)


def _cause(error: smtplib.SMTPResponseException) -> Cause:
    if error.smtp_code < 500:
        return "away"
    return "page" if isinstance(error, smtplib.SMTPDataError) else "refused"
