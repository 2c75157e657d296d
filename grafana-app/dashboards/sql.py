"""What queries share. Names of views stand in kafka-bridge's ``views.sql``; only they are read.

Grafana's own macros take no parentheses in their arguments. A variable's `All` is a subquery, put in as it is, so that
a query stays short however many zones there are; chosen values are quoted by ``:sqlstring``.
"""

from __future__ import annotations

#: Qualified, because a member of the reader's role does not inherit its search path.
S = "dnstower"

OWNER = "${owner:sqlstring}"
ZONE = "${zone:sqlstring}"
REGION = "${region:sqlstring}"

ALL_OWNERS = f"select owner from {S}.v_ownership"
ALL_ZONES = f"select zone from {S}.v_ownership"
ALL_REGIONS = f"select region from {S}.v_probe"

#: Rows of the zones that are chosen, and of the regions.
OF_ZONE = f"zone in ({ZONE}) and zone in (select zone from {S}.v_ownership where owner in ({OWNER}))"
OF_REGION = f"region in ({REGION})"
#: Both.
SCOPE = f"{OF_ZONE} and {OF_REGION}"

AVAILABILITY = "1 - sum(failed)::float8 / nullif(sum(total), 0)"
GRAVEST = "array_position(array['critical', 'warning', 'info'], severity)"


def quantile(share: float) -> str:
    """Seconds below which this share of the answers came; over rows of buckets."""
    return f"{S}.histogram_quantile({S}.histogram(bucket, count), {share})"
