"""Serves ``/probe`` until it is stopped; SIGHUP reads the modules again."""

from __future__ import annotations

import logging
import signal
import sys
from typing import TYPE_CHECKING

from otel_dns_receiver.errors import ReceiverError

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)


def serve(config: Path, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        ReceiverError: the extra is missing, the file cannot be used, or the port cannot be had.
    """
    try:
        import uvicorn  # noqa: PLC0415 - an extra

        from .web import Probes, application  # noqa: PLC0415
    except ImportError as error:
        raise ReceiverError("`blackbox` needs pip install 'otel-dns-receiver[blackbox]'") from error
    probes = Probes(config)
    server = uvicorn.Server(
        uvicorn.Config(application(probes), host=host, port=port, log_level="warning", access_log=False)
    )

    def reload(*_: object) -> None:
        try:
            probes.reload()
            log.info("modules read anew: %s", config)
        except ReceiverError as error:
            log.warning("the old modules stay in force: %s", error)

    signal.signal(signal.SIGHUP, reload)
    listener = server.config.bind_socket()
    name = listener.getsockname()
    print(f"blackbox probes: http://{name[0]}:{name[1]}/probe", file=sys.stderr, flush=True)
    server.run(sockets=[listener])
