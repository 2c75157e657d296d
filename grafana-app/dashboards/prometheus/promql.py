"""What queries share. Names of metrics are ``dns_events.semconv``'s in Prometheus's spelling; records are the mixin's.

Recording rules have summed over jobs, so that only what asks metrics themselves is chosen by job. Gauges of unit 1 end
in ``_ratio`` behind a Collector; both are asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.frame import Annotation, Flavour
from dashboards.panels import Asked

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
TAG = "dnstower-prometheus"

#: Recording rules: questions a second, and those that failed.
RATE = "zone_role_server_region:dnstower_dns_observations:rate"
FAILED = "zone_role_server_region:dnstower_dns_failures:rate"
RATIO = "zone_role_server_region:dnstower_dns_failures:ratio"
DURATIONS = "zone_role_region_le:dns_lookup_duration_seconds:rate"

ZONE = 'dnstower_zone=~"$zone"'
REGION = 'dnstower_probe_region=~"$region"'
JOB = 'job=~"$job"'
BAD = 'dnstower_outcome!~"answer|nodata|nxdomain"'
QUESTION = "dnstower_zone, dns_question_name, dnstower_question_type"
VANTAGE = "dnstower_zone, dnstower_server_role, server_address, dnstower_probe_region"

#: The mixin's alerts, of the zones that are chosen; what is no zone's is there while all are.
ALERTS = f'alertname=~"Dns.+", alertname!="DnstowerHeartbeat", {ZONE}'
FIRING = f'ALERTS{{alertstate="firing", {ALERTS}}}'

#: What columns are called.
NAMES = {
    "dnstower_zone": "zone", "dns_question_name": "name", "dnstower_question_type": "qtype",
    "dnstower_probe_region": "region", "dnstower_probe_id": "probe", "server_address": "server",
    "dnstower_server_role": "role", "dnstower_check": "check", "alertname": "alert", "alertstate": "state",
}  # fmt: skip

FLAVOUR = Flavour(
    "Prometheus", SOURCE, TAG,
    {
        "job": ("Job", "label_values(dnstower_dns_questions_total, job)", ".+"),
        "zone": ("Zone", f"label_values({RATE}, dnstower_zone)", ".*"),
        "region": ("Region", f"label_values({RATE}, dnstower_probe_region)", ".*"),
        "bridge": ("Bridge", "label_values(dnstower_bridge_behind_seconds, job)", ".*"),
    },
    [
        Annotation(
            "Alerts", "red", SOURCE, {"refId": "Anno", "expr": FIRING, "range": True, "interval": "1m"},
            titleFormat="{{alertname}}", textFormat="{{dnstower_zone}} {{server_address}}", tagKeys="severity",
        ),
        Annotation(
            "Changes", "blue", SOURCE,
            {
                "refId": "Anno", "range": True, "interval": "1m",
                "expr": f"max by (dnstower_zone) (changes(dnstower_dns_zone_serial{{{ZONE}}}[2m])) > 0",
            },
            titleFormat="zone changed", textFormat="{{dnstower_zone}} has another serial", tagKeys="dnstower_zone",
        ),
    ],
)  # fmt: skip


def of(metric: str, *matchers: str, job: bool = True) -> str:
    """A metric of the zones and regions that are chosen."""
    return f"{metric}{{{', '.join((*((JOB,) if job else ()), ZONE, REGION, *matchers))}}}"


def one(metric: str, *matchers: str) -> str:
    """A gauge of unit 1, under both of its names."""
    return f'{{__name__=~"{metric}(_ratio)?", {", ".join((JOB, *matchers))}}}'


def by(labels: str) -> str:
    """``by (labels)``, or nothing."""
    return f" by ({labels})" if labels else ""


def answered(window: str, labels: str = "") -> str:
    """Share of answered questions over a window, of the recording rules."""
    failed, asked = (f"sum{by(labels)} (sum_over_time({of(rule, job=False)}[{window}]))" for rule in (FAILED, RATE))
    return f"1 - {failed} / {asked}"


def share(part: str, whole: str, labels: str) -> str:
    """A share of a counter's rate; 0 where the part never was."""
    total = f"sum{by(labels)} (rate({whole}[$__rate_interval]))"
    return f"(sum{by(labels)} (rate({part}[$__rate_interval])) or 0 * {total}) / {total}"


def quantile(q: float, buckets: str, labels: str = "") -> str:
    """Seconds below which this share of the answers came.

    Args:
        q: the share.
        buckets: the rate of buckets, or a sum of it.
        labels: by which it is told apart.
    """
    return f"histogram_quantile({q:g}, sum by ({', '.join(filter(None, ('le', labels)))}) ({buckets}))"


def lines(**asked: str) -> Asked:
    """Lines over time: each query by what names its lines, in which ``{{label}}`` may stand; `_` for one nameless."""
    return Asked(
        SOURCE,
        tuple(
            Dataquery().ref_id(chr(65 + place)).expr(_flat(expr)).legend_format(legend).range()
            for place, (legend, expr) in enumerate(asked.items())
        ),
    )


def line(expr: str, legend: str) -> Asked:
    """Lines of one query."""
    return lines(**{legend: expr})


def figure(expr: str, legend: str = "") -> Asked:
    """What is now: one figure, or one for each series."""
    return Asked(SOURCE, (Dataquery().ref_id("A").expr(_flat(expr)).legend_format(legend).instant(),))


def columns(*, sort: str, descending: bool = False, **asked: str) -> Asked:
    """A table: its labels, and a column for each query; all of them keep the same labels."""
    targets = tuple(
        Dataquery().ref_id(chr(65 + place)).expr(_flat(expr)).instant().format(PromQueryFormat.TABLE)
        for place, expr in enumerate(asked.values())
    )
    values = ["Value"] if len(asked) == 1 else [f"Value #{chr(65 + place)}" for place in range(len(asked))]
    renamed: Mapping[str, Any] = NAMES | dict(zip(values, asked, strict=True))
    steps: tuple[tuple[str, dict[str, Any]], ...] = (
        ("merge", {}),
        ("organize", {"excludeByName": {"Time": True}, "renameByName": renamed,
                      "indexByName": {name: place for place, name in enumerate(renamed)}}),
        ("sortBy", {"sort": [{"field": sort, "desc": descending}]}),
    )  # fmt: skip
    return Asked(SOURCE, targets, tuple(model.DataTransformerConfig(id_val=name, options=o) for name, o in steps))


def _flat(expr: str) -> str:
    return " ".join(expr.split())
