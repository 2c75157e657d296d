"""The board: every state of it, and what it lets in and out."""

from __future__ import annotations

import datetime as dt

import httpx2
import pytest
from kafka_bridge.board import charts
from kafka_bridge.board.app import ago, create_app, milliseconds, percent
from kafka_bridge.board.queries import Latency, Point
from kafka_bridge.intake.journal import Journal
from kafka_bridge.intake.web import WebServer
from kafka_bridge.pipeline.worker import Worker
from wire import INVENTORY, RULES, correlate, outage, request

NOW = dt.datetime(2026, 11, 23, 12, 30, 20, tzinfo=dt.UTC)


@pytest.fixture
def board(pool):
    server = WebServer(create_app(pool), "127.0.0.1", 0, "board")
    with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}") as http:
        yield http
    server.stop()


def fill(pool):
    with pool.connection() as connection:
        connection.execute("insert into zone_owner values ('example.com', 'web', 'Web <b>platform</b>', 'critical')")
    journal = Journal(pool)
    journal.append(request(outage()), "test")
    worker = Worker(pool, INVENTORY, RULES)
    worker.turn(dt.datetime.now(dt.UTC))
    worker.turn(dt.datetime.now(dt.UTC))
    correlate(pool)
    journal.close()


def test_an_empty_store(board):
    page = board.get("/")
    assert page.status_code == 200
    assert "no region has reported" in page.text


def test_an_incident_says_what_where_what_to_check_first_whose_it_is_and_its_runbook(pool, board):
    fill(pool)
    page = board.get("/").text
    for part in (
        "1 incident firing", "example.com is down: all 2 name servers failing", "ap-south", "192.0.2.2",
        "Are the servers up and reachable", 'href="/runbooks/zone-outage"', "<b>web</b>", "unhealthy",
    ):  # fmt: skip
        assert part in page
    assert "Web &lt;b&gt;platform&lt;/b&gt;" in page
    assert page.count("<rect") == 2 * 15


def test_the_api_gives_the_same_as_json(pool, board):
    fill(pool)
    (incident,) = board.get("/api/incidents").json()
    assert incident["rule"] == "zone-outage"
    assert board.get("/api/incidents?state=resolved").json() == []
    assert [zone["zone"] for zone in board.get("/api/zones").json()] == ["example.com"]


def test_runbooks_are_pages(board):
    page = board.get("/runbooks/zone-outage")
    assert "<h1>A zone is down</h1>" in page.text
    assert "<h2>Stop conditions</h2>" in page.text
    assert board.get("/runbooks/..%2Fsecret").status_code == 404
    assert board.get("/runbooks/nope").status_code == 404


def test_nothing_is_loaded_from_elsewhere_and_nothing_inline_runs(pool, board):
    fill(pool)
    page = board.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "style=" not in page.text
    assert "http" not in page.text.replace("http-equiv", "")
    assert "<script>" not in page.text
    for asset in ("board.css", "board.js", "icon.svg"):
        assert board.get(f"/static/{asset}").status_code == 200


def test_another_sites_name_is_refused(board):
    assert board.get("/", headers={"host": "evil.example"}).status_code == 400


def test_it_says_so_when_the_store_is_away(pool, board):
    pool.close()
    page = board.get("/", timeout=30)
    assert page.status_code == 503
    assert "The store does not answer" in page.text


def test_availability_bars():
    points = [
        Point(zone="a", minute=NOW.replace(second=0), total=10, failed=0, bogus=0),
        Point(zone="a", minute=NOW.replace(second=0) - dt.timedelta(minutes=1), total=10, failed=1, bogus=0),
        Point(zone="a", minute=NOW.replace(second=0) - dt.timedelta(minutes=2), total=10, failed=10, bogus=0),
    ]
    bars = charts.availability(points, NOW, 4)
    assert [bar.kind for bar in bars] == ["none", "failing", "degraded", "ok"]
    assert bars[1].height == pytest.approx(0.15)
    assert bars[3].label == "12:30: 100.0 % of 10 answered"


@pytest.mark.parametrize(("age", "minutes"), [(0, 15), (14, 15), (16, 30), (45, 60), (600, 60)])
def test_a_chart_spans_what_there_is(age, minutes):
    point = Point(zone="a", minute=NOW - dt.timedelta(minutes=age), total=1, failed=0, bogus=0)
    assert charts.minutes_shown([point], NOW) == minutes


def test_latency_lines_have_gaps_where_data_has():
    rows = [
        Latency(region="eu", minute=NOW.replace(second=0) - dt.timedelta(minutes=m), p50=0.01, p95=0.02)
        for m in (9, 8, 2, 1)
    ]
    chart = charts.latency(rows, NOW, 10)
    assert [axis.label for axis in chart.axes] == ["0 ms", "10 ms", "20 ms"]
    assert chart.lines[0].path.count("M") == 2


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (percent, None, "–"), (percent, 1.0, "100 %"), (percent, 0.99999, "99.99 %"), (percent, 0.5, "50 %"),
        (milliseconds, None, "–"), (milliseconds, 0.0123, "12.3 ms"),
    ],
)  # fmt: skip
def test_numbers_for_people(function, value, text):
    assert function(value) == text


def test_ago():
    assert ago(NOW - dt.timedelta(seconds=12), NOW) == "12 s"
    assert ago((NOW - dt.timedelta(minutes=5)).isoformat(), NOW) == "5 min"
    assert ago(None, NOW) == "never"
