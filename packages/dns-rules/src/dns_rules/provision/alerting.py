"""What is to alert in a Grafana, and whom it calls: values, as they stand in its files and its API alike.

Names of fields are those of Grafana's provisioning API (``pkg/services/ngalert/api/tooling/definitions/provisioning_*``
of grafana/grafana; "Alerting provisioning HTTP API" of its documentation). That of files differs in a few (`files`).
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

#: In front of every uid and name that is made here.
PREFIX = "dnstower-"
#: A label of every alert of ours; the policy tree's branch for it is ours, and nothing else of the tree.
LABEL = ("managed_by", "dnstower")
#: The branch's only matcher.
OURS = [[LABEL[0], "=", LABEL[1]]]
#: Where rules are: uid and title of one of the folders (`wanted`).
FOLDER = ("dnstower-for-operators", "DNS: operations")
HEARTBEAT = "DnstowerHeartbeat"


class Rule(Struct, frozen=True, kw_only=True):
    """An alert rule."""

    uid: str
    title: str
    group: str
    data: tuple[dict[str, Any], ...]
    """Queries; the last one is the condition."""
    pause: str = "0s"
    labels: dict[str, str]
    annotations: dict[str, str]
    no_data: str = "OK"
    dashboard: str
    """The uid; the panel is the first, which lists what is open."""

    @property
    def condition(self) -> str:
        """The query that says whether it fires."""
        return str(self.data[-1]["refId"])


class Integration(Struct, frozen=True, kw_only=True):
    """One way to call a team."""

    uid: str
    type: str
    settings: dict[str, str]
    secrets: dict[str, str]
    """Of the settings that are secret, the environment variable that has each."""


class Point(Struct, frozen=True, kw_only=True):
    """A contact point: the ways of one team."""

    name: str
    integrations: tuple[Integration, ...]


class Timing(Struct, frozen=True, kw_only=True):
    """A mute timing."""

    name: str
    intervals: tuple[dict[str, Any], ...]


class Routing(Struct, frozen=True, kw_only=True):
    """Whom alerts call."""

    points: tuple[Point, ...]
    timings: tuple[Timing, ...]
    branch: dict[str, Any]
    """Of the policy tree."""
    left_out: tuple[str, ...] = ()
    """What of the inventory Grafana has no words for."""


class Alerting(Struct, frozen=True, kw_only=True):
    """All of it; ``None`` is what is left as it is."""

    rules: tuple[Rule, ...] | None = None
    routing: Routing | None = None


def query(ref: str, source: str, kind: str, seconds: int = 600, **model: Any) -> dict[str, Any]:
    """A query of a rule.

    Args:
        ref: its name in the rule.
        source: the data source's uid; ``__expr__`` for an expression over other queries.
        kind: the data source's type.
        seconds: that it looks back.
        model: as the data source's own editor saves it.
    """
    return {
        "refId": ref,
        "queryType": "",
        "relativeTimeRange": {"from": seconds, "to": 0},
        "datasourceUid": source,
        "model": {
            "refId": ref, "datasource": {"type": kind, "uid": source}, "intervalMs": 1000, "maxDataPoints": 43200,
            **model,
        },
    }  # fmt: skip


def above(ref: str, of: str, limit: float) -> dict[str, Any]:
    """An expression that says of each row or series of another whether it is above a limit."""
    conditions = [{"evaluator": {"type": "gt", "params": [limit]}}]
    return query(ref, "__expr__", "__expr__", type="threshold", expression=of, conditions=conditions)
