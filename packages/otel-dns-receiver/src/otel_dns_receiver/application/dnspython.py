"""Instrumentation of dnspython: ``dns.query``, ``dns.asyncquery`` and the stub resolvers.

::

    from otel_dns_receiver.application.dnspython import DnspythonInstrumentor
    DnspythonInstrumentor().instrument(zones=["example.com"])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dns.asyncquery
import dns.asyncresolver
import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from otel_dns_receiver import read

from .lookups import Lookup, Lookups, options_of
from .patches import Patches

if TYPE_CHECKING:
    from collections.abc import Collection

    from dns_events import Role, Transport

#: Functions of `dns.query` and `dns.asyncquery`, and over what they ask.
_FUNCTIONS: dict[str, Transport] = {
    "udp": "udp", "udp_with_fallback": "udp", "tcp": "tcp", "tls": "dot", "https": "doh", "quic": "doq",
}  # fmt: skip
_PORTS: dict[str, int] = {"dot": 853, "doq": 853, "doh": 443}


class DnspythonInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Spans, durations and events of failures for lookups through dnspython."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """What is instrumented."""
        return ("dnspython >= 2.6",)

    def _instrument(self, **options: Any) -> None:
        """Args are those of `Lookups`."""
        lookups = Lookups(**options_of(options))
        self._patches = Patches()
        for function, transport in _FUNCTIONS.items():
            self._patches.wrap(dns.query, function, _query(lookups, transport))
            self._patches.wrap(dns.asyncquery, function, _async_query(lookups, transport))
        self._patches.wrap(dns.resolver.Resolver, "resolve", _resolve(lookups))
        self._patches.wrap(dns.asyncresolver.Resolver, "resolve", _async_resolve(lookups))

    def _uninstrument(self, **_: Any) -> None:
        self._patches.undo()


def _query(lookups: Lookups, transport: Transport) -> Any:
    def wrapper(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
        asked = _asked(args, kwargs)
        if asked is None or not is_instrumentation_enabled():
            return wrapped(*args, **kwargs)
        with lookups.lookup(asked.to_text(omit_final_dot=True), _type(args, kwargs)) as found:
            _where(found, args, kwargs, transport)
            try:
                result = wrapped(*args, **kwargs)
            except Exception as error:
                _failed(lookups, found, error)
                raise
            _answered(lookups, found, result)
            return result

    return wrapper


def _async_query(lookups: Lookups, transport: Transport) -> Any:
    async def wrapper(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
        asked = _asked(args, kwargs)
        if asked is None or not is_instrumentation_enabled():
            return await wrapped(*args, **kwargs)
        with lookups.lookup(asked.to_text(omit_final_dot=True), _type(args, kwargs)) as found:
            _where(found, args, kwargs, transport)
            try:
                result = await wrapped(*args, **kwargs)
            except Exception as error:
                _failed(lookups, found, error)
                raise
            _answered(lookups, found, result)
            return result

    return wrapper


def _resolve(lookups: Lookups) -> Any:
    def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        if not is_instrumentation_enabled():
            return wrapped(*args, **kwargs)
        with lookups.lookup(*_resolved(args, kwargs)) as found:
            _nameserver(found, instance)
            try:
                result = wrapped(*args, **kwargs)
            except Exception as error:
                _failed(lookups, found, error)
                raise
            _answered(lookups, found, result.response, result)
            return result

    return wrapper


def _async_resolve(lookups: Lookups) -> Any:
    async def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        if not is_instrumentation_enabled():
            return await wrapped(*args, **kwargs)
        with lookups.lookup(*_resolved(args, kwargs)) as found:
            _nameserver(found, instance)
            try:
                result = await wrapped(*args, **kwargs)
            except Exception as error:
                _failed(lookups, found, error)
                raise
            _answered(lookups, found, result.response, result)
            return result

    return wrapper


def _message(args: Any, kwargs: Any) -> Any:
    return args[0] if args else kwargs.get("q")


def _asked(args: Any, kwargs: Any) -> dns.name.Name | None:
    """The name in the question; ``None`` where there is none, as in an update."""
    message = _message(args, kwargs)
    question = getattr(message, "question", None)
    return question[0].name if isinstance(message, dns.message.QueryMessage) and question else None


def _type(args: Any, kwargs: Any) -> str:
    return dns.rdatatype.to_text(_message(args, kwargs).question[0].rdtype)


def _where(found: Lookup, args: Any, kwargs: Any, transport: Transport) -> None:
    where = args[1] if len(args) > 1 else kwargs.get("where")
    found.transport = transport
    found.server = str(kwargs.get("bootstrap_address") or where)
    found.port = int(kwargs.get("port", _PORTS.get(transport, 53)))


def _resolved(args: Any, kwargs: Any) -> tuple[str, str]:
    """Name and type of a call of `resolve`."""
    name = args[0] if args else kwargs.get("qname", "")
    rdtype = args[1] if len(args) > 1 else kwargs.get("rdtype", dns.rdatatype.A)
    try:
        qtype = dns.rdatatype.to_text(dns.rdatatype.RdataType.make(rdtype))
    except (ValueError, TypeError, dns.exception.DNSException):
        qtype = str(rdtype)[:20]
    text = name.to_text(omit_final_dot=True) if isinstance(name, dns.name.Name) else str(name).rstrip(".")
    return text or ".", qtype


def _nameserver(found: Lookup, resolver: Any) -> None:
    servers = getattr(resolver, "nameservers", None) or ()
    if servers:
        first = servers[0]
        found.server = str(getattr(first, "address", first))
        found.port = int(getattr(first, "port", resolver.port))


def _answered(lookups: Lookups, found: Lookup, result: Any, answer: Any = None) -> None:
    message = result[0] if isinstance(result, tuple) else result
    if isinstance(result, tuple) and len(result) > 1 and result[1] is True:
        found.transport = "tcp"  # of `udp_with_fallback`
    if message is not None and message.question:
        question = message.question[0]
        role: Role = "recursive"
        found.outcome = read.outcome(message, question.name, question.rdtype, role)
        found.rcode = dns.rcode.to_text(message.rcode())
        found.answers = read.records(message)
    if answer is not None and answer.nameserver is not None:
        found.server, found.port = str(answer.nameserver), int(answer.port or 53)
    lookups.responded(found, message if answer is None else answer)


def _failed(lookups: Lookups, found: Lookup, error: Exception) -> None:
    match error:
        case dns.resolver.NXDOMAIN():
            found.outcome, found.rcode = "nxdomain", "NXDOMAIN"
        case dns.resolver.NoAnswer():
            found.outcome, found.rcode = "nodata", "NOERROR"
        case dns.resolver.NoNameservers():
            found.outcome, found.error, found.detail = "servfail", "servfail", str(error)[:300]
        case dns.exception.Timeout():
            found.outcome, found.error = "timeout", "timeout"
        case ConnectionError() | OSError():
            found.outcome, found.error, found.detail = "unreachable", "unreachable", str(error)[:300]
        case dns.exception.DNSException():
            found.outcome, found.error, found.detail = "malformed", type(error).__qualname__, str(error)[:300]
        case _:
            found.error = type(error).__qualname__
    lookups.responded(found, error)
