"""A stand-in of Grafana's HTTP API, made from what is published of it (grafana.com/docs, version 12)."""

from __future__ import annotations

import http.server
import json
import re
import threading
from urllib.parse import parse_qs, urlsplit

TOKEN = "glsa_s3cret"
UID = re.compile(r"[A-Za-z0-9_-]{1,40}")
#: What is stored encrypted, and told to nobody.
SECRET = {("slack", "url"), ("pagerduty", "integrationKey"), ("teams", "url")}


class Grafana:
    """Folders, permissions and dashboards (grafana.com/docs, HTTP API of version 12)."""

    def __init__(self):
        self.folders, self.permissions, self.dashboards, self.changes = {}, {}, {}, []
        self.alerting = Alerting(self)

    def answer(self, method, path, query, body):
        if path == "/api/search":
            (uid,) = query["folderUIDs"]
            return 200, [
                {"uid": d["dashboard"]["uid"], "title": d["dashboard"]["title"], "type": "dash-db"}
                for d in self.dashboards.values()
                if d["meta"]["folderUid"] == uid
            ]
        if method != "GET":
            self.changes.append(f"{method} {path}")
        if path == "/api/folders":
            assert set(body) == {"title", "uid"}
            assert UID.fullmatch(body["uid"])
            assert body["uid"] not in self.dashboards, "uids are unique among folders and dashboards"
            self.folders[body["uid"]] = {"id": len(self.folders) + 1, **body}
            # As Grafana does: everybody may see a new folder, and its maker administrates it.
            self.permissions[body["uid"]] = [
                {"role": "Viewer", "permission": 1}, {"role": "Editor", "permission": 2},
                {"userId": 7, "permission": 4},
            ]  # fmt: skip
            return 200, self.folders[body["uid"]]
        if path == "/api/dashboards/db":
            assert body["folderUid"] in self.folders
            assert body["dashboard"]["id"] is None
            assert body["overwrite"] is True
            uid = body["dashboard"]["uid"]
            saved = {**body["dashboard"], "id": 9, "version": 1}
            self.dashboards[uid] = {"dashboard": saved, "meta": {"folderUid": body["folderUid"]}}
            return 200, {"uid": uid, "status": "success"}
        return self._of_one(method, path.split("/")[2:], body)

    def _of_one(self, method, path, body):
        kind, uid = (path[0], path[1]) if path[0] == "folders" else (path[0], path[-1])
        known = self.folders if kind == "folders" else self.dashboards
        if uid not in known:
            return 404, {"message": "not found"}
        if path[-1] == "permissions":
            if method == "POST":
                assert all(set(item) <= {"role", "teamId", "permission"} for item in body["items"])
                self.permissions[uid] = [*body["items"], {"userId": 7, "permission": 4}]
                return 200, {"message": "updated"}
            return 200, self.permissions[uid]
        if method == "DELETE":
            del known[uid]
            return 200, {"message": "deleted"}
        return 200, known[uid]


class Alerting:
    """Rules, contact points, mute timings and the policy tree (pkg/services/ngalert/provisioning)."""

    def __init__(self, grafana):
        self.grafana = grafana
        self.rules, self.points, self.timings = {}, {}, {}
        self.points["default"] = {
            "uid": "default", "name": "grafana-default-email", "type": "email", "settings": {"addresses": "<x>"},
            "disableResolveMessage": False, "provenance": "",
        }  # fmt: skip
        self.tree = {"receiver": "grafana-default-email", "group_by": ["grafana_folder", "alertname"]}
        self.provenance = ""

    def answer(self, method, path, body, provenance):
        kind, _, name = path.partition("/")
        if kind == "policies":
            return self._policies(method, body, provenance)
        known, key, check = {
            "alert-rules": (self.rules, "uid", self._rule),
            "contact-points": (self.points, "uid", self._point),
            "mute-timings": (self.timings, "name", self._timing),
        }[kind]
        if method == "GET":
            return 200, [self._shown(kind, each) for each in known.values()]
        if method == "DELETE":
            if kind == "contact-points" and known[name]["name"] in self._used("receiver"):
                others = [p for p in known.values() if p["name"] == known[name]["name"]]
                if len(others) == 1:
                    return 409, {"message": "contact point is in use"}
            if kind == "mute-timings" and name in self._used("mute_time_intervals"):
                return 409, {"message": "mute timing is in use"}
            del known[name]
            return 204, None
        check(body)
        if method == "POST":
            assert body[key] not in known
        else:
            assert body.get(key, name) == name
            assert known[name]["provenance"] in ("", provenance), "provenance cannot be changed"
        stored = {**body, "provenance": provenance}
        if method == "PUT" and kind == "contact-points":
            for setting, value in body["settings"].items():
                if value == "[REDACTED]":
                    stored["settings"][setting] = known[name]["settings"][setting]
        known[body[key]] = stored
        return (201 if method == "POST" else 202), self._shown(kind, stored)

    def _policies(self, method, body, provenance):
        if method == "GET":
            return 200, {**self.tree, **({"provenance": self.provenance} if self.provenance else {})}
        assert method == "PUT"
        assert "object_matchers" not in body, "the root has no matchers"
        before, self.tree = self.tree, body
        names = {point["name"] for point in self.points.values()}
        wrong = self._used("receiver") - names or self._used("mute_time_intervals") - set(self.timings)
        if wrong:
            self.tree = before
            return 400, {"message": f"{wrong} does not exist"}
        self.provenance = provenance
        return 202, {"message": "policies updated"}

    def _used(self, key):
        def walk(route):
            value = route.get(key) or []
            yield from [value] if isinstance(value, str) else value
            for each in route.get("routes") or ():
                yield from walk(each)

        return set(walk(self.tree))

    def _shown(self, kind, each):
        if kind != "contact-points":
            return each
        hidden = {k: "[REDACTED]" if (each["type"], k) in SECRET else v for k, v in each["settings"].items()}
        return {**each, "settings": hidden}

    def _rule(self, body):
        assert UID.fullmatch(body["uid"])
        assert body["folderUID"] in self.grafana.folders
        assert body["condition"] in [query["refId"] for query in body["data"]]
        assert {"orgID", "ruleGroup", "title", "noDataState", "execErrState", "for"} <= set(body)
        assert body["noDataState"] in {"OK", "NoData", "Alerting"}
        same = [r for r in self.rules.values() if r["title"] == body["title"] and r["uid"] != body["uid"]]
        assert same == [], "titles are unique in a folder"
        # As Grafana does: it says durations and models in its own way.
        body["for"] = {"0m": "0s"}.get(body["for"], body["for"])

    def _point(self, body):
        assert UID.fullmatch(body["uid"])
        assert body["name"]
        assert body["settings"]

    def _timing(self, body):
        assert re.fullmatch(r"[\w.-]+", body["name"]), "the client puts it into a path as it is"
        assert body["time_intervals"]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        grafana = self.server.grafana
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        parts = urlsplit(self.path)
        status, said = 401, {"message": "Invalid API key"}
        if self.headers.get("authorization") == f"Bearer {TOKEN}":
            prefix = "/api/v1/provisioning/"
            if parts.path.startswith(prefix):
                if self.command != "GET":
                    grafana.changes.append(f"{self.command} {parts.path}")
                provenance = "" if self.headers.get("X-Disable-Provenance") else "api"
                rest = parts.path.removeprefix(prefix)
                status, said = grafana.alerting.answer(self.command, rest, body, provenance)
            else:
                status, said = grafana.answer(self.command, parts.path, parse_qs(parts.query), body)
        text = b"" if said is None else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the base class asks for it

    def log_message(self, *_):
        pass


def served(grafana):
    """It listens on loopback; the listener, to be shut down."""
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.grafana = grafana
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    grafana.url = f"http://127.0.0.1:{listener.server_port}"
    return listener
