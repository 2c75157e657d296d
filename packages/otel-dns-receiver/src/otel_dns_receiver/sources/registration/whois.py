"""WHOIS (RFC 3912), where a TLD has no RDAP: read with caution, for it has no format."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING

from .reading import Reading, ReadingError, names, status, time

if TYPE_CHECKING:
    import datetime as dt

_MOST = 64 << 10
_FIELD = re.compile(r"^[ \t%*]*([A-Za-z][A-Za-z \t/-]{1,40}?)[ \t]*:[ \t]*(\S.{0,300}?)[ \t]*$")
_EXPIRES = (
    "registry expiry date", "registrar registration expiration date", "expiration date", "expiry date", "expires",
    "expire date", "paid-till", "renewal date", "expires on",
)  # fmt: skip
_CHANGED = ("updated date", "last updated", "last modified", "modified", "changed", "last update")
_NOTHING = re.compile(
    r"^[ \t%*>]*(no match|not found|no entries found|no data found|domain not found|no object found|status:\s*free"
    r"|object does not exist|the queried object does not exist)",
    re.IGNORECASE | re.MULTILINE,
)
_SLOW_DOWN = re.compile(r"(limit exceeded|quota|too many|blacklisted|try again later|access denied)", re.IGNORECASE)


async def ask(server: str, port: int, question: str, timeout: float) -> str:
    """One question; the answer as text.

    Raises:
        ReadingError: no answer, or one without end.
        OSError: no connection.
    """
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(server, port)
            try:
                writer.write(question.encode("ascii") + b"\r\n")
                answer = bytearray()
                while part := await reader.read(8192):
                    answer += part
                    if len(answer) > _MOST:
                        raise ReadingError(f"{server} answers more than {_MOST} octets")
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except TimeoutError:
        raise ReadingError(f"{server} did not answer within {timeout:g} s") from None
    return answer.decode("utf-8", "replace")


def read(answer: str, domain: str) -> Reading:
    """What is surely said; the rest is not known.

    Raises:
        ReadingError: not found, refused for asking too often, or not about this domain.
    """
    fields = _fields(answer)
    about = [value.lower().rstrip(".") for value in fields.get("domain name", []) + fields.get("domain", [])]
    if domain not in about:
        if _NOTHING.search(answer):
            raise ReadingError("not found")
        if _SLOW_DOWN.search(answer):
            raise ReadingError("the server asks to be asked less often")
        raise ReadingError("the answer is not about this domain")
    words = [value.split()[0] for value in fields.get("domain status", []) + fields.get("status", [])]
    servers = [value.split()[0] for key in ("name server", "nserver", "nameserver") for value in fields.get(key, [])]
    registrars = fields.get("registrar", []) or fields.get("sponsoring registrar", [])
    statuses = tuple(sorted({status(word) for word in words if word.isalpha()}))
    return Reading(
        registrar=registrars[0] if registrars else None,
        statuses=statuses or None,
        nameservers=names(servers) if servers else None,
        expires=_first_time(fields, _EXPIRES),
        changed=_first_time(fields, _CHANGED),
        transfer="pending" if "pending transfer" in statuses else None,
    )


def referral(answer: str) -> str | None:
    """The server that IANA or a registry refers to, as a host name."""
    fields = _fields(answer)
    for key in ("refer", "whois", "registrar whois server"):
        for value in fields.get(key, []):
            host = value.split()[0].lower().removeprefix("whois://").rstrip("/.")
            if re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host):
                return host
    return None


def _fields(answer: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in answer.splitlines()[:2000]:
        match = _FIELD.match(line[:400])
        if match is not None and len(values := found.setdefault(match[1].strip().lower(), [])) < 50:
            values.append(match[2])
    return found


def _first_time(fields: dict[str, list[str]], keys: tuple[str, ...]) -> dt.datetime | None:
    for key in keys:
        for value in fields.get(key, []):
            if (found := time(value) or time(value.split()[0])) is not None:
                return found
    return None
