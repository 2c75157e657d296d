"""For those on duty: what fails, where, since when, and how long caches will remember it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboards import shared
from dashboards.frame import frame
from dashboards.panels import NONE_WANTED, rows

from .parts import BANDS, alerts
from .promql import (
    BAD,
    FLAVOUR,
    JOB,
    QUESTION,
    RATIO,
    REGION,
    VANTAGE,
    ZONE,
    columns,
    figure,
    line,
    of,
    one,
    quantile,
    share,
)

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard

COUNTED = "dnstower_dns_observations_total"
WALKED = of(COUNTED, 'dnstower_dnssec_status=~"secure|bogus"')


def answers(*matchers: str) -> str:
    """The newest answers, as numbers made of their fingerprints, of vantages that answer still."""
    found = of("dnstower_dns_answer_set", 'dnstower_question_type!="SOA"', *matchers)
    return f"({found} and on ({VANTAGE}) {of(RATIO, job=False)} < 1)"


def vantages(by: str, *matchers: str) -> str:
    """How many vantages give each answer, which stands in the label ``answer``."""
    return f'count_values by ({by}) ("answer", {answers(*matchers)})'


def agreeing(by: str, *matchers: str) -> str:
    """How many vantages give the answer that most give, whoever they are."""
    most = f"topk by ({QUESTION}) (1, {vantages(QUESTION)})"
    some = vantages(by, *matchers)
    return f"sum by ({by}) ({some} and on ({QUESTION}, answer) {most}) or 0 * count by ({by}) ({answers(*matchers)})"


def made() -> dashboard.Dashboard:
    """The dashboard."""
    every, failed = of(COUNTED), of(COUNTED, BAD)
    whole = f"sum(increase({every}[$__range]))"
    now = (
        alerts(),
        shared.answered(figure(f"1 - (sum(increase({failed}[$__range])) or 0 * {whole}) / {whole}")),
        shared.differ(figure(f"sum(count by ({QUESTION}) ({answers()})) - "
                             f"sum(max by ({QUESTION}) ({vantages(QUESTION)}))")),
    )  # fmt: skip
    region = f"{QUESTION}, dnstower_probe_region"
    changed = of("dnstower_dns_answer_set", 'dnstower_server_role="authoritative"', 'dnstower_question_type!="SOA"')
    ttl = of("dnstower_dns_answer_ttl_seconds", 'dnstower_server_role="authoritative"')
    when = f"max by ({QUESTION}) (max_over_time(timestamp(changes({changed}[2m]) > 0)[$__range:1m]))"
    lives = f"max by ({QUESTION}) (max_over_time({ttl}[$__range])) and {when}"
    regions = (
        shared.propagation(
            "For each name and region: how many vantages give the most frequent answer. SOA is left out, serials "
            "differ for a while. Fingerprints are compared: an answer that differs by design is here too.",
            columns(
                sort="agreement",
                vantages=f"count by ({region}) ({answers()})",
                agreeing=agreeing(region),
                agreement=f"({agreeing(region)}) / count by ({region}) ({answers()})")),
        shared.convergence(
            "Record sets that changed at an authoritative server in the chosen time, to within two minutes: how many "
            "seconds from now a cache may still give the old answer (0: over). An answer that rotates is always here.",
            columns(
                sort="countdown", descending=True,
                ttl=lives,
                ago=f"time() - {when}",
                countdown=f"clamp_min({when} + ({lives}) - time(), 0)"),
            empty="No record set changed in this time"),
    )  # fmt: skip
    server = "dnstower_zone, server_address, dnstower_probe_region, dnstower_server_role"
    failures = f"sum by ({server}) (increase({failed}[$__range])) > 0"
    total = f"sum by ({server}) (increase({every}[$__range]))"

    def outcome(which: str) -> str:
        counted = of(COUNTED, f'dnstower_outcome="{which}"')
        return f"(sum by ({server}) (increase({counted}[$__range])) or 0 * {total}) and {failures}"

    unanswered = of(COUNTED, 'dnstower_outcome!="answer"')
    faults = (
        shared.errors(line(
            f"sum by (dnstower_outcome) (increase({unanswered}[$__rate_interval]))",
            "{{dnstower_outcome}}")),
        shared.by_region(line(f"1 - {share(failed, every, 'dnstower_probe_region')}", "{{dnstower_probe_region}}")),
        shared.failing(columns(
            sort="failed", descending=True, answered=f"1 - ({failures}) / {total}", failed=failures,
            timeout=outcome("timeout"), servfail=outcome("servfail"), refused=outcome("refused"))),
    )  # fmt: skip

    def trips(role: str) -> str:
        buckets = of("dns_lookup_duration_seconds_bucket", f'dnstower_server_role="{role}"')
        within = quantile(0.95, f"rate({buckets}[$__rate_interval])", "server_address")
        return f"topk(20, {within})"

    recursive = 'dnstower_server_role="recursive"'
    each = f"{region}, server_address"
    check = "dnstower_zone, server_address, dnstower_check"
    servers = (
        shared.authoritative(line(trips("authoritative"), "{{server_address}}")),
        shared.recursive(line(trips("recursive"), "{{server_address}}")),
        shared.resolvers(columns(
            sort="agrees", agrees=agreeing(each, recursive),
            ttl=f"max by ({each}) ({of('dnstower_dns_answer_ttl_seconds', recursive)})"),
            steps={"agrees": ((None, "red"), (1, "green"))}),
        rows("Checks of servers", "What each authoritative server was tested for, from all regions: 1 it passes, 0 it "
             "does not. Authority, TCP, EDNS and signatures.",
             columns(sort="passes", passes=f"min by ({check}) "
                     f"({one('dnstower_dns_server_check', ZONE, REGION)})"),
             empty="No delegation was looked at yet", width=12, steps={"passes": ((None, "red"), (1, "green"))}),
        rows("Probes", "Each probe: whether it can see nothing (blind), whether its resolvers answer for the control "
             "name, and the seconds by which its clock is wrong.",
             columns(
                 sort="probe",
                 blind=f"max by (dnstower_probe_id, dnstower_probe_region) "
                       f"({one('dnstower_dns_probe_blind', REGION)})",
                 control=f"min by (dnstower_probe_id, dnstower_probe_region) "
                         f"({one('dnstower_dns_probe_control', REGION)})",
                 skew="max by (dnstower_probe_id, dnstower_probe_region) "
                      f"(dnstower_dns_probe_clock_skew_seconds{{{JOB}, {REGION}}})"),
             empty="No probe says anything of itself", width=12, units={"skew": "s"},
             steps={"blind": NONE_WANTED, "control": ((None, "red"), (1, "green"))}),
    )  # fmt: skip
    bogus = share(of(COUNTED, 'dnstower_dnssec_status="bogus"'), WALKED, "dnstower_zone")
    gauge = "min by (dnstower_zone) ({})"
    dnssec = (
        shared.validation(line(f"topk(20, {bogus})", "{{dnstower_zone}}")),
        shared.chain(
            "Each zone that is signed: the share of its answers that is bogus, and the seconds until the first "
            "signature in use expires, and by which signatures outlive what secondaries keep.",
            columns(
                sort="bogus", descending=True, bogus=bogus,
                expires=gauge.format(of("dnstower_dns_dnssec_expiry_seconds").replace(f", {REGION}", "")) + " - time()",
                margin=gauge.format(of("dnstower_dns_zone_signature_margin_seconds"))),
            empty="No answer was validated in this time", units={"bogus": "percentunit", "expires": "s", "margin": "s"},
            steps={"bogus": ((None, "green"), (0.01, "red")), "expires": ((None, "red"), (86400, "green"))}),
        shared.health(BANDS, empty="No zone of this choice was asked in this time"),
    )  # fmt: skip
    return frame(
        "dnstower-operator-prometheus", "dnstower / Operator (Prometheus)",
        "What fails, where, since when, and how long caches will remember it.",
        (("Now", now), ("Propagation", regions), ("Faults", faults), ("Servers and resolvers", servers),
         ("DNSSEC and health", dnssec)),
        choices=("job", "zone", "region"), back="6h", refresh="30s", flavour=FLAVOUR,
    )  # fmt: skip
