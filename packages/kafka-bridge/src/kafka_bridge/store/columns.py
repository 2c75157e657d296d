"""Words that more than one statement has to spell alike."""

from __future__ import annotations

#: Columns that count outcomes, in their order.
OUTCOMES = (
    "answer", "nodata", "nxdomain", "referral", "refused", "servfail", "error", "timeout", "unreachable", "malformed",
)  # fmt: skip
#: Everything that is counted of observations, in the order of the columns.
COUNTS = (*OUTCOMES, "secure", "bogus")
#: Whose place in a partition `bus_offset` keeps; with a colon and the topic where there are several buses.
CONSUMER = "judge"
