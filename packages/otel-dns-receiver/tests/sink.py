"""An OTLP endpoint for tests: gRPC or HTTP, with or without TLS, that takes, refuses or goes away on command."""

from __future__ import annotations

import threading
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from dns_events import otlp
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

LOGS = "opentelemetry.proto.collector.logs.v1.LogsService"
METRICS = "opentelemetry.proto.collector.metrics.v1.MetricsService"


class Sink:
    """What came, and what to say next."""

    def __init__(self):
        self.events = []
        self.metrics = {}
        self.headers = []
        self.requests = 0
        self.say = []  # of gRPC: status codes; of HTTP: (status, headers); consumed one a request
        self.port = 0
        self._lock = threading.Lock()

    @property
    def ids(self):
        return [event.id for event in self.events]

    def take(self, request, headers):
        with self._lock:
            self.requests += 1
            self.headers.append(headers)
            if self.say:
                return self.say.pop(0)
            message = ExportLogsServiceRequest.FromString(request)
            self.events += [
                otlp.from_proto(record)
                for resource in message.resource_logs
                for scope in resource.scope_logs
                for record in scope.log_records
            ]
            return None

    def take_metrics(self, request):
        message = ExportMetricsServiceRequest.FromString(request)
        with self._lock:
            for resource in message.resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        self.metrics[metric.name] = metric


class GrpcSink(Sink):
    def start(self, port=0, credentials=None):
        def logs(request, context):
            said = self.take(request, dict(context.invocation_metadata()))
            if said is not None:
                context.abort(said, "as the test says")
            return ExportLogsServiceResponse()

        def metrics(request, _context):
            self.take_metrics(request)
            return ExportLogsServiceResponse()

        self._server = grpc.server(futures.ThreadPoolExecutor(2), options=[("grpc.so_reuseport", 0)])
        serializer = ExportLogsServiceResponse.SerializeToString
        for service, method in ((LOGS, logs), (METRICS, metrics)):
            handler = grpc.unary_unary_rpc_method_handler(method, response_serializer=serializer)
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": handler}),))
        address = f"127.0.0.1:{port}"
        self.port = (
            self._server.add_insecure_port(address)
            if credentials is None
            else self._server.add_secure_port(address, credentials)
        )
        self._server.start()
        return self

    def stop(self):
        self._server.stop(0).wait()


class HttpSink(Sink):
    def start(self, port=0):
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                if self.path.endswith("/metrics"):
                    sink.take_metrics(body)
                    status, more = 200, {}
                else:
                    status, more = sink.take(body, headers) or (200, {})
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
