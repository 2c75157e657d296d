"""Panels: each has a title, a sentence, a unit, and what it says when there is nothing to show."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

from grafana_foundation_sdk.builders import bargauge, common, dashboard, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as model

PLUGIN = "grafana-postgresql-datasource"
SOURCE = model.DataSourceRef(type_val=PLUGIN, uid="${datasource}")

P = TypeVar("P", timeseries.Panel, stat.Panel, table.Panel, statetimeline.Panel, bargauge.Panel)
Panel = timeseries.Panel | stat.Panel | table.Panel | statetimeline.Panel | bargauge.Panel
Steps = tuple[tuple[float | None, str], ...]

#: Shares of answered questions, seconds, and counts of what should not be there.
ANSWERED: Steps = ((None, "red"), (0.99, "orange"), (0.999, "green"))
SECONDS: Steps = ((None, "green"), (0.2, "orange"), (1, "red"))
NONE_WANTED: Steps = ((None, "green"), (1, "red"))
AGREEMENT: Steps = ((None, "red"), (0.9, "orange"), (1, "green"))
SCORE: Steps = ((None, "red"), (50, "orange"), (90, "green"))

COLORS = {
    **dict.fromkeys(("healthy", "secure", "answer", "yes", "resolved"), "green"),
    **dict.fromkeys(("info", "insecure"), "blue"),
    **dict.fromkeys(("nodata", "pending"), "yellow"),
    **dict.fromkeys(("at_risk", "warning", "nxdomain"), "orange"),
    **dict.fromkeys(("unhealthy", "bogus", "critical", "firing", "no"), "red"),
    **dict.fromkeys(("servfail", "refused", "timeout", "unreachable", "malformed", "error", "referral"), "red"),
    **dict.fromkeys(("unknown", "indeterminate"), "gray"),
}
#: As many answers are told apart by colour; what did not go well keeps its own.
PALETTE = (
    "blue", "purple", "super-light-green", "super-light-orange", "dark-blue", "light-purple", "dark-green",
    "super-light-blue", "dark-purple", "light-green",
)  # fmt: skip
#: Words that are a state, in whatever table; and columns as wide as what stands in them, so that prose gets the rest.
STATES = r"/^(status|severity|state|dnssec|outcome|agrees)$/"
WIDTHS = {
    r"/^(availability_hour|availability_day)$/": 140,
    r"/^(owner|criticality|probe|role|kind|fact|region|check|serial|agreement|countdown|agreeing|vantages)$/": 115,
    r"/^(status|severity|state|dnssec|outcome|availability|budget|answered|lasted)$/": 100,
    r"/^(failed|timeout|servfail|refused)$/": 100,
    r"/^(qtype|drill|agrees|score|firing|p95|ttl|seq|events|zones|letters|size|delay|silent|partition)$/": 80,
}
#: A cell with nothing in it has no colour.
NOTHING = model.SpecialValueMap(
    options=model.DashboardSpecialValueMapOptions(
        model.SpecialValueMatch.NULL, model.ValueMappingResult(text="", color="transparent")
    )
)
#: What numbers stand for in bands.
LEVELS = {"0": ("healthy", "green"), "1": ("warning", "orange"), "2": ("critical", "red")}


class Query(Dataquery, Builder[Dataquery]):
    """One text for a PostgreSQL data source; the SDK knows only of other sources' queries."""

    def __init__(self, sql: str, shape: str, ref: str = "A") -> None:
        self.sql, self.shape, self.ref = " ".join(sql.split()), shape, ref

    def to_json(self) -> dict[str, Any]:
        """As Grafana saves it."""
        return {
            "refId": self.ref, "datasource": SOURCE, "editorMode": "code", "rawQuery": True, "format": self.shape,
            "rawSql": self.sql,
        }  # fmt: skip

    def build(self) -> Query:
        """It is its own builder."""
        return self


class Asked(NamedTuple):
    """Queries of another data source than the store, and how their answers become what a panel draws."""

    source: model.DataSourceRef
    targets: tuple[Builder[Dataquery], ...]
    transformations: tuple[model.DataTransformerConfig, ...] = ()


#: SQL of the store, or what is asked of another source.
Ask = str | Asked


def series(
    title: str, says: str, ask: Ask, *, unit: str, empty: str, width: int = 12, height: int = 8, steps: Steps = (),
    every: str = "1m", stacked: bool = False, top: float | None = None, low: float | None = None,
) -> timeseries.Panel:  # fmt: skip
    """Lines over time: `time`, numbers, and a text `metric` that names the line.

    The axis begins at 0, or at `low` while all is above. What is 0 all the time is left out where lines are stacked.
    """
    panel = timeseries.Panel().interval(every).show_points(shapes.VisibilityMode.AUTO).line_width(1)
    panel.fill_opacity(70 if stacked else 8)
    panel.legend(
        common.VizLegendOptions()
        .display_mode(shapes.LegendDisplayMode.LIST)
        .placement(shapes.LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    panel.tooltip(common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI).sort(shapes.SortOrder.DESCENDING))
    if low is None:
        panel.min(0)
    else:
        panel.axis_soft_min(low)
    if stacked:
        # What is counted is counted within each step: a line from one to the next would count what was not.
        panel.draw_style(shapes.GraphDrawStyle.BARS).stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL))
        for word in ("critical", "warning", "info"):
            color = {"mode": "fixed", "fixedColor": COLORS[word]}
            panel.override_by_regexp(f"/^{word}$/", _properties(color=color))
        panel.with_override(
            model.MatcherConfig("byValue", {"reducer": "allIsZero", "op": "gte", "value": 0}),
            [model.DynamicConfigValue("custom.hideFrom", {"viz": True, "legend": True, "tooltip": True})],
        )
    if top is not None:
        panel.max(top)
    if steps:
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(shapes.GraphThresholdsStyleMode.DASHED))
        panel.thresholds(_thresholds(steps))
    panel.title(title).description(says).unit(unit).no_value(empty).span(width).height(height)
    return _asking(panel, ask, "time_series")


def number(title: str, says: str, ask: Ask, *, unit: str, empty: str, steps: Steps, width: int = 4, height: int = 4,
           decimals: int | None = None) -> stat.Panel:  # fmt: skip
    """One figure: the first row's only column."""
    panel = stat.Panel().graph_mode(shapes.BigValueGraphMode.NONE).thresholds(_thresholds(steps))
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    panel.title(title).description(says).unit(unit).no_value(empty).span(width).height(height)
    if decimals is not None:
        panel.decimals(decimals)
    return _asking(panel, ask, "table")


def bars(title: str, says: str, ask: Ask, *, unit: str, empty: str, steps: Steps, width: int = 12,
         height: int = 8) -> bargauge.Panel:  # fmt: skip
    """A bar a row: a text and a number; of another source, a bar a series."""
    panel = bargauge.Panel().orientation(shapes.VizOrientation.HORIZONTAL).min(0).thresholds(_thresholds(steps))
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(isinstance(ask, str)))
    panel.title(title).description(says).unit(unit).no_value(empty).span(width).height(height)
    return _asking(panel, ask, "table")


def rows(title: str, says: str, ask: Ask, *, empty: str, width: int = 24, height: int = 8,
         units: dict[str, str] | None = None, steps: dict[str, Steps] | None = None,
         links: dict[str, tuple[str, str]] | None = None,
         widths: dict[str, int] | None = None) -> table.Panel:  # fmt: skip
    """A table. Words that are a state are coloured; `links` leads from a column to a dashboard's variable."""
    panel = table.Panel().filterable(True).cell_height(shapes.TableCellHeight.SM).show_header(True)
    panel.title(title).description(says).unit("none").no_value(empty).span(width).height(height)
    # What the panel says when it is empty is for the panel: a cell that is empty says nothing, and a click shows all.
    panel.override_by_regexp("/.*/", _properties(noValue="", **{"custom.inspect": True}))
    panel.override_by_regexp(
        STATES, _properties(mappings=[_mapping()], **{"custom.cellOptions": {"type": "color-text"}})
    )
    panel.override_by_field_type("time", _properties(unit="dateTimeAsIso", **{"custom.width": 165}))
    for columns, pixels in WIDTHS.items():
        panel.override_by_regexp(columns, _properties(**{"custom.width": pixels}))
    properties: dict[str, list[model.DynamicConfigValue]] = {}
    for column, unit in (units or {}).items():
        properties.setdefault(column, []).append(model.DynamicConfigValue("unit", unit))
    for column, wanted in (steps or {}).items():
        cell = {"custom.cellOptions": {"type": "color-background", "mode": "basic"}}
        properties.setdefault(column, []).extend(
            _properties(thresholds=_thresholds(wanted).build(), mappings=[NOTHING], **cell)
        )
    for column, (uid, variable) in (links or {}).items():
        target = f"/d/{uid}?${{datasource:queryparam}}&var-{variable}=${{__value.raw}}&${{__url_time_range}}"
        link = {"title": f"{uid.split('-')[1]}: this {variable}", "url": target}
        properties.setdefault(column, []).extend(_properties(links=[link]))
    for column, pixels in (widths or {}).items():
        properties.setdefault(column, []).extend(_properties(**{"custom.width": pixels}))
    for column, found in properties.items():
        panel.override_by_name(column, found)
    return _asking(panel, ask, "table")


def timeline(title: str, says: str, ask: Ask, *, empty: str, width: int = 24, height: int = 8,
             answers: bool = False) -> statetimeline.Panel:  # fmt: skip
    """Bands of states: `time`, `state`, and `series`, which names the band; of another source, a band a series.

    Grafana paints every text alike that no mapping knows: with `answers` they are numbered, and mapped by number.
    """
    panel = statetimeline.Panel()
    if answers and isinstance(ask, str):
        panel.mappings(_numbered())
        ask = (
            "select time, series, concat(state, ' #', (dense_rank() over (order by state) - 1) % "
            f"{len(PALETTE)}) as state from ({ask}) as drawn order by time"
        )
    else:
        panel.mappings([_mapping(None if isinstance(ask, str) else LEVELS)])
    panel.merge_values(True).row_height(0.85)
    panel.show_value(shapes.VisibilityMode.AUTO)
    if isinstance(ask, str):
        panel.display_name("${__field.labels.series}").with_transformation(
            model.DataTransformerConfig(
                id_val="partitionByValues",
                options={"fields": ["series"], "keepFields": False, "naming": {"asLabels": True}},
            )
        )
    panel.title(title).description(says).unit("none").no_value(empty).span(width).height(height)
    return _asking(panel, ask, "table")


def _asking(panel: P, ask: Ask, shape: str) -> P:
    if isinstance(ask, str):
        return panel.datasource(SOURCE).with_target(Query(ask, shape))
    panel.datasource(ask.source)
    for target in ask.targets:
        panel.with_target(target)
    for transformation in ask.transformations:
        panel.with_transformation(transformation)
    return panel


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    listed = [model.Threshold(value=value, color=color) for value, color in steps]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(listed)


def _properties(**values: object) -> list[model.DynamicConfigValue]:
    return [model.DynamicConfigValue(name, value) for name, value in values.items()]


def _numbered() -> list[model.ValueMapping]:
    """A colour by the number behind a text, which is not shown."""
    words = {color: "|".join(word for word, its in COLORS.items() if its == color) for color in COLORS.values()}
    known = {rf"/^({one}) #\d+$/": color for color, one in words.items()}
    known |= {rf"/^(.*) #{number}$/s": color for number, color in enumerate(PALETTE)}
    return [
        model.RegexMap(
            options=model.DashboardRegexMapOptions(pattern, model.ValueMappingResult(text="$1", color=color))
        )
        for pattern, color in known.items()
    ]


def _mapping(levels: dict[str, tuple[str, str]] | None = None) -> model.ValueMap:
    options = {word: model.ValueMappingResult(color=color) for word, color in COLORS.items()}
    if levels is not None:
        options = {value: model.ValueMappingResult(text=text, color=color) for value, (text, color) in levels.items()}
    return model.ValueMap(options=options)
