"""Grafana-managed rules over the store's views: one for each rule of the pack, and the pipeline's own.

The bridge has judged already, with change windows and drills; Grafana only calls. What is silenced calls nobody.
"""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING, Any, NamedTuple

from .alerting import LABEL, PREFIX, Rule, above, query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dns_rules.rules import Rule as PackRule
    from dns_rules.rules import Rules

_DASHBOARD = "dnstower-operator"
_KIND = "grafana-postgresql-datasource"
#: Seconds.
_BEHIND, _SILENT = 120, 300

_INCIDENTS = """
    select i.zone, coalesce(i.owner, '') as owner, i.severity, i.class, count(*) as firing
    from dnstower.v_incident_open i
    where i.rule = '{rule}' and i.state = 'firing' and not i.drill and not exists (
      select from dnstower.v_silence s where s.active and coalesce(s.zone, i.zone) = i.zone
        and coalesce(s.rule, i.rule) = i.rule and coalesce(s.owner, i.owner) is not distinct from i.owner)
    group by 1, 2, 3, 4"""


class _Watch(NamedTuple):
    """What is watched of the pipeline."""

    name: str
    severity: str
    runbook: str
    pause: str
    limit: float
    summary: str
    description: str
    sql: str
    """Texts, and one number that is too much above the limit."""


_PIPELINE = (
    _Watch(
        "monitoring-down", "critical", "monitoring-down", "5m", _SILENT, "DNS is not monitored",
        "No observation has come for {{ $values.A.Value | humanizeDuration }}: no other alert about DNS can fire.",
        "select extract(epoch from now() - max(arrived))::float8 as silent from dnstower.v_probe",
    ),
    _Watch(
        "probe-gone", "warning", "probe-silent", "5m", _SILENT, "Probe {{ $labels.probe }} is gone",
        "Nothing has come for {{ $values.A.Value | humanizeDuration }}: the receiver, its host, or the way to it.",
        """select probe, coalesce(region, '') as region, extract(epoch from silent_for)::float8 as silent
           from dnstower.v_probe where silent_for < interval '6 hours'""",
    ),
    _Watch(
        "pipeline-behind", "warning", "bridge-in-trouble", "5m", _BEHIND, "kafka-bridge is behind: {{ $labels.part }}",
        "By {{ $values.A.Value | humanizeDuration }}; incidents are that late.",
        """select part, max(behind) as behind from dnstower.v_pipeline
           where behind is not null and part <> 'deliver' group by part""",
    ),
    _Watch(
        "pages-undelivered", "critical", "pages-undelivered", "2m", _BEHIND, "Pages about DNS do not reach anybody",
        "The oldest has waited for {{ $values.A.Value | humanizeDuration }}.",
        """select part, max(behind) as behind from dnstower.v_pipeline
           where behind is not null and part = 'deliver' group by part""",
    ),
    _Watch(
        "dead-letters", "warning", "bridge-in-trouble", "0s", 0, "Events that kafka-bridge cannot read",
        "{{ $values.A.Value }} dead letters of the last hour were not sent again.",
        """select count(*) as letters from dnstower.v_deadletter
           where received > now() - interval '1 hour' and retried is null""",
    ),
)  # fmt: skip


def rules(pack: Rules, source: str, runbooks: str, observers: str | None) -> tuple[Rule, ...]:
    """The rules.

    Args:
        pack: whose incidents are told.
        source: uid of Grafana's data source for the store.
        runbooks: where runbooks are, ``%s`` for the page's name.
        observers: the team that runs the monitoring.
    """
    return (*(_of(rule, source, runbooks) for rule in pack.rules), *_pipeline(source, runbooks, observers))


def _of(rule: PackRule, source: str, runbooks: str) -> Rule:
    words = rule.id.replace("-", " ").capitalize()
    checks = [text for check in rule.checks if (text := _filled(check)) is not None]
    first = "".join(f"\n{number}. {text}" for number, text in enumerate(checks, 1))
    return Rule(
        uid=f"{PREFIX}s-{rule.id}",
        title=words,
        group="dnstower.incidents",
        data=_data(source, _INCIDENTS.format(rule=rule.id), 0),
        labels=dict([LABEL]),
        annotations={
            "summary": f"{words}: {{{{ $labels.zone }}}}",
            "description": " ".join(rule.about.split()) + (f"\nCheck first:{first}" if first else ""),
            "runbook_url": runbooks % rule.runbook,
            "dashboard_url": f"{{{{ externalURL }}}}d/{_DASHBOARD}?var-zone={{{{ $labels.zone }}}}",
        },
        dashboard=_DASHBOARD,
    )


def _filled(check: str) -> str | None:
    """A check with the zone's name; ``None`` where it needs what only the incident knows."""
    if {name for _, name, _, _ in Formatter().parse(check) if name} - {"zone"}:
        return None
    return check.format(zone="{{ $labels.zone }}")


def _pipeline(source: str, runbooks: str, observers: str | None) -> Iterator[Rule]:
    for each in _PIPELINE:
        yield Rule(
            uid=f"{PREFIX}s-{each.name}",
            title=each.name.replace("-", " ").capitalize(),
            group="dnstower.pipeline",
            data=_data(source, each.sql, each.limit),
            pause=each.pause,
            labels={**dict([LABEL]), "severity": each.severity, **({"owner": observers} if observers else {})},
            annotations={
                "summary": each.summary,
                "description": each.description,
                "runbook_url": runbooks % each.runbook,
                "dashboard_url": "{{ externalURL }}d/dnstower-pipeline",
            },
            no_data="Alerting" if each.name == "monitoring-down" else "OK",
            dashboard="dnstower-pipeline",
        )


def _data(source: str, sql: str, limit: float) -> tuple[dict[str, Any], ...]:
    """A table of texts, which become labels, and one number."""
    asked = query("A", source, _KIND, format="table", editorMode="code", rawQuery=True, rawSql=" ".join(sql.split()))
    return asked, above("B", "A", limit)
