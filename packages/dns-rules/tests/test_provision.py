"""Dashboards into a Grafana: a stand-in made from its published API, and a real one where GRAFANA_URL is set."""

from __future__ import annotations

import http.server
import json
import os
import re
import subprocess
import sys
import threading
from urllib.parse import parse_qs, urlsplit

import pytest

TOKEN = "glsa_s3cret"


class Grafana:
    """Folders, permissions and dashboards (grafana.com/docs, HTTP API of version 12)."""

    def __init__(self):
        self.folders, self.permissions, self.dashboards, self.changes = {}, {}, {}, []

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
            assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", body["uid"])
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


@pytest.fixture
def server():
    grafana = Grafana()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            parts = urlsplit(self.path)
            status, said = 401, {"message": "Invalid API key"}
            if self.headers.get("authorization") == f"Bearer {TOKEN}":
                status, said = grafana.answer(self.command, parts.path, parse_qs(parts.query), body)
            text = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the base class asks for it

        def log_message(self, *_):
            pass

    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    grafana.url = f"http://127.0.0.1:{listener.server_port}"
    yield grafana
    listener.shutdown()
    listener.server_close()


def run(grafana, *arguments, token=TOKEN):
    return subprocess.run(
        [sys.executable, "-m", "dns_rules", "grafana", arguments[0], "--url", grafana.url, *arguments[1:]],
        env={**os.environ, "GRAFANA_TOKEN": token}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_a_plan_first_then_all_of_it_and_then_nothing(server):
    planned = run(server, "plan", "--security-team", "5", "--json")
    assert planned.returncode == 3, planned.stderr
    steps = [json.loads(line) for line in planned.stdout.splitlines()]
    assert [(s["do"], s["kind"]) for s in steps[:3]] == [
        ("create", "folder"), ("update", "permissions"), ("create", "dashboard"),
    ]  # fmt: skip
    assert server.changes == []
    done = run(server, "apply", "--security-team", "5", "--yes")
    assert done.returncode == 0, done.stderr
    assert set(server.dashboards) == {
        "dnstower-executive", "dnstower-operator", "dnstower-forensic", "dnstower-pipeline",
    }  # fmt: skip
    seen = {
        uid: [(next(iter(i.items()))) for i in items if "userId" not in i] for uid, items in server.permissions.items()
    }
    assert seen == {
        "dnstower-for-everyone": [("role", "Viewer"), ("role", "Editor")],
        "dnstower-for-operators": [("role", "Editor")],
        "dnstower-for-security": [("teamId", 5)],
    }
    server.changes.clear()
    again = run(server, "apply", "--security-team", "5", "--yes")
    assert (again.returncode, again.stdout, server.changes) == (0, "", [])


def test_what_differs_is_told_and_mended(server):
    assert run(server, "apply", "--yes").returncode == 0
    old = server.dashboards["dnstower-operator"]["dashboard"]
    old["tags"] = ["dnstower-managed", "dnstower-managed-000000000000"]
    old["panels"] = [{"title": "Of last year"}]
    server.permissions["dnstower-for-security"].append({"role": "Viewer", "permission": 1})
    planned = run(server, "plan")
    assert planned.returncode == 3
    (first, second) = planned.stdout.splitlines()
    assert first.startswith("~ dashboard dnstower-operator (")
    assert "without Of last year" in first
    assert second == "~ permissions dnstower-for-security (DNS: forensic): administrators alone"
    assert run(server, "apply", "--yes").returncode == 0
    assert run(server, "plan").returncode == 0


def test_what_others_made_is_never_touched(server):
    server.folders["dnstower-for-operators"] = {"uid": "dnstower-for-operators", "title": "Somebody's"}
    server.permissions["dnstower-for-operators"] = []
    mine = {"uid": "dnstower-executive", "title": "Mine", "tags": ["dns"]}
    server.dashboards["dnstower-executive"] = {"dashboard": mine, "meta": {"folderUid": ""}}
    done = run(server, "apply", "--yes")
    assert done.returncode == 1
    assert "! folder dnstower-for-operators (DNS: operations): there is another folder of this uid" in done.stdout
    assert "! dashboard dnstower-executive" in done.stdout
    assert server.dashboards["dnstower-executive"]["dashboard"] == mine
    assert "dnstower-operator" not in server.dashboards
    gone = run(server, "destroy", "--yes")
    assert gone.returncode == 1
    assert set(server.dashboards) == {"dnstower-executive"}
    assert set(server.folders) == {"dnstower-for-operators"}


def test_destroy_leaves_a_folder_in_which_others_keep_things(server):
    assert run(server, "apply", "--yes").returncode == 0
    theirs = {"uid": "theirs", "title": "Theirs", "tags": []}
    server.dashboards["theirs"] = {"dashboard": theirs, "meta": {"folderUid": "dnstower-for-everyone"}}
    gone = run(server, "destroy", "--yes")
    assert "others keep things in it: Theirs" in gone.stdout
    assert (set(server.dashboards), set(server.folders)) == ({"theirs"}, {"dnstower-for-everyone"})


def test_nobody_is_asked_where_nobody_is(server):
    done = run(server, "apply")
    assert (done.returncode, server.changes) == (1, [])
    assert "nobody can be asked; write --yes" in done.stderr


def test_a_wrong_token_is_told_and_not_shown(server):
    done = run(server, "plan", token="glsa_an0ther")
    assert done.returncode == 1
    assert "answered 401; the service account lacks the right" in done.stderr
    assert "an0ther" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("ftp://grafana", "--url: not https://HOST[/PATH] without a login"),
        ("https://admin:admin@grafana", "--url: not https://HOST[/PATH] without a login"),
        ("http://127.0.0.1:1", "http://127.0.0.1 does not answer"),
    ],
)
def test_what_cannot_be_asked(url, text):
    grafana = Grafana()
    grafana.url = url
    done = run(grafana, "plan")
    assert done.returncode == 1
    assert text in done.stderr


@pytest.mark.skipif("GRAFANA_URL" not in os.environ, reason="no Grafana: set GRAFANA_URL and GRAFANA_TOKEN")
def test_a_real_grafana():
    grafana = Grafana()
    grafana.url = os.environ["GRAFANA_URL"]
    token = os.environ["GRAFANA_TOKEN"]
    try:
        assert run(grafana, "apply", "--yes", token=token).returncode == 0
        assert run(grafana, "plan", token=token).returncode == 0
    finally:
        assert run(grafana, "destroy", "--yes", token=token).returncode == 0
