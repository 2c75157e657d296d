"""OTLP over gRPC: ``opentelemetry.proto.collector.logs.v1.LogsService``."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

# Children are started by exec only; gRPC's own fork handlers would print about it each time.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from kafka_bridge.errors import BridgeError

from .contract import UnavailableError
from .payload import RefusedError, check

if TYPE_CHECKING:
    from .contract import WayIn

_SERVICE = "opentelemetry.proto.collector.logs.v1.LogsService"
_OK = ExportLogsServiceResponse().SerializeToString()
_THREADS = 16


class GrpcServer:
    """Listens, refuses what is not OTLP logs, and acknowledges what the bus has made durable."""

    def __init__(self, way_in: WayIn, host: str, port: int, most: int) -> None:
        self._way_in = way_in
        self._most = most
        self._server = grpc.server(
            ThreadPoolExecutor(_THREADS, "otlp-grpc"),
            options=[("grpc.max_receive_message_length", most), ("grpc.so_reuseport", 0)],
            maximum_concurrent_rpcs=_THREADS * 8,
        )
        # Raw bytes both ways: the bus keeps exactly what came.
        handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(self._export)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, {"Export": handler}),))
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            self.port = self._server.add_insecure_port(address)
        except RuntimeError as error:
            msg = f"cannot listen on {address} for OTLP: {error}; choose another port, or 0 for a free one"
            raise BridgeError(msg) from error
        self._server.start()

    def stop(self) -> None:
        """Let running requests end."""
        self._server.stop(5).wait(6)

    def _export(self, payload: bytes, context: grpc.ServicerContext) -> bytes:
        try:
            check(payload, self._most)
            self._way_in.append(payload, context.peer())
        except RefusedError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except UnavailableError as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        return _OK
