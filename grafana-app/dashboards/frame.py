"""What is around the panels: variables, annotations, links, and the grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model
from kafka_bridge.board.questions.words import ALL, NAMES, OF_ZONE, OWNERS, QTYPES, REGIONS, ZONES, S

from .panels import SOURCE, Query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .panels import Panel

#: What a dashboard may let one choose: label, the query of its values, and what `All` puts into a query.
CHOICES = {
    "owner": ("Owner", OWNERS, ALL["owner"]),
    "zone": ("Zone", ZONES, ALL["zone"]),
    "region": ("Region", REGIONS, ALL["region"]),
    "name": ("Name", NAMES, ALL["name"]),
    "qtype": ("Type", QTYPES, ALL["qtype"]),
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
    """One that asks a data source; the SDK's knows only tags."""

    def __init__(self, name: str, color: str, source: model.DataSourceRef, target: object, **told: object) -> None:
        super().__init__(name=name, datasource=source, icon_color=color, built_in=0)
        self.asked, self.told = target, told

    def to_json(self) -> dict[str, object]:
        """With the query where Grafana looks for it."""
        return {**super().to_json(), **self.told, "target": self.asked}

    def build(self) -> Annotation:
        """It is its own builder."""
        return self


class Flavour(NamedTuple):
    """The kind of data source that a dashboard is over."""

    label: str
    source: model.DataSourceRef
    tag: str
    """Links lead to dashboards of the same flavour."""
    choices: Mapping[str, tuple[str, str, str]]
    """What one may choose: label, the query of its values, and what `All` puts into a query."""
    annotations: Sequence[Annotation]


STORE = Flavour(
    "Store", SOURCE, "dnstower", CHOICES,
    [Annotation("Incidents", "red", SOURCE, Query(INCIDENTS, "table", "Anno")),
     Annotation("Changes", "blue", SOURCE, Query(CHANGES, "table", "Anno"))],
)  # fmt: skip


def frame(uid: str, title: str, says: str, parts: Sequence[tuple[str, Sequence[Panel]]], *, choices: Sequence[str],
          back: str, refresh: str, annotated: bool = True,
          flavour: Flavour = STORE) -> dashboard.Dashboard:  # fmt: skip
    """One dashboard: rows of panels, each row with a title; panels of a line fill 24 columns."""
    made = dashboard.Dashboard(title).uid(uid).description(says).tags([flavour.tag, "dns"]).timezone("browser")
    made.time(f"now-{back}", "now").refresh(refresh).tooltip(model.DashboardCursorSync.CROSSHAIR).editable()
    made.link(
        dashboard.DashboardLink(flavour.tag)
        .type(model.DashboardLinkType.DASHBOARDS)
        .tags([flavour.tag])
        .include_vars(True)
        .keep_time(True)
        .as_dropdown(False)
    )
    made.with_variable(
        dashboard.DatasourceVariable("datasource").label(flavour.label).type(str(flavour.source.type_val))
    )
    for name in choices:
        made.with_variable(_choice(name, flavour))
    if annotated:
        made.annotations(list(flavour.annotations))
    number = 0
    for heading, panels in parts:
        number += 1
        made.with_row(dashboard.Row(heading).id(number))
        for panel in panels:
            number += 1
            made.with_panel(panel.id(number))
    return made


def _choice(name: str, flavour: Flavour) -> dashboard.QueryVariable:
    label, query, everything = flavour.choices[name]
    chosen = dashboard.QueryVariable(name).label(label).datasource(flavour.source).query(query).multi(True)
    chosen.include_all(True).all_value(everything).refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
    chosen.sort(model.VariableSort.ALPHABETICAL_ASC)
    return chosen.current(model.VariableOption(selected=True, text=["All"], value=["$__all"]))
