"""OTLP over gRPC: ``opentelemetry.proto.collector.logs.v1.LogsService``."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

# Children are started by exec only; gRPC's own fork handlers would print about it each time.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped] # it ships no types
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from kafka_bridge.errors import BridgeError

from .credentials import bearer
from .guard import Guard
from .patience import Patience
from .payload import unpack
from .reception import Reception
from .refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .contract import WayIn
    from .refusal import Reason
    from .tls import Certificates

_SERVICE = "opentelemetry.proto.collector.logs.v1.LogsService"
_OK = ExportLogsServiceResponse().SerializeToString()
#: Each holds one call, from its first byte to the acknowledgement.
_THREADS = 48
_MOST_CALLS = 128
#: For a request's bytes; who sends slower holds a thread for nothing.
_BODY_SECONDS = 30.0
#: So that a client shows a certificate that is valid still, and one that was put in its place.
_MOST_AGE_MS = 3_600_000
_GRACE_MS = 60_000
_CODES: dict[Reason, grpc.StatusCode] = {
    "unauthenticated": grpc.StatusCode.UNAUTHENTICATED,
    "forged": grpc.StatusCode.PERMISSION_DENIED,
    "oversized": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "bomb": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "malformed": grpc.StatusCode.INVALID_ARGUMENT,
    "rate": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "stale": grpc.StatusCode.INVALID_ARGUMENT,
    "unavailable": grpc.StatusCode.UNAVAILABLE,
}


class GrpcServer:
    """Listens, refuses what is not OTLP logs of a known sender, and acknowledges what the bus has made durable.

    Args:
        way_in: where requests go.
        host: an address to listen on.
        port: 0 for a free one; `port` says which.
        most: largest request in bytes.
        guard: who may send; left out: whoever reaches the port.
        tls: certificates; left out: plain text.
    """

    def __init__(
        self,
        way_in: WayIn,
        host: str,
        port: int,
        most: int,
        *,
        guard: Guard | None = None,
        tls: Certificates | None = None,
    ) -> None:
        self._reception = Reception(way_in, most, guard or Guard())
        self._server = grpc.server(
            ThreadPoolExecutor(_THREADS, "otlp-grpc"),
            options=[
                ("grpc.max_receive_message_length", most),
                ("grpc.so_reuseport", 0),
                # Ours is bounded on the way, and knows a bomb by its name.
                ("grpc.per_message_decompression", 0),
                *([("grpc.max_connection_age_ms", _MOST_AGE_MS)] if tls else []),
                *([("grpc.max_connection_age_grace_ms", _GRACE_MS)] if tls else []),
            ],
            maximum_concurrent_rpcs=_MOST_CALLS,
        )
        # Raw bytes both ways: the bus keeps exactly what came. One request is read as a stream of one, because
        # then the credentials are looked at before its bytes are.
        handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_unary_rpc_method_handler(self._export)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, {"Export": handler}),))
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            if tls is None:
                self.port = self._server.add_insecure_port(address)
            else:
                self.port = self._server.add_secure_port(address, tls.for_grpc())
        except RuntimeError as error:
            msg = f"cannot listen on {address} for OTLP: {error}; choose another port, or 0 for a free one"
            raise BridgeError(msg) from error
        self._patience = Patience(_BODY_SECONDS)
        self._server.start()

    def stop(self) -> None:
        """Let running requests end."""
        self._server.stop(5).wait(6)
        self._patience.stop()

    def _export(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        guard, peer, sender = self._reception.guard, context.peer(), None
        try:
            sender = guard.who(_token(context), _names(context))
            with guard.turn(sender):
                self._reception.take(sender, self._one(messages, context), unpack, peer)
        except RefusedError as error:
            guard.refused(error, sender, peer)
            _abort(context, error)
        return _OK

    def _one(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        message = None
        with self._patience.waiting(context.cancel) as wait, suppress(grpc.RpcError):
            message = next(messages, None)
        if message is not None:
            return message
        if wait.over:
            msg = f"the request did not come within {self._patience.seconds:g} s"
            raise RefusedError("malformed", msg)
        # Of what is too large gRPC says no more than that there is no message, as of one that is not sent to its end.
        msg = f"larger than max ({self._reception.most} bytes), or not sent to its end"
        raise RefusedError("oversized", msg)


def _token(context: grpc.ServicerContext) -> str | None:
    for key, value in context.invocation_metadata() or ():
        if key == "authorization":
            return bearer(value if isinstance(value, str) else value.decode("latin-1"))
    return None


def _names(context: grpc.ServicerContext) -> list[str]:
    """Those of a certificate that gRPC has verified."""
    proved = context.auth_context()
    shown = [*proved.get("x509_common_name", ()), *proved.get("x509_subject_alternative_name", ())]
    return [name.decode("utf-8", "replace") for name in shown]


def _abort(context: grpc.ServicerContext, error: RefusedError) -> None:
    code, text = _CODES[error.reason], str(error)
    if error.wait is not None:
        seconds = max(1, math.ceil(error.wait))
        retry = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=seconds))
        details = AnyMessage()
        details.Pack(retry)
        status = status_pb2.Status(code=code.value[0], message=text, details=[details])
        # The Collector reads the status, OpenTelemetry's Python SDK and dnstower's receiver the info.
        context.set_trailing_metadata(
            (
                ("google.rpc.retryinfo-bin", retry.SerializeToString()),
                ("grpc-status-details-bin", status.SerializeToString()),
            )
        )
    context.abort(code, text)
