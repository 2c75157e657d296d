"""What the app asks of Grafana, answered from a real store: its own files, its settings, and `/api/ds/query`.

Macros become what Grafana's PostgreSQL data source makes of them; the login is that of a role which
`kafka-bridge store reader` has made, so a table that is no view is refused here as it would be there.
"""

from __future__ import annotations

import datetime as dt
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import psycopg
from grafana import expand

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TYPES = {
    16: "boolean", 20: "number", 21: "number", 23: "number", 700: "number", 701: "number", 1700: "number",
    1082: "time", 1114: "time", 1184: "time",
}  # fmt: skip
#: What these columns hold is a moment: numbers are seconds.
_TIMES = ("time", "timeend")
_KINDS = {".js": "text/javascript", ".svg": "image/svg+xml", ".css": "text/css", ".json": "application/json"}
_PAGE = """<!doctype html><link rel="stylesheet" href="/host/{0}.css">
<meta charset="utf-8"><style>body {{ margin: 0 }}</style><title>stand-in of Grafana</title><div id="root"></div>
<script>window.grafanaBootData = {{settings: {{featureToggles: {{}}}}, user: {{}}, navTree: []}}</script>
<script type="module" src="/host/{0}.js"></script>"""


class Grafana(ThreadingHTTPServer):
    """On loopback, on any free port; each user is a path of `/as/ROLE`, kept in a cookie."""

    daemon_threads = True

    def __init__(self, conninfo: str, app: Path, host: Path, boards: Mapping[str, Any] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.conninfo, self.app, self.host = conninfo, app, host
        #: Dashboards, by their names in the address.
        self.boards = boards or {}
        self.settings: dict[str, Any] = {}
        self.asked: list[str] = []
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self.thread.join()

    def boot(self, role: str) -> dict[str, Any]:
        manifest = json.loads((self.app / "plugin.json").read_text())
        meta = {**manifest, "jsonData": self.settings, "enabled": True, "module": "", "baseUrl": ""}
        return {"role": role, "meta": meta, "sources": self.sources()}

    def sources(self) -> list[dict[str, Any]]:
        kind = "grafana-postgresql-datasource"
        return [
            {
                "id": number, "uid": uid, "name": name, "type": kind, "jsonData": {}, "access": "proxy",
                "meta": {"id": kind, "name": "PostgreSQL", "type": "datasource", "info": {"logos": {"small": ""}}},
            }
            for number, (uid, name) in enumerate((("store", "dnstower"), ("other", "another database")), 1)
        ]  # fmt: skip

    def query(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        results, status = {}, 200
        for query in asked["queries"]:
            ref, text = query["refId"], expand(query["rawSql"], *(_moment(asked[end]) for end in ("from", "to")))
            self.asked.append(text)
            other = query["datasource"]["uid"] != "store"
            conninfo = psycopg.conninfo.make_conninfo(self.conninfo, dbname="template1") if other else self.conninfo
            try:
                with psycopg.connect(conninfo, options="-c timezone=UTC -c statement_timeout=10000") as connection:
                    frames = [_frame(connection.execute(text.encode()), ref, query.get("format") == "time_series")]
                results[ref] = {"status": 200, "frames": frames}
            except psycopg.Error as error:
                status = 400
                results[ref] = {"status": 400, "frames": [], "error": f"db query error: {error}".strip()}
        return status, {"results": results}


def _frame(cursor: psycopg.Cursor[Any], ref: str, series: bool) -> dict[str, Any]:
    if not cursor.rowcount:  # as its server does: nothing has no columns either
        return {"schema": {"refId": ref, "fields": []}, "data": {"values": []}}
    names = [
        (column.name, "time" if column.name in _TIMES else _TYPES.get(column.type_code, "string"))
        for column in cursor.description or ()
    ]
    columns = [list(column) for column in zip(*cursor.fetchall(), strict=True)] or [[] for _ in names]
    values = [[_value(v, kind) for v in column] for column, (_, kind) in zip(columns, names, strict=True)]
    fields = [{"name": name, "type": kind} for name, kind in names]
    if series and len(names) == 3:  # time, metric, value: one field for each metric, as Grafana makes it
        times = sorted(set(values[0]))
        metrics = sorted(set(values[1]))
        found = {(t, m): v for t, m, v in zip(*values, strict=True)}
        fields = [fields[0], *({"name": metric, "type": "number"} for metric in metrics)]
        values = [times, *([found.get((t, m)) for t in times] for m in metrics)]
    return {"schema": {"refId": ref, "fields": fields}, "data": {"values": values}}


def _value(value: Any, kind: str) -> Any:
    if value is None or kind == "boolean":
        return value
    if kind == "number":
        return float(value)
    if kind == "time":
        return int((value.timestamp() if isinstance(value, dt.datetime) else value) * 1000)
    return value if isinstance(value, str) else json.dumps(value)


def _moment(milliseconds: str) -> dt.datetime:
    return dt.datetime.fromtimestamp(int(milliseconds) / 1000, dt.UTC)


class _Handler(BaseHTTPRequestHandler):
    server: Grafana

    def log_message(self, *_: object) -> None:
        pass

    def _send(self, status: int, body: bytes, kind: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _json(self, status: int, value: object) -> None:
        self._send(status, json.dumps(value).encode(), "application/json")

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/boot":
            self._json(200, self.server.boot((self.headers["Cookie"] or "role=Viewer").partition("role=")[2]))
        elif path.startswith("/as/"):
            self._send(200, b"", "text/html", **{"Set-Cookie": f"role={path[4:]}; Path=/"})
        elif path.startswith("/api/dashboards/uid/"):
            board = self.server.boards[path.rpartition("/")[2]]
            self._json(200, {"board": board, "sources": self.server.sources()})
        elif path.startswith(("/public/plugins/dnstower-dns-app/", "/host/")):
            root = self.server.host if path.startswith("/host/") else self.server.app
            file = root / path.rpartition("dnstower-dns-app/" if root == self.server.app else "/host/")[2]
            if file.is_file():
                self._send(200, file.read_bytes(), _KINDS.get(file.suffix, "application/octet-stream"))
            else:
                self._send(404, b"", "text/plain")
        elif path.endswith(".svg"):  # Grafana's icons are in none of its libraries
            self._send(200, b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml")
        else:
            page = "dashboard" if path.startswith("/d/") else "host"
            self._send(200, _PAGE.format(page).encode(), "text/html")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.startswith("/api/ds/query"):
            self._json(*self.server.query(body))
        elif self.path == "/api/plugins/dnstower-dns-app/settings":
            self.server.settings = body["jsonData"]
            self._json(200, {"message": "Plugin settings updated"})
        else:
            self._json(404, {"message": self.path})
