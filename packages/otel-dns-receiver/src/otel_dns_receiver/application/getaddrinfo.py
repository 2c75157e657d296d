"""Instrumentation of ``socket.getaddrinfo`` and its kin, from asyncio too.

::

    from otel_dns_receiver.application.getaddrinfo import GetaddrinfoInstrumentor
    GetaddrinfoInstrumentor().instrument()
"""

from __future__ import annotations

import asyncio.base_events
import contextvars
import functools
import ipaddress
import socket
import time
from typing import TYPE_CHECKING, Any

from dns_events import semconv
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from .client import ResolvConf
from .lookups import Lookup, Lookups, options_of
from .patches import Patches

if TYPE_CHECKING:
    from collections.abc import Collection

_CODES = {
    value: name for name in dir(socket) if name.startswith("EAI_") and isinstance(value := getattr(socket, name), int)
}
#: When the application asked, where its question then waited for a thread of asyncio's.
_asked: contextvars.ContextVar[float | None] = contextvars.ContextVar("dnstower_asked", default=None)


class GetaddrinfoInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Spans, durations and events of failures for lookups through the C library."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """Nothing but Python."""
        return ()

    def _instrument(self, **options: Any) -> None:
        """Args are those of `Lookups`."""
        lookups = Lookups(**options_of(options))
        conf = ResolvConf()
        self._patches = Patches()
        for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
            self._patches.wrap(socket, name, _lookup(lookups, conf))
        self._patches.wrap(asyncio.base_events.BaseEventLoop, "getaddrinfo", _from_loop)

    def _uninstrument(self, **_: Any) -> None:
        self._patches.undo()


def _lookup(lookups: Lookups, conf: ResolvConf) -> Any:
    def wrapper(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
        name = _name(args, kwargs)
        if name is None or not is_instrumentation_enabled():
            return wrapped(*args, **kwargs)
        with lookups.lookup(name, _qtype(args, kwargs)) as found:
            client = conf.read()
            found.server = client.nameservers[0] if client.nameservers else None
            asked = _asked.get()
            waited = None if asked is None else time.monotonic() - asked
            if waited is not None:
                found.span.set_attribute(semconv.CLIENT_WAIT, waited)
            try:
                result = wrapped(*args, **kwargs)
            except OSError as error:
                _failed(found, error, waited)
                found.span.set_attribute(semconv.CLIENT_NAMESERVERS, client.nameservers)
                found.span.set_attribute(semconv.CLIENT_SEARCH, client.search)
                if not found.blame:
                    where = ", ".join(client.nameservers) or "none"
                    search = " ".join(client.search) or "none"
                    found.detail = f"{found.detail}; nameservers here: {where}; search: {search}"
                lookups.responded(found, error)
                raise
            found.outcome = "answer"
            lookups.responded(found, result)
            return result

    return wrapper


async def _from_loop(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """Asyncio looks up in a thread, to which the caller's context does not go by itself."""
    if not is_instrumentation_enabled():
        return await wrapped(*args, **kwargs)
    token = _asked.set(time.monotonic())
    try:
        context = contextvars.copy_context()
    finally:
        _asked.reset(token)
    function = instance._getaddrinfo_debug if instance.get_debug() else socket.getaddrinfo  # noqa: SLF001
    return await instance.run_in_executor(None, functools.partial(context.run, function, *_positional(args, kwargs)))


def _positional(args: Any, kwargs: Any) -> tuple[Any, ...]:
    """``loop.getaddrinfo(host, port, *, family, type, proto, flags)`` as ``socket.getaddrinfo`` takes it."""
    names = ("host", "port")
    given = [*args, *(kwargs[name] for name in names[len(args) :])]
    return (*given, *(kwargs.get(name, 0) for name in ("family", "type", "proto", "flags")))


def _name(args: Any, kwargs: Any) -> str | None:
    """The host, where there is something to look up: no address, no empty name."""
    host = args[0] if args else kwargs.get("host")
    if isinstance(host, bytes | bytearray):
        host = bytes(host).decode("ascii", "replace")
    if not isinstance(host, str) or not host:
        return None
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host.rstrip(".") or "."
    return None


def _qtype(args: Any, kwargs: Any) -> str:
    """The types that are asked for; the C library asks for both unless told."""
    family = args[2] if len(args) > 2 else kwargs.get("family", 0)
    return "AAAA" if family == socket.AF_INET6 else "A"


def _failed(found: Lookup, error: OSError, waited: float | None) -> None:
    if not isinstance(error, socket.gaierror | socket.herror):
        found.error = type(error).__qualname__
        return
    code = _CODES.get(error.errno or 0, f"EAI_{error.errno}")
    found.error = code
    # The C library does not say which of several things it was, so neither do we.
    found.outcome = "error"
    match code:
        case "EAI_AGAIN":
            found.blame = False
            late = "" if waited is None else f"; it waited {waited:.3f} s for a thread"
            found.detail = f"EAI_AGAIN: no answer or SERVFAIL, the domain's fault or this machine's{late}"
        case "EAI_NONAME" | "EAI_NODATA" | "EAI_ADDRFAMILY":
            found.detail = f"{code}: NXDOMAIN or NODATA, getaddrinfo does not say which"
        case _:
            found.blame = False
            found.detail = f"{code}: {error.strerror}"
