"""The running lab's door for other processes: JSON lines over a Unix socket.

Asked `{"do": "break", "scenario": "ds-mismatch"}` it answers `{"ok": true, "fault": {...}}` or
`{"ok": false, "error": "..."}`; also `mend`, and `status`, which is what `up` printed, with the active
faults.
"""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from typing import TYPE_CHECKING, Any

from .errors import LabError

if TYPE_CHECKING:
    from pathlib import Path

    from .lab import Lab

NAME = "lab.sock"


class _Handler(socketserver.StreamRequestHandler):
    timeout = 10.0
    server: _Server

    def handle(self) -> None:
        try:
            for line in self.rfile:
                self.wfile.write(json.dumps(_answer(self.server.lab, line)).encode() + b"\n")
        except (TimeoutError, BrokenPipeError, ConnectionResetError):
            # The other side went away or says nothing. That is its own matter; the lab goes on.
            return


class _Server(socketserver.ThreadingUnixStreamServer):
    # A client that holds its connection must not hold up the end of the lab.
    daemon_threads = True
    block_on_close = False

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        # Left by a lab that was killed; the directory is ours by now.
        lab.socket.unlink(missing_ok=True)
        super().__init__(str(lab.socket), _Handler)


class Door:
    """The open socket."""

    def __init__(self, lab: Lab) -> None:
        self._path = lab.socket
        self._server = _Server(lab)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="lab-control")
        self._thread.start()

    def close(self) -> None:
        """Shut it and remove the socket's file."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._path.unlink(missing_ok=True)


def serve(lab: Lab) -> Door:
    """Open the door."""
    return Door(lab)


def ask(path: Path, request: dict[str, str]) -> dict[str, Any]:
    """Send one request to a running lab; its answer.

    Raises:
        LabError: nobody is there, or the lab says why not.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(60)
            connection.connect(str(path))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as lines:
                line = lines.readline()
    except OSError as error:
        raise LabError(f"no lab answers at {path}: {error}; start one with `python -m tests.lab up`") from error
    if not line:
        raise LabError(f"the lab at {path} ended before it answered")
    answer: dict[str, Any] = json.loads(line)
    if not answer["ok"]:
        raise LabError(answer["error"])
    return answer


def _answer(lab: Lab, line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
        match request:
            case {"do": "break", "scenario": str(scenario)}:
                return {"ok": True, "fault": lab.break_(scenario).to_json()}
            case {"do": "mend", "scenario": str(scenario)}:
                lab.mend(scenario)
                return {"ok": True}
            case {"do": "status"}:
                return {"ok": True, "lab": lab.to_json()}
    except (LabError, ValueError) as error:
        return {"ok": False, "error": str(error)}
    return {"ok": False, "error": 'ask {"do": "break" or "mend", "scenario": NAME} or {"do": "status"}'}
