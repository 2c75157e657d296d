"""Listens for dnstap writers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import stat
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from dns_events import durations
from msgspec import Meta, Struct

from otel_dns_receiver.errors import ReceiverError
from otel_dns_receiver.sources.traffic import Minutes

from .frames import Decoder, FrameError
from .pairing import Pairing

if TYPE_CHECKING:
    from otel_dns_receiver.sources.contract import Context

_READ = 1 << 18
_TICK = 1.0
#: A writer must have begun after so many seconds.
_HANDSHAKE = 10.0


class Tls(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """TLS for writers over TCP."""

    certificate: str
    key: str
    clients: str | None = None
    """File of authorities; with it, only writers with a certificate of theirs are let in."""


class Dnstap(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """dnstap over a Unix socket, or TCP with or without TLS; one- and two-way Frame Streams."""

    listen: str
    """``unix:/path`` or ``tcp:address:port``."""
    mode: str = "0660"
    """Permissions of the Unix socket, octal."""
    tls: Tls | None = None
    timeout: str | float = "5s"
    """After which a query without a response is a timeout."""
    sample: Annotated[float, Meta(ge=0, le=1)] = 0.001
    """Part of the successful lookups of watched zones that become observations of their own."""
    failures: Annotated[float, Meta(ge=0, le=10_000)] = 10.0
    """Observations of failures a second, at most."""
    all_zones: bool = False
    """Count names outside the watched zones too, under the zone ``.``."""
    server: str | None = None
    """Address of the server, for producers that leave it out."""
    writers: Annotated[int, Meta(ge=1, le=1024)] = 32
    frame: Annotated[int, Meta(ge=512, le=1 << 20)] = 1 << 17
    """Octets of one frame, at most."""

    def __post_init__(self) -> None:
        _place(self.listen)
        durations.seconds(self.timeout)
        try:
            int(self.mode, 8)
        except ValueError as error:
            raise ValueError(f"mode {self.mode!r} is not octal; write for instance '0660'") from error
        if self.tls is not None and self.listen.startswith("unix:"):
            raise ValueError("tls is for `listen: tcp:...`; a Unix socket has its mode")

    async def run(self, context: Context) -> None:
        """Listen until cancelled."""
        minutes = Minutes(context.zones, everything=self.all_zones, count=context.count)
        pairing = Pairing(
            minutes,
            context.emit,
            context.probe,
            timeout=durations.seconds(self.timeout),
            sample=self.sample,
            failures=self.failures,
            server=self.server,
        )
        listener = _Listener(self, context, pairing)
        server = await listener.start()
        try:
            while True:
                await asyncio.sleep(_TICK)
                pairing.expire(time.monotonic())
                for event in minutes.close(time.time(), context.probe()):
                    context.emit(event)
                listener.tell()
        finally:
            server.close()
            listener.close()
            pairing.expire(float("inf"))
            for event in minutes.close(float("inf"), context.probe()):
                context.emit(event)
            listener.tell()


def _place(listen: str) -> Path | tuple[str, int]:
    kind, _, rest = listen.partition(":")
    if kind == "unix" and rest:
        return Path(rest)
    host, colon, port = rest.rpartition(":")
    if kind == "tcp" and colon and host and port.isdigit() and int(port) < 65536:
        return host.strip("[]"), int(port)
    raise ValueError(f"listen {listen!r}; write unix:/path/to.sock or tcp:127.0.0.1:6000")


class _Listener:
    """The socket, its writers, and the source's accounts."""

    def __init__(self, config: Dnstap, context: Context, pairing: Pairing) -> None:
        self._config = config
        self._context = context
        self._pairing = pairing
        self._writers: set[asyncio.StreamWriter] = set()
        self._said: Counter[str] = Counter()
        self._path: Path | None = None

    async def start(self) -> asyncio.Server:
        place = _place(self._config.listen)
        if isinstance(place, Path):
            self._path = self._context.base / place
            _make_way(self._path)
            server = await asyncio.start_unix_server(self._serve, str(self._path), limit=_READ)
            self._path.chmod(int(self._config.mode, 8))
            where = str(self._path)
        else:
            tls = self._config.tls
            server = await asyncio.start_server(
                self._serve, *place, limit=_READ, ssl=None if tls is None else _context(tls, self._context.base)
            )
            host, port = server.sockets[0].getsockname()[:2]
            where = f"{host}:{port}"
        self._context.log.info("dnstap at %s", where)
        return server

    def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def tell(self) -> None:
        """Bring the source's counts up to date."""
        for state, number in self._pairing.counts.items():
            if number > self._said[state]:
                self._context.count(state, number - self._said[state])
                self._said[state] = number

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._writers) >= self._config.writers:
            self._context.count("refused_writers", 1)
            writer.transport.abort()
            return
        self._writers.add(writer)
        decoder = Decoder(self._config.frame)
        try:
            data = await asyncio.wait_for(reader.read(_READ), _HANDSHAKE)
            while data:
                frames, reply = decoder.feed(data)
                now = time.monotonic()
                take = self._pairing.frame
                for frame in frames:
                    take(frame, now)
                if reply:
                    writer.write(reply)
                    await writer.drain()
                if decoder.finished:
                    break
                data = await reader.read(_READ)
            if not decoder.finished:
                self._context.count("broken_off", 1)
        except FrameError as error:
            self._context.count("refused_writers", 1)
            self._context.log.warning("a dnstap writer was closed: %s", error)
        except (OSError, TimeoutError) as error:
            self._context.count("broken_off", 1)
            self._context.log.debug("a dnstap writer is gone: %s", error)
        finally:
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def _make_way(path: Path) -> None:
    """Remove the socket that a process before this one left; never a file, never one that is in use."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if not stat.S_ISSOCK(mode):
        raise ReceiverError(f"{path} is there and is no socket; name another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        if probe.connect_ex(str(path)) == 0:
            raise ReceiverError(f"{path} is in use by another process; name another path")
    path.unlink()


def _context(tls: Tls, base: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.load_cert_chain(base / tls.certificate, base / tls.key)
    if tls.clients is not None:
        made.load_verify_locations(base / tls.clients)
        made.verify_mode = ssl.CERT_REQUIRED
    return made
