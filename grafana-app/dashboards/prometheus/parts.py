"""Panels that stand on both dashboards."""

from __future__ import annotations

from functools import partial

from dashboards.panels import rows

from .promql import ALERTS, FIRING, RATE, columns, line, of

#: 0, 1 or 2 for each zone: nothing fires, a warning does, something critical does.
LEVEL = f"""
    max by (dnstower_zone) (
      2 * ALERTS{{alertstate="firing", severity="critical", dnstower_zone!="", {ALERTS}}}
        or ALERTS{{alertstate="firing", severity="warning", dnstower_zone!="", {ALERTS}}}
    ) or on (dnstower_zone) 0 * group by (dnstower_zone) ({of(RATE, job=False)})"""
#: The twenty zones of which most fired in the chosen time.
WORST = f"""
    topk(20, sum by (dnstower_zone) (count_over_time({FIRING}[$__range] @ end()))
      or on (dnstower_zone) 0 * group by (dnstower_zone) ({of(RATE, job=False)} @ end()))"""
BANDS = line(f"({LEVEL}) and on (dnstower_zone) ({WORST})", "{{dnstower_zone}}")

alerts = partial(
    rows, "Alerts open", "What fires or is about to, by Prometheus's own rules, and for how many seconds.",
    columns(
        sort="lasted",
        lasted=f"""
            sum by (alertname, severity, alertstate, dnstower_zone, server_address, dnstower_probe_region,
                dnstower_probe_id) (
              ALERTS{{{ALERTS}}} * ignoring (alertstate) group_left () (time() - ALERTS_FOR_STATE{{{ALERTS}}}))""",
    ),
    empty="No alert is open, or Prometheus has not loaded the rules", units={"lasted": "s"},
)  # fmt: skip
