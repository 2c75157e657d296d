"""Pages get out: once to a file, again and again to a webhook until it takes them."""

from __future__ import annotations

import http.server
import json
import threading
import time

import pytest
from kafka_bridge.notify.addresses import Addresses
from kafka_bridge.notify.console import Console
from kafka_bridge.notify.file import File
from kafka_bridge.notify.http import Http
from kafka_bridge.notify.message import in_words
from kafka_bridge.notify.notifier import DeliveryError, Page
from kafka_bridge.notify.outbox import Deliverer
from kafka_bridge.notify.settings import WebhookSettings
from kafka_bridge.notify.webhook import Webhook

INCIDENT = {
    "id": "i1", "rule": "zone-outage", "class": "availability", "severity": "critical", "zone": "example.com",
    "state": "firing", "since": "2026-11-23T10:00:00Z", "updated": "2026-11-23T10:01:00Z", "drill": False,
    "title": "example.com is down", "what": "2 of 2 servers failed", "check_first": ["ask them"], "owner": "web",
    "where": {"regions": ["eu"], "servers": ["ns1 (192.0.2.1)"], "names": []}, "runbook": "zone-outage",
}  # fmt: skip


def page(transition="firing", key="k", **changed):
    return Page(key=key, transition=transition, incident=INCIDENT | changed)


def webhook(url):
    return Webhook("webhook", WebhookSettings(url=url), Http(Addresses(())))


@pytest.fixture
def receiver():
    """A webhook receiver that answers with what the test wants and keeps what it got."""
    got, answers = [], []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((self.headers["idempotency-key"], json.loads(body)))
            self.send_response(answers.pop(0) if answers else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook?token=s3cret", got, answers
    server.shutdown()
    server.server_close()


def put(pool, *notifiers):
    with pool.connection() as connection:
        (number,) = connection.execute(
            "insert into outbox (incident, transition, body) values ('i1', 'firing', %s) returning id",
            (json.dumps(INCIDENT),),
        ).fetchone()
        for name in notifiers:
            connection.execute("insert into delivery (page, notifier) values (%s, %s)", (number, name))


def test_words_say_what_where_and_what_to_check_first():
    text = in_words("firing", INCIDENT)
    for part in (
        "FIRING critical example.com is down",
        "regions eu; servers ns1",
        "check first: ask them",
        "owner: web",
    ):
        assert part in text
    assert in_words("firing", INCIDENT | {"drill": True}).startswith("DRILL FIRING")


def test_words_say_who_was_called_and_how_it_ended():
    calls = [{"team": team, "why": why} for team, why in (("web", "firing"), ("lead", "escalated"))]
    text = in_words("escalated", INCIDENT | {"calls": calls})
    assert text.startswith("ESCALATED critical example.com is down")
    assert "called: web, lead; nobody has acknowledged it" in text
    over = in_words("resolved", INCIDENT | {"resolution": "lasted 20 min; ns1 answered again"})
    assert "how it ended: lasted 20 min; ns1 answered again" in over


def test_the_console_speaks_to_people_on_stderr_and_to_programs_on_stdout(capsys):
    Console().deliver(page("firing", "k"))
    Console(as_json=True).deliver(page("firing", "k"))
    out, err = capsys.readouterr()
    assert json.loads(out)["incident"]["id"] == "i1"
    assert "example.com is down" in err


def test_a_file_gets_each_page_once_even_after_a_crash_in_between(tmp_path):
    file = tmp_path / "deep" / "pages.ndjson"
    for _ in range(2):
        File(file).deliver(page("firing", "i1-firing"))
    File(file).deliver(page("resolved", "i1-resolved"))
    assert [json.loads(line)["page"] for line in file.read_text().splitlines()] == ["firing", "resolved"]


def test_a_line_that_was_cut_off_spoils_no_other(tmp_path):
    file = tmp_path / "pages.ndjson"
    file.write_text('{"page":"fir')
    File(file).deliver(page("firing", "i1-firing"))
    assert json.loads(file.read_text().splitlines()[1])["key"] == "i1-firing"


def test_a_file_that_cannot_be_written_is_tried_again(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(DeliveryError, match="taken"):
        File(tmp_path / "taken" / "pages").deliver(page("firing", "k"))


def test_a_webhook_gets_the_incident_and_the_key(receiver):
    url, got, _ = receiver
    webhook(url).deliver(page("firing", "i1-firing"))
    ((key, body),) = got
    assert key == body["key"] == "i1-firing"
    assert body["incident"]["title"] == "example.com is down"


@pytest.mark.parametrize("status", [302, 400, 500])
def test_a_webhook_that_does_not_take_it_raises_without_its_secret(receiver, status):
    url, _, answers = receiver
    answers.append(status)
    with pytest.raises(DeliveryError) as caught:
        webhook(url).deliver(page("firing", "k"))
    assert str(status) in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_webhook_that_is_away_raises_without_its_secret():
    with pytest.raises(DeliveryError) as caught:
        webhook("http://127.0.0.1:9/hook?token=s3cret").deliver(page("firing", "k"))
    assert "s3cret" not in str(caught.value)


def test_failures_are_tried_again_later_and_the_others_are_not_kept_back(pool, receiver, tmp_path):
    url, got, answers = receiver
    answers += [500]
    put(pool, "webhook", "file")
    deliverer = Deliverer(pool, [webhook(url), File(tmp_path / "pages")])
    deadline = time.monotonic() + 20
    while len(got) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    deliverer.stop()
    assert [key for key, _ in got] == ["i1-firing", "i1-firing"]
    assert len((tmp_path / "pages").read_text().splitlines()) == 1
    with pool.connection() as connection:
        rows = connection.execute(
            "select notifier, attempts, delivered is not null, error from delivery order by notifier"
        ).fetchall()
    assert rows == [("file", 1, True, None), ("webhook", 2, True, None)]
