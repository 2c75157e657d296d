"""A Starlette application on a thread of its own."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import uvicorn

from kafka_bridge.errors import BridgeError

from .peer import PeerProtocol

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from .tls import Certificates


class WebServer:
    """Serves one application until stopped.

    Args:
        app: the application.
        host: an address to listen on.
        port: 0 for a free one; `port` says which.
        name: for people.
        tls: certificates; left out: plain text.
    """

    def __init__(self, app: Starlette, host: str, port: int, name: str, *, tls: Certificates | None = None) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            msg = f"cannot listen on {host}:{port} ({name}): {error.strerror}; choose another port, or 0 for a free one"
            raise BridgeError(msg) from error
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_keep_alive=15,
            limit_concurrency=200,
            h11_max_incomplete_event_size=64 << 10,
            lifespan="off",
            http="auto" if tls is None else PeerProtocol,
        )
        if tls is not None:
            # uvicorn makes its own context of file names, and only once.
            config.load()
            config.ssl = tls.for_http()
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name=name, daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                msg = f"the {name} server did not start"
                raise BridgeError(msg)
            time.sleep(0.01)

    def stop(self) -> None:
        """Let running requests end."""
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()
