"""What the dashboards for Prometheus ask, and whether a real one has answers that a panel can draw."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "src" / "dashboards-prometheus"
ALL = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def panels(board):
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expand(expr, *, span="2m", **some):
    """Grafana's variables: what is chosen is a pattern, `All` is what the dashboard says it is."""
    chosen = {"zone": ".*", "region": ".*", "job": ".+", "bridge": ".*"} | some
    expr = expr.replace("$__rate_interval", "10s").replace("$__range", span)
    expr = re.sub(r"\$([a-z]\w*)", lambda match: chosen[match[1]], expr)
    assert "$__" not in expr
    return expr


def check_panel(prometheus, panel, unasked=()):
    """Each of its queries has an answer, but for those of `unasked` metrics."""
    for target in panel["targets"]:
        expr = expand(target["expr"])
        if target["instant"]:
            found = prometheus.query(expr)
        else:
            now = time.time()
            found = prometheus.get("query_range", query=expr, start=f"{now - 60}", end=f"{now}", step="5")["result"]
        if any(metric in expr for metric in unasked):
            continue
        assert found, expr
        for label in re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")):
            assert all(label in each["metric"] for each in found)
        assert panel["type"] != "stat" or len(found) == 1
        values = [value for each in found for _, value in each.get("values", [each.get("value")])]
        assert any(value != "NaN" for value in values), expr
