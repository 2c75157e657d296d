"""The outbox: all pages, in order, once; and what people do with them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from dns_rules import Inventory, Team
from kafka_bridge.board.app import create_app
from kafka_bridge.config import Store, load_config
from kafka_bridge.errors import ConfigError
from kafka_bridge.intake.web import WebServer
from kafka_bridge.notify import settings as of
from kafka_bridge.notify.acknowledging import Acknowledging
from kafka_bridge.notify.addresses import Addresses
from kafka_bridge.notify.heartbeat import Heartbeat
from kafka_bridge.notify.links import Links
from kafka_bridge.notify.notifier import DeliveryError, Notifier, Receipt
from kafka_bridge.notify.outbox import Deliverer
from kafka_bridge.notify.routing import Routing
from kafka_bridge.store.upkeep import prune
from receivers import INCIDENT, Peer, slack


class Fake(Notifier):
    """Takes pages, or fails as it is told."""

    name = "fake"

    def __init__(self, fails=(), digest=None, per_minute=None):
        self.got, self.fails, self.digest, self.per_minute = [], list(fails), digest, per_minute

    def deliver(self, page):
        if self.fails and (error := self.fails.pop(0)) is not None:
            raise error
        self.got.append(page.key)
        return Receipt("ok", {"last": page.key, "before": (page.kept or {}).get("last")})

    def deliver_digest(self, pages):
        self.got.append([page.key for page in pages])
        return Receipt("ok")

    def hide(self, text):
        return text.replace("s3cret", "***")


def put(pool, count, incident=None):
    with pool.connection() as connection:
        for number in range(count):
            body = json.dumps(INCIDENT)
            (page,) = connection.execute(
                "insert into outbox (incident, transition, number, body) values (%s, 'firing', %s, %s) returning id",
                (incident or f"i{number}", number, body),
            ).fetchone()
            connection.execute("insert into delivery (page, notifier) values (%s, 'fake')", (page,))


def deliver(pool, fake, until, seconds=15):
    deliverer = Deliverer(pool, [fake])
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        time.sleep(0.05)
    notice = deliverer.notice
    deliverer.stop()
    return notice


def rows(pool, columns="error, due - now() > interval '200 s', aside"):
    with pool.connection() as connection:
        return connection.execute(f"select {columns} from delivery order by page".encode()).fetchall()


def test_what_was_away_gets_everything_in_order_once(pool):
    put(pool, 4)
    fake = Fake([DeliveryError("away")])
    deliver(pool, fake, lambda: len(fake.got) == 4)
    assert fake.got == ["i0-firing", "i1-firing-1", "i2-firing-2", "i3-firing-3"]


def test_a_refusal_is_told_and_tried_slowly_and_nothing_is_dropped(pool):
    put(pool, 2)
    fake = Fake([DeliveryError("401 for s3cret", "refused")])
    assert deliver(pool, fake, lambda: rows(pool)[0][0] is not None) == "fake: 401 for ***"
    assert fake.got == []
    assert rows(pool) == [("401 for ***", True, False), (None, False, False)]


def test_one_page_that_is_refused_keeps_no_other_back(pool):
    put(pool, 3)
    fake = Fake([DeliveryError("413", "page")])
    deliver(pool, fake, lambda: len(fake.got) == 2)
    assert fake.got == ["i1-firing-1", "i2-firing-2"]
    assert rows(pool)[0] == ("413", True, True)


def test_a_receiver_that_asks_to_wait_is_left_alone(pool):
    put(pool, 1)
    deliver(pool, Fake([DeliveryError("429", wait=600)]), lambda: rows(pool)[0][0] is not None)
    assert rows(pool, "due - now() > interval '590 s'") == [(True,)]


def test_a_fault_of_a_notifier_stops_no_lane(pool, caplog):
    put(pool, 1)
    deliver(pool, Fake([ZeroDivisionError("s3cret")]), lambda: rows(pool)[0][0] is not None)
    assert "ZeroDivisionError" in rows(pool)[0][0]
    assert "Traceback" in caplog.text
    assert "s3cret" not in rows(pool)[0][0] + caplog.text


def test_many_that_wait_are_one_digest_in_order(pool):
    put(pool, 7)
    fake = Fake(digest=5)
    deliver(pool, fake, lambda: fake.got)
    assert fake.got == [["i0-firing", *(f"i{n}-firing-{n}" for n in range(1, 7))]]
    assert rows(pool, "delivered is not null") == [(True,)] * 7


def test_the_rate_is_kept(pool):
    put(pool, 3)
    fake = Fake(per_minute=2)
    deliver(pool, fake, lambda: False, seconds=2)
    assert len(fake.got) == 2


def gone(pool, since):
    """Of the pages of `put`, the first is for a receiver that is gone, and was missed so long ago."""
    with pool.connection() as connection:
        connection.execute(
            "update delivery set notifier = 'old', missed = now() - %s::interval "
            "where page = (select min(page) from delivery)",
            (since,),
        )


def told(pool):
    with pool.connection() as connection:
        return connection.execute("select detail from audit_log where action = 'pages.give-up'").fetchall()


def test_a_page_for_a_receiver_that_is_gone_waits_for_a_week_and_is_told(pool, caplog):
    put(pool, 2)
    gone(pool, None)
    fake = Fake()
    said = deliver(pool, fake, lambda: fake.got and rows(pool, "missed is not null")[0][0])
    assert fake.got == ["i1-firing-1"]
    assert said.startswith("1 pages wait for old, which is not among the receivers; on ")
    assert said in caplog.text
    assert rows(pool, "notifier, delivered is null, missed is null") == [("old", True, False), ("fake", False, True)]
    gone(pool, "6 days 23 hours")
    deliver(pool, fake, lambda: False, seconds=2)
    assert (len(rows(pool)), told(pool)) == (2, [])


def test_after_a_week_it_is_given_up_and_that_is_written_down(pool, caplog):
    put(pool, 3)
    gone(pool, "7 days 1 minute")
    # Nor is what a receiver that is there did not get, however long it was not.
    with pool.connection() as connection:
        connection.execute("update delivery set missed = now() - interval '9 days' where notifier = 'fake'")
    fake = Fake([DeliveryError("away")] * 10)
    assert deliver(pool, fake, lambda: told(pool)) in (None, "fake: away")
    assert rows(pool, "notifier, delivered is null, missed is null") == [("fake", True, True)] * 2
    assert told(pool) == [({"receiver": "old", "count": 1, "pages": ["i0 firing"]},)]
    assert "1 pages for old are given up" in caplog.text


def test_a_receiver_that_is_back_gets_what_waited(pool):
    put(pool, 1)
    gone(pool, "8 days")
    fake = Fake()
    fake.name = "old"
    assert deliver(pool, fake, lambda: fake.got) is None
    assert (fake.got, told(pool)) == (["i0-firing"], [])


def test_pages_go_with_their_incident_and_none_that_waits(pool):
    put(pool, 4)
    with pool.connection() as connection:
        connection.execute("update outbox set created = now() - interval '400 days'")
        connection.execute("update delivery set delivered = now() where page <> (select min(page) from delivery)")
        for number, state, age in ((1, "firing", "400 days"), (2, "resolved", "10 days"), (3, "resolved", "399 days")):
            connection.execute(
                "insert into incident (id, state, updated, since, zone, rule, class, severity, owner, title, drill, "
                "body) values (%s, %s, now() - %s::interval, now() - interval '400 days', "
                "'example.com', 'x', 'x', 'warning', 'web', 'x', false, '{}')",
                (f"i{number}", state, age),
            )
    prune(pool, Store())
    with pool.connection() as connection:
        left = connection.execute("select incident from outbox order by id").fetchall()
        incidents = connection.execute("select id from incident order by id").fetchall()
    # The first was never delivered, the next one still fires, and the third is kept for as long as its incident.
    assert left == [("i0",), ("i1",), ("i2",)]
    assert incidents == [("i1",), ("i2",)]


def test_what_a_receiver_keeps_of_an_incident_comes_back(pool):
    put(pool, 2, incident="one")
    fake = Fake()
    deliver(pool, fake, lambda: len(fake.got) == 2)
    assert rows(pool, "kept ->> 'before'") == [(None,), ("one-firing",)]


def test_of_two_deliverers_one_works(pool):
    first, second = Fake(), Fake()
    one, other = Deliverer(pool, [first]), Deliverer(pool, [second])
    put(pool, 5)
    end = time.monotonic() + 10
    while len(first.got) + len(second.got) < 5 and time.monotonic() < end:
        time.sleep(0.05)
    one.stop()
    other.stop()
    assert sorted(map(len, (first.got, second.got))) == [0, 5]


def test_a_page_goes_to_the_called_teams_receivers():
    inventory = Inventory(
        version=1, zones=(), teams={"web": Team(name="Web", notify=("slack:oncall", "mail")), "lead": Team(name="Lead")}
    )
    routing = Routing(("file",), {"oncall": "slack", "mail": "email", "other": "slack"})
    assert routing.of(inventory, ["web"]) == ["file", "oncall", "mail"]
    assert routing.of(inventory, ["lead", "gone"]) == ["file"]
    assert Routing(("file",)).of(inventory, ["web"]) == ["file"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "inventory.yaml").write_text(
        "version: 1\nteams:\n  web:\n    name: Web\n    notify: [slack:oncall]\n"
        "zones: [{zone: example.com, owner: web}]\n"
    )
    return tmp_path


def bridge(folder, notify):
    file = folder / "bridge.yaml"
    file.write_text(json.dumps({"inventory": "inventory.yaml", "notify": notify}))
    return file


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "kafka_bridge", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_a_reference_to_no_receiver_is_told_with_its_line(folder):
    file = bridge(folder, {"receivers": {"oncall": {"type": "pagerduty", "routing_key": "${KEY}"}}})
    done = run("check", file)
    assert done.returncode == 1
    told = "no receiver 'slack:oncall' is configured; there are: pagerduty:oncall"
    assert f"{folder / 'inventory.yaml'}:5:14: {told}" in done.stderr


def test_a_test_page_prints_what_each_answered(folder, monkeypatch):
    with Peer(slack) as peer:
        options = {"type": "slack", "token": "${TOKEN}", "channel": "C1", "api": f"{peer.url}/api"}
        file = bridge(folder, {"receivers": {"oncall": options}})
        monkeypatch.setenv("TOKEN", "xoxb-s3cret")
        done = run("notify", "test", "web", "--config", file, "--json")
        assert json.loads(done.stdout) == {
            "receiver": "oncall", "delivered": True, "answer": "posted as 1503435956.000247",
        }  # fmt: skip
        assert peer.bodies()[0]["text"].startswith("DRILL FIRING info Test page for Web")
        monkeypatch.setenv("TOKEN", "wr0ng")
        done = run("notify", "test", "web", "--config", file)
    assert (done.returncode, "Slack says invalid_auth" in done.stdout, "wr0ng" in done.stdout) == (1, True, False)
    assert "no team 'wob'; there are web" in run("notify", "test", "wob", "--config", file).stderr


@pytest.mark.parametrize(
    ("receiver", "said"),
    [
        ({"type": "slack", "token": "xoxb-1", "channel": "C"}, "a secret does not belong into the file"),
        ({"type": "slack", "token_file": "t"}, "`channel` goes with a token"),
        ({"type": "slack", "channel": "C"}, "write one of token, token_file, url, url_file"),
        ({"type": "pagerduty", "routing_key_file": "k", "url": "pd"}, "not a URL without login"),
        ({"type": "alertmanager", "urls": ["http://a:b@am:9093"]}, "not a URL without login"),
        ({"type": "alertmanager", "urls": ["http://am:9093"], "username": "u"}, "come together"),
        (
            {"type": "email", "to": ["a@b.example"], "from": "c@d.example", "host": "h", "tls": "off",
             "username": "u", "password_file": "p"}, "clear text",
        ),
        ({"type": "pigeon"}, "pigeon"),
    ],
)  # fmt: skip
def test_receivers_that_cannot_work_are_refused(folder, receiver, said):
    with pytest.raises(ConfigError, match=r"bridge\.yaml:1:[0-9]+: ") as caught:
        load_config(bridge(folder, {"receivers": {"oncall": receiver}}))
    assert said in str(caught.value)
    assert "xoxb-1" not in str(caught.value)


def test_a_heart_beats_only_while_incidents_would_be_told():
    stuck = []
    with Peer() as peer:
        settings = of.HeartbeatSettings(url=f"{peer.url}/s3cret", method="GET")
        heart = Heartbeat(settings, Addresses(()), lambda: stuck[0] if stuck else None)
        assert heart.beat() is None
        stuck.append("store: away")
        assert heart.beat() == "store: away"
        stuck.clear()
        peer.answers.append((404, {}, {}))
        assert heart.beat() == "http://127.0.0.1 answered 404"
    assert [path for path, _, _ in peer.got] == ["/s3cret"] * 2


def test_an_incident_is_taken_on_by_a_link_and_a_button(pool, monkeypatch):
    monkeypatch.setenv("LINK_KEY", "a key of links that is long enough")
    links = Links(of.LinkSettings(board="http://board.example", key="${LINK_KEY}"))
    with pool.connection() as connection:
        connection.execute(
            "insert into incident values (%s, 'example.com', 'zone-outage', 'availability', 'critical', 'firing', "
            "now(), now(), 'web', '<b>down</b>', false, '{}')", (INCIDENT["id"],),
        )  # fmt: skip
    server = WebServer(create_app(pool, beside=Acknowledging(pool, links).routes()), "127.0.0.1", 0, "board")
    parts = urlsplit(links.acknowledge(INCIDENT))
    form = dict(parse_qsl(parts.query))
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}") as http:
            shown = http.get(f"{parts.path}?{parts.query}")
            assert "&lt;b&gt;down&lt;/b&gt;" in shown.text
            assert "form-action 'self'" in shown.headers["content-security-policy"]
            taken = "select actor, action, detail ->> 'via' from audit_log"
            with pool.connection() as connection:
                assert connection.execute(taken).fetchall() == []  # a scanner that follows links does nothing
            assert http.post("/acknowledge", data=form).status_code == 400
            assert http.post("/acknowledge", data=form | {"by": "ann", "expires": "9999999999"}).status_code == 403
            assert http.post("/acknowledge", content=b"x" * 20_000).status_code == 413
            assert "ann has taken it on" in http.post("/acknowledge", data=form | {"by": "ann", "note": "on it"}).text
            with pool.connection() as connection:
                assert connection.execute(taken).fetchall() == [("ann", "incident.acknowledge", "link")]
                assert connection.execute("select actor, note from acknowledgement").fetchall() == [("ann", "on it")]
                connection.execute("update incident set state = 'resolved'")
            assert http.post("/acknowledge", data=form | {"by": "bob"}).status_code == 409
    finally:
        server.stop()


def test_an_incident_is_taken_on_from_its_page_with_a_token(pool, monkeypatch):
    monkeypatch.setenv("BOARD_TOKEN", "a token that is long enough")
    links = Links(of.LinkSettings(token="${BOARD_TOKEN}"))
    with pool.connection() as connection:
        connection.execute(
            "insert into incident values (%s, 'example.com', 'zone-outage', 'availability', 'critical', 'firing', "
            "now(), now(), 'web', 'down', false, %s)", (INCIDENT["id"], json.dumps(INCIDENT)),
        )  # fmt: skip
    beside = Acknowledging(pool, links).routes()
    server = WebServer(create_app(pool, beside=beside, links=links), "127.0.0.1", 0, "board")
    given = {"incident": INCIDENT["id"], "by": "ann", "note": "on it"}
    log = "select action, actor, detail ->> 'via' from audit_log order by seq"
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}") as http:
            page = http.get(f"/incidents/{INCIDENT['id']}")
            assert 'type="password"' in page.text
            assert "long enough" not in page.text
            assert http.post("/acknowledge", data=given).status_code == 403  # neither token nor link
            refused = http.post("/acknowledge", data=given | {"token": "a guess"})
            assert refused.status_code == 403
            assert "a guess" not in refused.text
            # A token in the URL is no token.
            assert http.get("/acknowledge", params=given | {"token": "a token that is long enough"}).status_code == 403
            with pool.connection() as connection:
                assert connection.execute("select count(*) from acknowledgement").fetchone() == (0,)
                assert connection.execute(log).fetchall() == [("incident.acknowledge.refused", "127.0.0.1", "board")]
            taken = http.post("/acknowledge", data=given | {"token": "a token that is long enough"})
            assert "ann has taken it on" in taken.text
            assert f'href="incidents/{INCIDENT["id"]}"' in taken.text
            with pool.connection() as connection:
                assert connection.execute(log).fetchall()[1:] == [("incident.acknowledge", "ann", "board")]
            assert "has taken it on" in http.get(f"/incidents/{INCIDENT['id']}").text
            codes = [http.post("/acknowledge", data=given | {"token": f"guess {n}"}).status_code for n in range(12)]
            assert codes == [403] * 9 + [429] * 3
            # The right one has to wait as well: who guesses learns nothing.
            assert http.post("/acknowledge", data=given | {"token": "a token that is long enough"}).status_code == 429
    finally:
        server.stop()


@pytest.mark.parametrize("token", [None, "short"])
def test_without_a_good_token_of_its_own_a_board_takes_none(monkeypatch, token):
    if token is not None:
        monkeypatch.setenv("BOARD_TOKEN", token)
    links = Links(of.LinkSettings(token=None if token is None else "${BOARD_TOKEN}"))
    assert "takes no token" in links.why_not_token(token or "")
