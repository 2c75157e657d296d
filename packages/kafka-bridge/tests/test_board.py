"""The board: every state of it, and what it lets in and out. In a browser: grafana-app/tests/test_board.py."""

from __future__ import annotations

import datetime as dt
import json
import re

import httpx2
import psycopg
import pytest
from kafka_bridge.board import asking, charts, runbooks
from kafka_bridge.board.app import create_app
from kafka_bridge.board.choice import choose
from kafka_bridge.board.figures import ago, lasting, milliseconds, percent, plain, said, short
from kafka_bridge.board.head import Head
from kafka_bridge.board.incidents import history
from kafka_bridge.board.operators import matrix
from kafka_bridge.board.questions import executive, operators
from kafka_bridge.intake.journal import Journal
from kafka_bridge.intake.web import WebServer
from kafka_bridge.pipeline.worker import Worker
from wire import INVENTORY, RULES, correlate, outage, request

NOW = dt.datetime(2026, 11, 23, 12, 30, 20, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
PAGES = ("/", "/operator", "/forensic", "/forensic?zone=example.com")


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
    with pool.connection() as connection:
        return connection.execute("select id from incident").fetchone()[0]


@pytest.mark.parametrize(
    ("path", "sentences"),
    [
        ("/", ["No zone of this choice is watched", "no region has reported", "No incident in this time"]),
        ("/operator", ["No incident is open", "No vantage of this choice answered", "Nothing failed in this time"]),
        ("/forensic", ["Whose history?", "No zone of this choice is watched"]),
    ],
)
def test_an_empty_store_says_so(board, path, sentences):
    page = board.get(path)
    assert page.status_code == 200
    assert [sentence for sentence in sentences if sentence not in page.text] == []


def test_the_first_page_says_what_where_what_to_check_first_whose_it_is_and_its_runbook(pool, board):
    id_ = fill(pool)
    page = board.get("/").text
    for part in (
        "1 incident firing", "example.com is down: all 2 name servers failing", "ap-south", "192.0.2.2",
        "Are the servers up and reachable", 'href="/runbooks/zone-outage"', "<b>web</b>", "unhealthy",
        f'href="/incidents/{id_}"', "error budget left",
    ):  # fmt: skip
        assert part in page
    assert "Web &lt;b&gt;platform&lt;/b&gt;" in page


def test_the_operators_view_has_regions_servers_and_errors(pool, board):
    fill(pool)
    page = board.get("/operator").text
    for part in ('aria-label="Propagation by region', "192.0.2.2", "timeout <b>", "Failing servers", "critical"):
        assert part in page
    assert "192.0.2.2" not in board.get("/operator?region=nowhere").text.split("Servers", 1)[1]


def test_the_forensic_view_is_of_one_zone(pool, board):
    fill(pool)
    page = board.get("/forensic?zone=example.com").text
    for part in ("What happened, in order", "critical: example.com is down", "Raw answers by vantage", "198.51.100.1"):
        assert part in page
    assert "198.51.100.1" not in board.get("/forensic?zone=example.com&qtype=MX").text
    missing = board.get("/forensic?zone=example.org")
    assert missing.status_code == 404
    assert "No zone example.org is watched" in missing.text


def test_an_incident_has_a_page(pool, board):
    id_ = fill(pool)
    page = board.get(f"/incidents/{id_}").text
    for part in (
        '<h1 class="incident-title" id="h-title">example.com is down', "Check first", "<dd>web</dd>", "192.0.2.2",
        "Stop conditions", "pending", "firing, as critical", f"kafka-bridge acknowledge {id_[:12]}",
    ):  # fmt: skip
        assert part in page
    assert "Drill" not in page
    assert re.search(r'href="/forensic\?from=[^"]+&amp;to=[^"]+&amp;zone=example\.com"', page)
    missing = board.get("/incidents/%3Cscript%3E")
    assert missing.status_code == 404
    assert "&lt;script&gt;" in missing.text
    assert board.get("/incidents/%00").status_code == 404


def test_a_drill_is_marked_and_counted_apart(pool, board):
    id_ = fill(pool)
    with pool.connection() as connection:
        connection.execute("""update incident set drill = true, body = jsonb_set(body, '{drill}', 'true')""")
    assert "made on purpose" in board.get(f"/incidents/{id_}").text
    page = board.get("/").text
    assert "1 drill</span>" in page
    assert "incident firing" not in page


def test_a_choice_goes_along(pool, board):
    fill(pool)
    page = board.get("/?back=6h&owner=web&region=ap-south").text
    for path in ("/operator", "/forensic"):
        assert f'href="{path}?back=6h&amp;owner=web&amp;region=ap-south"' in page
    assert "<option selected>web</option>" in page
    assert "No zone of this choice is watched" in board.get("/?owner=nobody").text


def test_the_api_gives_the_same_as_json(pool, board):
    fill(pool)
    (incident,) = board.get("/api/incidents").json()
    assert incident["rule"] == "zone-outage"
    assert board.get("/api/incidents?state=resolved").json() == []
    assert [zone["zone"] for zone in board.get("/api/zones").json()] == ["example.com"]
    assert "no state" in board.get("/api/incidents?state=x").json()["error"]
    assert board.get("/api/zones?zone=").status_code == 200


def test_runbooks_are_pages(board):
    page = board.get("/runbooks/zone-outage")
    assert "<h1>A zone is down</h1>" in page.text
    assert "<h2>Stop conditions</h2>" in page.text
    assert 'href="/runbooks/delegation-takeover"' in board.get("/runbooks/ds-changed").text
    assert board.get("/runbooks/..%2Fsecret").status_code == 404
    assert board.get("/runbooks/nope").status_code == 404
    assert "<h4>Stop conditions</h4>" in runbooks.rendered("zone-outage", below=2)


def test_nothing_is_loaded_from_elsewhere_and_nothing_inline_runs(pool, board):
    id_ = fill(pool)
    for path in (*PAGES, f"/incidents/{id_}", "/runbooks/ds-changed", "/?back=x"):
        page = board.get(path)
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "style=" not in page.text
        assert not re.search(r"(?:src|href|action)=\"?(?:https?:|//)", page.text)
        assert "<script>" not in page.text
        assert not re.search(r"\son\w+=", page.text)
    for asset in ("board.css", "board.js", "icon.svg"):
        assert board.get(f"/static/{asset}").status_code == 200


def test_another_sites_name_is_refused(board):
    assert board.get("/", headers={"host": "evil.example"}).status_code == 400


def test_it_says_so_when_the_store_is_away(pool, board):
    pool.close()
    page = board.get("/", timeout=30)
    assert page.status_code == 503
    assert "The store does not answer" in page.text
    assert board.get("/api/zones", timeout=30).json() == {"error": "the store does not answer"}


def test_a_question_that_takes_too_long_is_given_up(pool, board, monkeypatch):
    monkeypatch.setattr(asking, "SECONDS", 0.1)
    monkeypatch.setattr(operators, "CHAIN", "select pg_sleep(5)")
    page = board.get("/operator")
    assert page.status_code == 503
    assert "This takes too long" in page.text


def test_a_page_cannot_write(pool):
    with (
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
        asking.Asking(pool).reading(choose((), NOW)) as reading,
    ):
        reading.rows("delete from incident returning id")


def test_questions_become_statements_with_parameters():
    text = asking.expand(executive.available_by_team(), {"zone"})
    assert "hour between %(start)s and %(end)s" in text
    assert "date_bin(make_interval(secs => %(step)s), moment, timestamptz 'epoch')" in text
    assert "zone in (%(zone)s)" in text
    assert "owner in (select owner from dnstower.v_ownership)" in text
    assert "$" not in text


BAD = [
    ("zone=a..b", "`zone` is no domain name"),
    (f"zone={'a' * 70}.example", "`zone` is no domain name"),
    (f"owner={'a' * 101}", "`owner` is longer than 100 characters"),
    ("zone=a%00b.example", "`zone` is no domain name"),
    ("region=a%00b", "`region` is longer than 100 characters, or cannot be printed"),
    ("qtype=A;drop", "`qtype` is no type"),
    ("back=9h", "`back` is '9h'; write one of 1h, 6h"),
    ("from=2026-11-23T10:00Z", "`to` is no time"),
    ("from=yesterday&to=2026-11-23T10:00Z", "`from` is no time"),
    ("from=2026-11-23T10:00Z&to=2026-11-23T09:00Z", "`from` is not before `to`"),
    ("from=2026-01-01&to=2026-11-23", "more than 92 days"),
    ("from=0001-01-01&to=9999-01-01", "`from` is not between the years"),
    ("zones=a", "no parameter 'zones'"),
    ("zone=a&zone=b", "`zone` stands twice"),
]


@pytest.mark.parametrize(("query", "sentence"), BAD, ids=[sentence for _, sentence in BAD])
def test_a_bad_parameter_is_told(board, query, sentence):
    page = board.get(f"/operator?{query}")
    assert page.status_code == 400
    assert sentence in page.text.replace("&#39;", "'")


@pytest.mark.parametrize("value", ["x' or 'a'='a", "%s", "%(start)s", "${zone:sqlstring}", "$__timeFilter(now())"])
@pytest.mark.parametrize("path", ["/", "/operator", "/forensic"])
def test_a_hostile_value_is_a_value(pool, board, path, value):
    fill(pool)
    page = board.get(path, params={"owner": value, "region": value})
    assert page.status_code == 200
    assert "example.com is down" not in page.text


@pytest.mark.parametrize(
    ("query", "step", "level"),
    [
        ("back=1h", 60, "minute"), ("back=6h", 300, "minute"), ("back=24h", 1800, "minute"), ("back=7d", 10800, "hour"),
        ("back=30d", 43200, "hour"), ("from=2026-11-01&to=2026-11-02T01:00Z", 1800, "minute"),
    ],
)  # fmt: skip
def test_a_chart_has_few_points_however_long_the_time(query, step, level):
    choice = choose([tuple(part.split("=")) for part in query.split("&")], NOW)
    assert (choice.step, choice.level) == (step, level)
    assert len(charts.slots(choice)) <= 74


def test_a_choice_is_written_as_it_is_read():
    given = [("from", "2026-11-23T10:00:00Z"), ("to", "2026-11-23T11:00:00Z"), ("zone", "b.example"), ("qtype", "a")]
    choice = choose(given, NOW)
    assert choice.where("/forensic") == (
        "/forensic?from=2026-11-23T10%3A00%3A00Z&to=2026-11-23T11%3A00%3A00Z&zone=b.example&qtype=A"
    )
    assert "qtype" not in choice.where("/operator")
    assert choose((), NOW).where("/", zone="a.example") == "/?zone=a.example"
    assert choose([("zone", ""), ("back", "")], NOW) == choose((), NOW)


def row(minutes, **given):
    return {"time": NOW.replace(second=0) - minutes * MINUTE, **given}


def test_availability_bars():
    choice = choose((), NOW)
    rows = [row(0, total=10, failed=0), row(1, total=10, failed=1), row(2, total=10, failed=10)]
    bars = charts.availability(rows, choice)
    assert [bar.kind for bar in bars[-4:]] == ["none", "failing", "degraded", "ok"]
    assert bars[-3].height == pytest.approx(15)
    assert bars[-1].label == "12:30: 100 % of 10 answered"


@pytest.mark.parametrize(("age", "minutes"), [(0, 15), (14, 15), (16, 16), (45, 45), (600, 60)])
def test_a_chart_spans_what_there_is(age, minutes):
    drawn = charts.since_first(choose((), NOW), [row(age)])
    assert round((drawn.end - drawn.start).total_seconds() / 60) == minutes


def test_lines_have_gaps_where_data_has_and_say_it_in_words():
    rows = [row(m, metric="eu", p95=0.02) for m in (9, 8, 2, 1)]
    chart = charts.lines(rows, "p95", choose((), NOW), milliseconds, what="p95")
    assert chart.ticks == ["20 ms", "10 ms", "0 ms"]
    assert chart.lines[0].path.count("M") == 2
    assert chart.says == "p95, last hour: eu 20 ms to 20 ms, at last 20 ms"


def test_only_so_many_lines_are_drawn():
    rows = [row(1, metric=f"s{n}", p95=n / 1000) for n in range(20)]
    chart = charts.lines(rows, "p95", choose((), NOW), milliseconds, what="p95")
    assert (len(chart.lines), chart.more) == (12, 8)
    assert "s19" in {line.name for line in chart.lines}


def test_stacked_bars_stand_on_each_other():
    rows = [row(1, timeout=30.0, servfail=20.0, refused=0.0)]
    chart = charts.stacked(rows, ("timeout", "servfail", "refused"), choose((), NOW), what="Errors")
    lower, upper = chart.bars
    assert lower.y + lower.height == 100
    assert upper.y + upper.height == pytest.approx(lower.y)
    assert chart.says == "Errors, last hour: 30 timeout, 20 servfail"


def test_a_band_lasts_until_the_next():
    rows = [
        row(60, series="a", state="healthy"),
        row(30, series="a", state="healthy"),
        row(15, series="a", state="unhealthy"),
    ]
    (band,) = charts.timeline(rows, choose((), NOW)).bands
    assert [span.kind for span in band.spans] == ["ok", "failing"]
    assert band.spans[1].x == pytest.approx(744, abs=2)


def test_the_matrix_is_by_record_set_and_region():
    cell = {"zone": "z", "name": "n", "qtype": "A", "vantages": 2, "differs_since": None}
    (line,) = matrix([cell | {"region": "eu", "agreeing": 0}, cell | {"region": "us", "agreeing": 1}])
    assert {region: cell.kind for region, cell in line.cells.items()} == {"eu": "failing", "us": "degraded"}


@pytest.mark.parametrize(
    ("statuses", "firing", "drills", "overall"),
    [
        ({}, 0, 0, "unknown"), ({"healthy": 2}, 0, 0, "healthy"), ({"healthy": 2}, 1, 0, "unhealthy"),
        ({"healthy": 2}, 0, 1, "at_risk"), ({"healthy": 1, "at_risk": 1}, 0, 0, "at_risk"),
        ({"healthy": 1, "unknown": 1}, 0, 0, "unknown"), ({"unhealthy": 1}, 0, 0, "unhealthy"),
    ],
)  # fmt: skip
def test_the_head_is_the_worst_of_all(statuses, firing, drills, overall):
    assert Head(statuses=statuses, firing=firing, drills=drills, pending=0).overall == overall


def test_the_history_tells_what_changed_and_nothing_twice():
    body = {"state": "pending", "title": "down", "severity": "warning", "confidence": 0.5, "updated": NOW.isoformat()}
    later = (NOW + MINUTE).isoformat()
    steps = history(
        [
            {"body": body}, {"body": body | {"calls": [1]}}, {"body": body | {"state": "firing", "updated": later}},
            {"body": body | {"state": "firing", "severity": "critical", "updated": later}},
        ],
        [{"time": NOW, "team": "web", "why": "firing", "severity": "warning"}],
        [{"at": NOW + 2 * MINUTE, "actor": "ann", "note": "on it"}],
    )  # fmt: skip
    assert [(step.kind, step.text) for step in steps] == [
        ("taken on", "on it"), ("firing", "down"), ("severity", "warning → critical"), ("pending", "down"),
        ("called", "firing, as warning"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (percent, None, "–"), (percent, 1.0, "100 %"), (percent, 0.99999, "99.99 %"), (percent, 0.5, "50 %"),
        (milliseconds, None, "–"), (milliseconds, 0.0123, "12.3 ms"), (milliseconds, 1.234, "1234 ms"),
        (lasting, None, "–"), (lasting, 99, "99 s"), (lasting, 7200, "2 h"), (lasting, 3 * 86400, "3 d"),
        (plain, 'ds ["1 13 2 ab", "2"] → []', "ds 1 13 2 ab, 2 → none"), (plain, '"First"', "First"),
        (plain, None, "–"), (short, f"ds 1 13 2 {'ab' * 32}; x", "ds 1 13 2 abababababab…; x"),
    ],
)  # fmt: skip
def test_numbers_and_lists_for_people(function, value, text):
    assert function(value) == text


def test_what_was_said():
    assert said(json.dumps([{"data": "b"}, {"data": "a"}]), "answer") == "a, b"
    assert said("[]", "servfail") == "servfail"


def test_ago():
    assert ago(NOW - dt.timedelta(seconds=12), NOW) == "12 s"
    assert ago((NOW - dt.timedelta(minutes=5)).isoformat(), NOW) == "5 min"
    assert ago(None, NOW) == "never"
