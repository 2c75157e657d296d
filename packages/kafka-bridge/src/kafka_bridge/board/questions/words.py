"""What questions share. Names of views stand in the store's ``views.sql``; only they are read.

The macros are Grafana's: ``$__timeFilter(column)``, ``$__timeGroup(column, $__interval)``, ``$__timeFrom()``,
``$__timeTo()``; they take no parentheses in their arguments. A variable's `All` is a subquery, put in as it is, so
that a query stays short however many zones there are; chosen values are quoted by ``:sqlstring``.
"""

from __future__ import annotations

#: Qualified, because a member of the reader's role does not inherit its search path.
S = "dnstower"

OWNER = "${owner:sqlstring}"
ZONE = "${zone:sqlstring}"
REGION = "${region:sqlstring}"

#: What stands for a variable's values where nothing is chosen.
ALL = {
    "owner": f"select owner from {S}.v_ownership",
    "zone": f"select zone from {S}.v_ownership",
    "region": f"select region from {S}.v_probe",
    "name": f"select name from {S}.v_answer_current",
    "qtype": f"select qtype from {S}.v_answer_current",
}

#: What a variable may be.
OWNERS = f"select distinct owner from {S}.v_ownership order by 1"
ZONES = f"select zone from {S}.v_ownership where owner in ({OWNER}) order by 1"
REGIONS = f"select distinct region from {S}.v_probe where region is not null order by 1"
NAMES = f"select distinct name from {S}.v_answer_current where zone in ({ZONE}) order by 1 limit 2000"
QTYPES = f"select distinct qtype from {S}.v_answer_current where zone in ({ZONE}) order by 1"

#: Rows of the zones that are chosen, and of the regions.
OF_ZONE = f"zone in ({ZONE}) and zone in (select zone from {S}.v_ownership where owner in ({OWNER}))"
OF_REGION = f"region in ({REGION})"
#: Zones that are chosen, as one array: it is looked up in an index before anything is read, and no join is planned over
#: rows whose number nobody knows. Where it is all of them, reading all is cheaper: see `WHOLE`.
_FEW = f"zone = any(array(select zone from {S}.v_ownership where zone in ({ZONE}) and owner in ({OWNER})))"
_ALL = f"zone in ({ALL['zone']})"
#: Both.
SCOPE = f"{OF_ZONE} and {OF_REGION}"

AVAILABILITY = "1 - sum(failed)::float8 / nullif(sum(total), 0)"
GRAVEST = "array_position(array['critical', 'warning', 'info'], severity)"


def quantile(share: float) -> str:
    """Seconds below which this share of the answers came; over rows of buckets."""
    return f"{S}.histogram_quantile({S}.histogram(bucket, count), {share})"


#: Whether every zone is chosen; asked once a query, so that the estate's own few rows stand for all zones.
WHOLE = f"not exists (select from {S}.v_ownership where zone not in ({ZONE}) or owner not in ({OWNER}))"

#: The estate's minutes are kept for 31 days, the zones' hours for longer. The last 30 days begin a moment before that.
RECENT = "$__timeFrom()::timestamptz > now() - interval '30 days 12 hours'"


def by_zone(level: str, within: str, columns: str) -> str:
    """Rows of the zones' roll-up that are chosen. What a zone counts for its team follows the team that it has now.

    Args:
        level: ``minute``, ``hour`` or ``day``.
        within: a condition on the time.
        columns: of the view.
    """
    rows = f"select {columns} from {S}.v_zone_{level} where {within} and {OF_REGION}"
    return f"({rows} and {_FEW} and not {WHOLE} union all {rows} and {_ALL} and {WHOLE}) as chosen"


def counted(level: str, estate: str, within: str, columns: str = "total, failed") -> str:
    """Counts of what is chosen: of the estate's roll-up where all zones are, else of the zones'.

    Args:
        level: ``minute``, ``hour`` or ``day``, of the zones' roll-up.
        estate: ``minute`` or ``day``, of the estate's.
        within: a condition on a time, with ``{}`` for its column.
        columns: that both have, with ``{}`` for the time's.
    """
    parted = (level, estate) == ("hour", "minute")
    return _estate_or_zones(
        f"select {columns.format(estate)} from {S}.v_estate_{estate} where {within.format(estate)}",
        f"select {columns.format(level)} from {S}.v_zone_{level} where {within.format(level)}",
        "counted", kept=RECENT if parted else None,
    )  # fmt: skip


def merged(column: str = "") -> str:
    """Latency buckets of what is chosen, summed before they become a histogram: a year of them is a few rows.

    Args:
        column: one more, of the column ``moment``, by which they are kept apart.
    """
    keys, groups = (f"{column}, ", "1, 2") if column else ("", "1")
    rows = _estate_or_zones(
        f"select minute as moment, bucket, count from {S}.v_latency_bucket_estate_minute where $__timeFilter(minute)",
        f"select hour, bucket, count from {S}.v_latency_bucket_hour where $__timeFilter(hour)",
        "chosen", kept=RECENT,
    )  # fmt: skip
    return f"(select {keys}bucket, sum(count)::bigint as count from {rows} group by {groups}) as merged"


def _estate_or_zones(estate: str, zones: str, name: str, *, kept: str | None) -> str:
    """The estate's rows where all zones are chosen and the estate's are kept that long, else those of the zones."""
    recent = "" if kept is None else f" and {kept}"
    old = "" if kept is None else f" union all {zones} and {OF_REGION} and {_ALL} and {WHOLE} and not {kept}"
    return (
        f"({estate} and {OF_REGION} and {WHOLE}{recent} "
        f"union all {zones} and {OF_REGION} and {_FEW} and not {WHOLE}{old}) as {name}"
    )
