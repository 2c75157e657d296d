"""Panels that both flavours have, of the store and of Prometheus: all but what is asked."""

from __future__ import annotations

from functools import partial

from kafka_bridge.board.questions.executive import PROMISE

from .panels import AGREEMENT, ANSWERED, NONE_WANTED, SECONDS, Steps, bars, number, rows, series, timeline

#: What is left of the failures that the promise allows.
LEFT: Steps = ((None, "red"), (0, "orange"), (0.25, "green"))
QUIET = "No zone of this choice was asked in this time"
WELL = "Nothing failed in this time"

# Executive.
availability = partial(
    number, "Availability", "Share of questions in the chosen time that got an answer, from all regions.",
    unit="percentunit", empty=QUIET, steps=ANSWERED, decimals=3,
)  # fmt: skip
p95 = partial(
    number, "p95 latency", "Seconds within which 95 % of the answers came, in the chosen time.",
    unit="s", empty=QUIET, steps=SECONDS,
)  # fmt: skip
budget = partial(
    number, "Error budget left",
    f"Of the failures that a promise of {PROMISE:.1%} allows in 30 days, the share that is left. "
    "Below zero the promise is broken. Always 30 days, whatever time is chosen.",
    unit="percentunit", empty=QUIET, steps=LEFT, decimals=1,
)  # fmt: skip
latency = partial(series, "Latency", "p50, p95 and p99 of answers.", unit="s", empty=QUIET, every="1h")
least = partial(
    bars, "Least available zones", "The ten zones with the lowest share of answered questions in the chosen time.",
    unit="percentunit", empty=QUIET, steps=ANSWERED, width=8,
)  # fmt: skip

# Operator.
answered = partial(
    number, "Answered", "Share of questions that got an answer in the chosen time.",
    unit="percentunit", empty=QUIET, steps=ANSWERED, decimals=2, width=12,
)  # fmt: skip
differ = partial(
    number, "Vantages that differ", "Vantages that now give another answer than most.",
    unit="none", empty="No vantage answers", steps=NONE_WANTED, width=12,
)  # fmt: skip
propagation = partial(
    rows, "Propagation by region", empty="No vantage of this choice answered in 15 minutes",
    units={"agreement": "percentunit"}, steps={"agreement": AGREEMENT},
)  # fmt: skip
convergence = partial(
    rows, "Convergence", units={"ttl": "s", "countdown": "s"},
    steps={"countdown": ((None, "green"), (1, "orange"))},
)  # fmt: skip
errors = partial(
    series, "Errors", "Questions by outcome, without those that were answered.", unit="none", empty=WELL, stacked=True
)
by_region = partial(
    series, "Answered by region", "Share of questions that got an answer, by region.",
    unit="percentunit", empty=QUIET, top=1, low=0.95,
)  # fmt: skip
failing = partial(
    rows, "Failing servers", "Servers that failed in the chosen time, by region, the worst first.", empty=WELL,
    units={"answered": "percentunit"},
)  # fmt: skip
authoritative = partial(
    series, "Round trip by authoritative server",
    "p95 of the answers of authoritative servers, of the twenty that were slowest.",
    unit="s", steps=SECONDS, empty="No authoritative server answered in this time",
)  # fmt: skip
recursive = partial(
    series, "Round trip by resolver",
    "p95 of the answers of resolvers, of the twenty that were slowest: what is in a cache comes fast.",
    unit="s", steps=SECONDS, empty="No resolver answered in this time",
)  # fmt: skip
resolvers = partial(
    rows, "Resolvers", "What each resolver gives now, with the TTL that is left in its cache.",
    empty="No resolver of this choice answered in 15 minutes", units={"ttl": "s"},
)  # fmt: skip
validation = partial(
    series, "Validation",
    "Share of bogus among the answers whose chain was walked, of the twenty zones with most of them.",
    unit="percentunit", empty="No answer was validated in this time", top=1, steps=((None, "green"), (0.01, "red")),
)  # fmt: skip
chain = partial(rows, "Chain of trust", width=12)
health = partial(timeline, "Health", "Status of each zone by minute, of the twenty zones that were worst.")
