"""Each dashboard over the store, drawn in Chromium by Grafana's own components; and that what cannot be drawn fails."""

from __future__ import annotations

import copy
import json

import pytest
from drawing import APP, CHROMIUM, draw, run

FOLDER = APP / "src" / "dashboards"
BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
#: They show that nothing is wrong by showing nothing.
QUIET = {"operator": ["Resolvers with old name servers"]}

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: no dashboard is drawn")


@pytest.fixture(scope="module")
def host(app, tmp_path_factory):
    place = tmp_path_factory.mktemp("host")
    run("node", "tests/browser/host.mjs", str(place))
    return place


def test_every_panel_is_drawn(store, host):
    told = draw(store, host, BOARDS)
    for name, board in BOARDS.items():
        panels = [panel for panel in board["panels"] if panel["type"] != "row"]
        assert told[name] == {"faults": [], "empty": QUIET.get(name, []), "panels": len(panels)}


def unknown_panel(panel):
    panel["type"] = "piechart-of-old"


def unknown_unit(panel):
    panel["fieldConfig"]["defaults"]["unit"] = "parsecs"


def unknown_property(panel):
    panel["fieldConfig"]["overrides"][0]["properties"].append({"id": "custom.glitter", "value": 1})


def unknown_default(panel):
    panel["fieldConfig"]["defaults"]["custom"]["sparkle"] = True


def unknown_matcher(panel):
    panel["fieldConfig"]["overrides"].append({"matcher": {"id": "byMood", "options": "good"}, "properties": []})


def column_that_nobody_gives(panel):
    panel["fieldConfig"]["overrides"].append({"matcher": {"id": "byName", "options": "colour"}, "properties": []})


def unknown_transformation(panel):
    panel["transformations"] = [{"id": "alchemy", "options": {}}]


def query_that_fails(panel):
    panel["targets"][0]["rawSql"] = "select nothing from nowhere"


def title_without_end(panel):
    panel["title"] = "A title that goes on and on " * 20


BROKEN = {
    unknown_panel: "no panel is called piechart-of-old",
    unknown_unit: "Grafana knows no unit parsecs",
    unknown_property: "table has no property custom.glitter",
    unknown_default: "table has no property custom.sparkle",
    unknown_matcher: "Grafana knows no matcher byMood",
    column_that_nobody_gives: "an override is for colour, and there is since, severity",
    unknown_transformation: "Grafana knows no transformation alchemy",
    query_that_fails: 'relation "nowhere" does not exist',
    title_without_end: "the title is cut",
}


def test_what_cannot_be_drawn_is_told(store, host):
    boards = {}
    for break_ in BROKEN:
        board = copy.deepcopy(BOARDS["operator"])
        (panel,) = [one for one in board["panels"] if one["title"] == "Incidents open"]
        board["panels"] = [panel]
        break_(panel)
        boards[break_.__name__] = board
    told = draw(store, host, boards)
    for break_, expected in BROKEN.items():
        assert any(expected in fault for fault in told[break_.__name__]["faults"]), (break_, told[break_.__name__])
