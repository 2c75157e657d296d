"""Each dashboard as Grafana would load it, and each of its queries on a real PostgreSQL."""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
import yaml
from dashboards.__main__ import MADE, texts
from grafana import Raw, expand, interpolate

SOURCE = Path(__file__).parent.parent / "src"
FOLDER = SOURCE / "dashboards"
#: Both flavours, and those over the store.
ALL = {name: json.loads((SOURCE / name).read_text()) for name in MADE}
BOARDS = {Path(name).stem: board for name, board in ALL.items() if name.startswith("dashboards/")}
#: What PostgreSQL calls numeric is a float to Grafana.
NUMBERS = (int, float, Decimal)
#: They show that nothing is wrong by showing nothing.
QUIET = {("operator", "Resolvers with old name servers")}


def panels(board):
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def variables(board):
    return {one["name"]: one for one in board["templating"]["list"]}


def annotations(board):
    return [one for one in board.get("annotations", {}).get("list", []) if "target" in one]


def queries(board):
    for panel in panels(board):
        yield panel["title"], panel["targets"][0]["rawSql"]
    for one in annotations(board):
        yield one["name"], one["target"]["rawSql"]
    for name, one in variables(board).items():
        if one["type"] == "query":
            yield name, one["query"]


EACH_PANEL = [
    pytest.param(name, panel, id=f"{name}: {panel['title']}") for name in BOARDS for panel in panels(BOARDS[name])
]
EACH_QUERY = [pytest.param(name, sql, id=f"{name}: {title}") for name in BOARDS for title, sql in queries(BOARDS[name])]
EVERY = pytest.mark.parametrize("name", BOARDS)
EVERY_ONE = pytest.mark.parametrize("name", ALL)


def test_what_is_committed_is_what_is_made():
    found = (path for folder in SOURCE.glob("dashboards*") for path in folder.rglob("*.json"))
    assert {str(path.relative_to(SOURCE)): path.read_text() for path in found} == texts()


@EVERY_ONE
def test_the_frame_is_what_an_import_needs(name):
    board = ALL[name]
    folder, stem = Path(name).parent.name, Path(name).stem
    assert board["uid"] == f"dnstower-{stem}{folder.removeprefix('dashboards')}"
    assert board["schemaVersion"] == 36
    assert "id" not in board
    assert "__inputs" not in board
    assert board["title"]
    assert board["description"]
    assert board["refresh"]
    (link,) = board["links"]
    assert link["tags"] == [folder.replace("dashboards", "dnstower")]
    assert link["tags"][0] in board["tags"]
    assert link["includeVars"]
    assert link["keepTime"]
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    assert all(ids)
    titles = [panel["title"] for panel in board["panels"]]
    assert len(titles) == len(set(titles))


@EVERY_ONE
def test_panels_neither_overlap_nor_leave_the_grid(name):
    taken = {}
    for panel in ALL[name]["panels"]:
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert x < 24, panel["title"]
                assert taken.setdefault((x, y), panel["id"]) == panel["id"], panel["title"]
    height = 1 + max(y for _, y in taken)
    assert len(taken) == 24 * height, "a line is not full"


@EVERY_ONE
def test_no_data_source_is_named_and_what_is_referred_to_exists(name):
    board = ALL[name]
    there = variables(board)
    first = board["templating"]["list"][0]
    kind = "prometheus" if "prometheus" in name else "grafana-postgresql-datasource"
    assert (first["type"], first["query"]) == ("datasource", kind)
    for found in re.findall(r'"uid": "([^"]*)", "type"|"type": "[^"]*", "uid": "([^"]*)"', json.dumps(board)):
        assert "${datasource}" in found
    for panel in panels(board):
        for target in panel["targets"]:
            for used in re.findall(r"\$(?!__|\d)\{?(\w+)", target.get("rawSql") or target["expr"]):
                assert used in there, f"{panel['title']}: {used}"
    by_uid = {one["uid"]: one for one in ALL.values()}
    for uid, variable in re.findall(r"/d/([\w-]+)\?.*?&var-(\w+)=", json.dumps(board)):
        assert variable in variables(by_uid[uid])


@EVERY
def test_every_variable_in_sql_is_quoted(name):
    for title, sql in queries(BOARDS[name]):
        for used in re.findall(r"\$\{(\w+)", sql):
            assert used in variables(BOARDS[name]), f"{title}: {used}"
        assert not re.search(r"\$(?!__|\{\w+:sqlstring\})", sql), f"{title}: a variable that nobody quotes"


@pytest.mark.parametrize(
    "panel", [pytest.param(p, id=f"{name}: {p['title']}") for name in ALL for p in panels(ALL[name])]
)
def test_a_panel_says_what_it_is(panel):
    defaults = panel["fieldConfig"]["defaults"]
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert defaults["unit"]
    assert defaults["noValue"]
    assert panel["datasource"]["uid"] == "${datasource}"
    assert [target["refId"] for target in panel["targets"]] == list("ABCDEFG"[: len(panel["targets"])])
    if panel["type"] in ("stat", "bargauge"):
        assert defaults["thresholds"]["steps"][0]["value"] is None


@pytest.mark.parametrize(("name", "panel"), EACH_PANEL)
def test_a_panel_of_the_store_asks_one_query_of_its_shape(name, panel):
    (target,) = panel["targets"]
    assert target["format"] == ("time_series" if panel["type"] == "timeseries" else "table")


def chosen(board, **some):
    """`All`, but for what is chosen."""
    query = [one for one in variables(board).values() if one["type"] == "query"]
    assert all(one["multi"] and one["includeAll"] and one["current"]["value"] == ["$__all"] for one in query)
    return {one["name"]: some.get(one["name"]) or Raw(one["allValue"]) for one in query}


def ask(reader, board, sql, *, back=dt.timedelta(hours=6), **some):
    now = dt.datetime.now(dt.UTC)
    # Where the data source is told that TimescaleDB is there, Grafana groups by its function.
    ((timescale,),) = reader.execute("select count(*) > 0 from pg_extension where extname = 'timescaledb'").fetchall()
    text = interpolate(sql, chosen(board, **some))
    text = expand(text, now - back, now + dt.timedelta(seconds=1), timescale=timescale)
    cursor = reader.execute(text)
    return [column.name for column in cursor.description], cursor.fetchall()


@pytest.fixture
def reader(store):
    with psycopg.connect(store, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize(("name", "panel"), EACH_PANEL)
def test_a_panel_gets_the_columns_and_rows_that_it_draws(reader, name, panel):
    columns, found = ask(reader, BOARDS[name], panel["targets"][0]["rawSql"])
    if (name, panel["title"]) in QUIET:
        return
    assert found
    assert len(columns) == len(set(columns))
    for matcher in (rule["matcher"] for rule in panel["fieldConfig"].get("overrides", [])):
        assert matcher["id"] != "byName" or matcher["options"] in columns
    DRAWN[panel["type"]](columns, found)


def drawn_as_lines(columns, found):
    assert columns[0] == "time"
    times = [row[0] for row in found]
    assert all(isinstance(time, (*NUMBERS, dt.datetime)) for time in times)
    assert times == sorted(times)
    for place, column in enumerate(columns[1:], 1):
        kinds = {type(row[place]) for row in found if row[place] is not None}
        assert kinds <= ({str} if column == "metric" else set(NUMBERS)), column


def drawn_as_bands(columns, found):
    assert set(columns) == {"time", "state", "series"}
    times = [row[columns.index("time")] for row in found]
    assert times == sorted(times)
    assert all(isinstance(time, dt.datetime) for time in times)
    assert all(isinstance(row[columns.index("state")], str) for row in found)


def drawn_as_a_number(columns, found):
    assert len(columns) == 1
    assert isinstance(found[0][0], NUMBERS)


def drawn_as_bars(columns, found):
    assert [type(value) for value in found[0]] == [str, float]


def drawn_as_a_table(columns, found):
    plain = (str, *NUMBERS, bool, dt.datetime, type(None))
    assert all(isinstance(value, plain) for row in found for value in row), "a table draws no JSON and no intervals"


DRAWN = {
    "timeseries": drawn_as_lines, "state-timeline": drawn_as_bands, "stat": drawn_as_a_number,
    "bargauge": drawn_as_bars, "table": drawn_as_a_table,
}  # fmt: skip


@EVERY
def test_variables_offer_values(reader, name):
    for variable, one in variables(BOARDS[name]).items():
        if one["type"] == "query":
            columns, found = ask(reader, BOARDS[name], one["query"])
            assert len(columns) == 1
            assert found, variable


@EVERY
def test_annotations_have_time_and_text(reader, name):
    for one in annotations(BOARDS[name]):
        columns, found = ask(reader, BOARDS[name], one["target"]["rawSql"])
        assert {"time", "text", "tags"} <= set(columns) <= {"time", "timeend", "text", "tags"}
        assert found, one["name"]


@pytest.mark.parametrize(("name", "sql"), EACH_QUERY)
def test_what_is_chosen_is_quoted(reader, name, sql):
    hostile = ["o'brien'); drop view dnstower.v_region; --", "example.com"]
    ask(reader, BOARDS[name], sql, owner=hostile, zone=hostile, region=hostile, name=hostile, qtype=hostile)
    assert reader.execute("select count(*) >= 0 from dnstower.v_region").fetchone() == (True,)


def test_a_choice_of_team_and_zone_leaves_the_others_out(reader):
    board = BOARDS["executive"]
    (zones,) = [panel["targets"][0]["rawSql"] for panel in panels(board) if panel["title"] == "Zones"]
    assert {row[0] for row in ask(reader, board, zones)[1]} == {"example.com", "example.net"}
    assert [row[0] for row in ask(reader, board, zones, owner=["web"])[1]] == ["example.com"]
    assert ask(reader, board, zones, owner=["web"], zone=["example.net"])[1] == []


def test_where_all_zones_are_chosen_the_estate_stands_for_them(reader):
    board = BOARDS["operator"]
    (sql,) = [panel["targets"][0]["rawSql"] for panel in panels(board) if panel["title"] == "Answered"]
    by_region = "select 1 - sum(failed)::float8 / sum(total) from dnstower.{} where region = 'eu-west' {}"
    of_estate, of_zone = (
        reader.execute(by_region.format(view, some)).fetchone()[0]
        for view, some in (("v_estate_minute", ""), ("v_zone_minute", "and zone = 'example.com'"))
    )
    assert ask(reader, board, sql, region=["eu-west"])[1] == [(pytest.approx(of_estate),)]
    assert ask(reader, board, sql, region=["eu-west"], owner=["web", "shop"])[1] == [(pytest.approx(of_estate),)]
    assert ask(reader, board, sql, region=["eu-west"], owner=["web"])[1] == [(pytest.approx(of_zone),)]
    assert of_estate != of_zone


def test_latency_of_the_estate_is_that_of_its_zones(reader):
    (sql,) = [one["targets"][0]["rawSql"] for one in panels(BOARDS["executive"]) if one["title"] == "p95 latency"]
    near, far = (ask(reader, BOARDS["executive"], sql, back=dt.timedelta(days=days))[1] for days in (7, 90))
    assert near == far


@pytest.mark.parametrize("days", [7, 90])
def test_a_time_longer_than_minutes_are_kept_is_told_from_hours(reader, days):
    (sql,) = [one["targets"][0]["rawSql"] for one in panels(BOARDS["executive"]) if one["title"] == "Availability"]
    ((expected,),) = reader.execute("select 1 - sum(failed)::float8 / sum(total) from dnstower.v_zone_hour").fetchall()
    ((found,),) = ask(reader, BOARDS["executive"], sql, back=dt.timedelta(days=days))[1]
    assert found == pytest.approx(expected)


def test_figures_are_those_of_the_store(reader):
    board = BOARDS["operator"]
    sql = {panel["title"]: panel["targets"][0]["rawSql"] for panel in panels(board)}
    ((answered,),) = ask(reader, board, sql["Answered"], zone=["example.net"])[1]
    ((expected,),) = reader.execute(
        "select 1 - sum(failed)::float8 / sum(total) from dnstower.v_zone_minute where zone = 'example.net' "
        "and minute > now() - interval '6 hours'"
    ).fetchall()
    assert answered == pytest.approx(expected)
    assert answered < 1
    columns, found = ask(reader, board, sql["Convergence"])
    left = {row[1]: row[columns.index("countdown")] for row in found}
    # Its old answer was last seen half a minute ago, with 300 s to live.
    assert 240 < left["www.example.com"] <= 270


MACROS = {
    "filter": ("$__timeFilter(a)", "a BETWEEN '2026-01-01T00:00:00Z' AND '2026-01-01T01:00:00Z'"),
    "from and to": ("$__timeFrom() $__timeTo()", "'2026-01-01T00:00:00Z' '2026-01-01T01:00:00Z'"),
    "group": ("$__timeGroup(a, $__interval)", "floor(extract(epoch from a)/60)*60"),
    "group, quoted, filled": ("$__timeGroup(a,'5m', 0)", "floor(extract(epoch from a)/300)*300"),
    "milliseconds": ("$__interval_ms", "60000"),
    "epoch": ("$__unixEpochFrom()", "1767225600"),
}


@pytest.mark.parametrize(("text", "expected"), MACROS.values(), ids=MACROS)
def test_macros_become_what_grafana_makes_of_them(text, expected):
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert expand(text, start, start + dt.timedelta(hours=1)) == expected


@pytest.mark.parametrize(("folder", "board"), [
    ("provisioning", "dashboards/executive.json"),
    ("provisioning-prometheus", "dashboards-prometheus/executive.json"),
])  # fmt: skip
def test_what_is_provisioned_is_what_dashboards_and_rules_ask_for(folder, board):
    place = SOURCE.parent / folder
    (source,) = yaml.safe_load((place / "datasources" / "dnstower.yaml").read_text())["datasources"]
    (provider,) = yaml.safe_load((place / "dashboards" / "dnstower.yaml").read_text())["providers"]
    assert source["type"] == ALL[board]["templating"]["list"][0]["query"]
    secrets = [source["url"], provider["options"]["path"]]
    if source["type"] != "prometheus":
        secrets += [source["user"], source["secureJsonData"]["password"], source["jsonData"]["database"]]
    told = (SOURCE.parent / "README.md").read_text()
    assert all(value.startswith("$DNSTOWER_") and value.removeprefix("$") in told for value in secrets)
    boards = {one["uid"]: one for one in ALL.values()}
    for group in yaml.safe_load((place / "alerting" / "dnstower-rules.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            assert rule["data"][0]["datasourceUid"] == source["uid"]
            assert rule["data"][0]["model"]["datasource"]["type"] == source["type"]
            (panel,) = [one for one in panels(boards[rule["dashboardUid"]]) if one["id"] == rule["panelId"]]
            assert panel["title"] in ("Incidents open", "Alerts open", "Judgement behind")
