"""One request to InfluxDB: gzipped lines to its first or its second interface, and what its answer means."""

from __future__ import annotations

import gzip
import json
import logging
import os
import re
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2

from kafka_bridge.authorization import basic
from kafka_bridge.errors import BridgeError
from kafka_bridge.version import __version__

from .settings import PASSWORD, TOKEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .settings import Influx

log = logging.getLogger(__name__)

_SECONDS = httpx2.Timeout(30.0, connect=10.0)
#: Bytes of an answer that are read; a reason needs no more.
_ANSWER = 8192
_ANSWER_SECONDS = 30.0
_REASON = 200
_CREDENTIAL = 8192
_PARTIAL = re.compile(r"partial write", re.IGNORECASE)
_DROPPED = re.compile(r"\bdropped[= ](\d+)")
#: InfluxDB keeps less than we do: nothing is wrong with these points, and trying them again changes nothing.
_PAST_KEEPING = re.compile(r"(beyond|outside) retention policy")


class InfluxError(BridgeError):
    """InfluxDB does not take anything right now; what waits is written later.

    Args:
        message: why, without credentials.
        wait: seconds that it asked for.
    """

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


class RefusedError(BridgeError):
    """InfluxDB does not want these points, today or tomorrow.

    Args:
        message: its reason.
        dropped: how many of them, where it took the others; ``None`` where it took nothing.
    """

    def __init__(self, message: str, dropped: int | None = None) -> None:
        super().__init__(message)
        self.dropped = dropped


class Client:
    """Writes lines. Credentials are read anew for each request, certificates for each connection.

    Args:
        influx: the settings, with absolute paths.
    """

    def __init__(self, influx: Influx) -> None:
        self._influx = influx
        parts = urlsplit(influx.url)
        self._shown = f"InfluxDB at {parts.hostname}{'' if parts.port is None else f':{parts.port}'}"
        self._http: httpx2.Client | None = None
        self._told = False

    def close(self) -> None:
        """Close the connection; the next request makes another one."""
        http, self._http = self._http, None
        if http is not None:
            http.close()

    def write(self, lines: Sequence[bytes]) -> None:
        """Write points, all of them or an error.

        Raises:
            RefusedError: some or all are not wanted.
            InfluxError: nothing is taken right now.
        """
        influx = self._influx
        base = influx.url.rstrip("/")
        if influx.database is not None:
            url, params = f"{base}/write", {"db": influx.database, "precision": "s"}
        else:
            url, params = f"{base}/api/v2/write", {"bucket": str(influx.bucket), "precision": "s"}
            if influx.org is not None:
                params["org"] = influx.org
        headers = {
            "Content-Type": "text/plain; charset=utf-8",
            "Content-Encoding": "gzip",
            "Accept-Encoding": "identity",
            "User-Agent": f"kafka-bridge/{__version__}",
            **self._login(),
        }
        body = gzip.compress(b"\n".join(lines), 5)
        try:
            if self._http is None:
                self._http = httpx2.Client(verify=self._trust(), timeout=_SECONDS, follow_redirects=False)
            with self._http.stream("POST", url, params=params, content=body, headers=headers) as response:
                text = "" if response.status_code == httpx2.codes.NO_CONTENT else _beginning(response)
        except httpx2.HTTPError as error:
            self.close()
            what = "no answer in time" if isinstance(error, httpx2.TimeoutException) else str(error)
            msg = f"{self._shown}: {what or type(error).__name__}"
            raise InfluxError(msg) from error
        self._judge(response.status_code, text, response.headers.get("retry-after", ""))

    def _judge(self, status: int, text: str, retry_after: str) -> None:
        """What an answer means."""
        if status in {200, 204}:
            return
        reason, listed = _reason(text)
        match status:
            case 400 | 413 | 422 if _PAST_KEEPING.search(reason):
                if not self._told:
                    log.info("%s keeps points for a shorter time than the store; it leaves out older ones", self._shown)
                    self._told = True
            case 400 | 413 | 422:
                dropped = int(found[1]) if (found := _DROPPED.search(reason)) else listed
                partial = _PARTIAL.search(reason) is not None
                # Counts differ from one write to the next; the reason is the same.
                raise RefusedError(_DROPPED.sub("", reason).strip() or f"{status}", dropped or 1 if partial else None)
            case 401 | 403:
                what = "`username` and `password_file`" if self._influx.database is not None else "`token_file`"
                msg = f"{self._shown} refuses the login ({status} {reason}); check {what}, and what it may write"
                raise InfluxError(msg)
            case 404:
                what = "`database`" if self._influx.database is not None else "`bucket` and `org`"
                msg = f"{self._shown} answered 404 {reason}; make it there, or check `influx`'s `url`, {what}"
                raise InfluxError(msg)
            case _:
                msg = f"{self._shown} answered {status} {reason}".strip()
                raise InfluxError(msg, float(retry_after) if re.fullmatch(r"\d{1,4}", retry_after) else 0.0)

    def _login(self) -> dict[str, str]:
        influx = self._influx
        if influx.database is None:
            token = _secret("token_file", influx.token_file, TOKEN)
            return {} if token is None else {"Authorization": f"Token {token}"}
        if influx.username is None:
            return {}
        return {"Authorization": basic(influx.username, _secret("password_file", influx.password_file, PASSWORD) or "")}

    def _trust(self) -> ssl.SSLContext | bool:
        if not self._influx.url.startswith("https://"):
            return True
        try:
            return ssl.create_default_context(cafile=self._influx.ca)
        except OSError as error:
            # Of ssl too, which says nothing of the file.
            msg = f"influx.ca: {error.strerror or error}: {self._influx.ca}"
            raise InfluxError(msg) from error


def _secret(setting: str, file: str | None, variable: str) -> str | None:
    """A credential out of its file, or of the environment."""
    if file is None:
        return os.environ.get(variable)
    try:
        with Path(file).open(encoding="utf-8") as opened:
            text = opened.read(_CREDENTIAL).strip()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"influx.{setting}: {getattr(error, 'strerror', None) or 'not text'}: {file}"
        raise InfluxError(msg) from error
    if not text or not text.isprintable() or (setting == "token_file" and not text.isascii()):
        msg = f"influx.{setting}: {file} holds no single line of text; write the credential into it, and nothing else"
        raise InfluxError(msg)
    return text


def _beginning(response: httpx2.Response) -> str:
    """The first of an answer's bytes, however many follow and however slowly."""
    until = time.monotonic() + _ANSWER_SECONDS
    found = b""
    for chunk in response.iter_raw():
        found += chunk[: _ANSWER - len(found)]
        if len(found) >= _ANSWER or time.monotonic() > until:
            break
    return found.decode("utf-8", "replace")


def _reason(text: str) -> tuple[str, int]:
    """InfluxDB's reason in one line, and of how many lines it tells by themselves."""
    said, listed = text, 0
    try:
        answer: Any = json.loads(text)
    except ValueError:
        answer = None
    if isinstance(answer, dict):
        said = str(answer.get("error") or answer.get("message") or "")
        data = answer.get("data")
        if isinstance(data, list) and data:
            listed = len(data)
            first = data[0]
            said += f": {first.get('error_message', '')}" if isinstance(first, dict) else ""
    line = "".join(c if c.isprintable() else " " for c in said)
    return " ".join(line.split())[:_REASON], listed
