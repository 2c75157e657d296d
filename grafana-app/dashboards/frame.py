"""What is around the panels: variables, annotations, links, and the grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model
from kafka_bridge.board.questions.words import ALL, NAMES, OF_ZONE, OWNERS, QTYPES, REGIONS, ZONES, S

from .panels import PLUGIN, SOURCE, Query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .panels import Panel

#: What a dashboard may let one choose: label, and the query of its values.
CHOICES = {
    "owner": ("Owner", OWNERS),
    "zone": ("Zone", ZONES),
    "region": ("Region", REGIONS),
    "name": ("Name", NAMES),
    "qtype": ("Type", QTYPES),
}

INCIDENTS = f"""
    select since as time, case when state = 'resolved' then updated end as timeend, title as text,
           concat_ws(',', severity, state, zone) as tags
    from {S}.v_incident
    where since <= $__timeTo() and (state <> 'resolved' or updated >= $__timeFrom()) and {OF_ZONE}
    order by since desc limit 500"""
CHANGES = f"""
    select time, concat_ws(' ', 'zone changed', 'to serial ' || serial_to, 'by ' || actor) as text, zone as tags
    from {S}.v_zone_change where $__timeFilter(time) and {OF_ZONE}
    union all
    select min(at), 'changed: ' || fact, zone from {S}.v_transition where $__timeFilter(at) and {OF_ZONE}
    group by zone, fact, before, after
    order by 1 desc limit 500"""


class Annotation(model.AnnotationQuery, Builder[model.AnnotationQuery]):
    """One that asks the data source; the SDK's knows only tags."""

    def __init__(self, name: str, color: str, sql: str) -> None:
        super().__init__(name=name, datasource=SOURCE, icon_color=color, built_in=0)
        self.sql = sql

    def to_json(self) -> dict[str, object]:
        """With the query where Grafana looks for it."""
        return {**super().to_json(), "target": Query(self.sql, "table", "Anno")}

    def build(self) -> Annotation:
        """It is its own builder."""
        return self


def frame(uid: str, title: str, says: str, parts: Sequence[tuple[str, Sequence[Panel]]], *, choices: Sequence[str],
          back: str, refresh: str, annotated: bool = True) -> dashboard.Dashboard:  # fmt: skip
    """One dashboard: rows of panels, each row with a title; panels of a line fill 24 columns."""
    made = dashboard.Dashboard(title).uid(uid).description(says).tags(["dnstower", "dns"]).timezone("browser")
    made.time(f"now-{back}", "now").refresh(refresh).tooltip(model.DashboardCursorSync.CROSSHAIR).editable()
    made.link(
        dashboard.DashboardLink("dnstower")
        .type(model.DashboardLinkType.DASHBOARDS)
        .tags(["dnstower"])
        .include_vars(True)
        .keep_time(True)
        .as_dropdown(False)
    )
    made.with_variable(dashboard.DatasourceVariable("datasource").label("Store").type(PLUGIN))
    for name in choices:
        made.with_variable(_choice(name))
    if annotated:
        made.annotations([Annotation("Incidents", "red", INCIDENTS), Annotation("Changes", "blue", CHANGES)])
    number = 0
    for heading, panels in parts:
        number += 1
        made.with_row(dashboard.Row(heading).id(number))
        for panel in panels:
            number += 1
            made.with_panel(panel.id(number))
    return made


def _choice(name: str) -> dashboard.QueryVariable:
    label, query = CHOICES[name]
    chosen = dashboard.QueryVariable(name).label(label).datasource(SOURCE).query(query).multi(True)
    chosen.include_all(True).all_value(ALL[name]).refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
    chosen.sort(model.VariableSort.ALPHABETICAL_ASC)
    return chosen.current(model.VariableOption(selected=True, text=["All"], value=["$__all"]))
