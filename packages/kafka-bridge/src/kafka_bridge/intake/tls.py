"""The endpoint's certificates, taken up anew when their files change."""

from __future__ import annotations

import logging
import ssl
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import grpc

from kafka_bridge.errors import ConfigError
from kafka_bridge.probes.watched import stamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from kafka_bridge.config import OtlpTls

log = logging.getLogger(__name__)


class _Loaded(NamedTuple):
    context: ssl.SSLContext
    for_grpc: grpc.ServerCertificateConfiguration


class Certificates:
    """Certificate, key and the authorities of clients, from files that something else renews.

    They are looked at in each handshake. What cannot be used is logged, and the old ones stay in force.

    Args:
        tls: absolute paths.
        rejected: called with a sentence for each client whose certificate was not accepted (HTTP only: gRPC
            does not tell).

    Raises:
        ConfigError: they cannot be used.
    """

    def __init__(self, tls: OtlpTls, rejected: Callable[[str], None] = lambda _sentence: None) -> None:
        self._files = [Path(file) for file in (tls.certificate, tls.key, tls.clients) if file is not None]
        self._mutual = tls.clients is not None
        self._rejected = rejected
        self._lock = threading.Lock()
        self._seen = stamp(*self._files)
        self._loaded = self._load()

    def for_http(self) -> ssl.SSLContext:
        """For a server of Python's own TLS. A client certificate is asked for, and verified if one comes."""
        context = self._loaded.context

        def renew(handshake: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
            # Called in every handshake, with a server name or without.
            handshake.context = self._current().context

        context.sni_callback = renew
        context.sslobject_class = self._counting()
        return context

    def for_grpc(self) -> grpc.ServerCredentials:
        """For gRPC. With authorities for clients it accepts nobody without a certificate."""
        given = self._loaded

        def renew() -> grpc.ServerCertificateConfiguration | None:
            nonlocal given
            found = self._current()
            if found is given:
                return None
            given = found
            return found.for_grpc

        return grpc.dynamic_ssl_server_credentials(
            given.for_grpc,
            renew,  # type: ignore[arg-type]  # None is "as before", which the stub does not know
            require_client_authentication=self._mutual,
        )

    def _current(self) -> _Loaded:
        with self._lock:
            found = stamp(*self._files)
            if found != self._seen:
                self._seen = found
                try:
                    self._loaded = self._load()
                except ConfigError as error:
                    log.error("the certificates stay as they were: %s", error)  # noqa: TRY400 - no traceback for users
                else:
                    log.warning("the certificates of the OTLP endpoint were read anew")
            return self._loaded

    def _load(self) -> _Loaded:
        certificate, key, *clients = self._files
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # Each connection proves itself anew: a resumed one would outlive the removal of its authority.
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
        context.num_tickets = 0
        try:
            pairs = [(key.read_bytes(), certificate.read_bytes())]
            authorities = clients[0].read_bytes() if clients else None
            context.load_cert_chain(certificate, key, password=_no_password)
        except (OSError, ValueError) as error:
            # An SSLError is an OSError; it names neither file.
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
            named = getattr(error, "filename", None) or f"{certificate} with {key}"
            msg = f"otlp.tls: {named}: {reason}; `certificate` and `key` are PEM files that belong together"
            raise ConfigError(msg) from error
        if authorities is not None:
            try:
                context.load_verify_locations(cadata=authorities.decode("ascii", "replace"))
            except (ssl.SSLError, ValueError) as error:
                msg = f"otlp.tls: {clients[0]}: no certificates of authorities in PEM"
                raise ConfigError(msg) from error
            context.verify_mode = ssl.CERT_OPTIONAL
        return _Loaded(context, grpc.ssl_server_certificate_configuration(pairs, authorities))

    def _counting(self) -> type[ssl.SSLObject]:
        rejected = self._rejected

        class Counting(ssl.SSLObject):
            """Tells of client certificates that were not accepted; asyncio keeps that to itself."""

            def do_handshake(self) -> None:
                try:
                    super().do_handshake()
                except ssl.SSLCertVerificationError as error:
                    rejected(f"the client's certificate: {error.verify_message}")
                    raise

        return Counting


def _no_password(*_: Any) -> NoReturn:
    msg = "the key is encrypted; give one without a passphrase, readable by the bridge alone"
    raise ValueError(msg)
