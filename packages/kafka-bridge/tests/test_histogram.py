"""Latency histograms merge, here and in SQL alike."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kafka_bridge.store import histogram

latencies = st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=60)


def counted(values):
    counts = [0] * histogram.SIZE
    for value in values:
        counts[histogram.bucket(value)] += 1
    return counts


def exact(values, share):
    import math

    return sorted(values)[max(1, math.ceil(share * len(values))) - 1]


@given(latencies, st.sampled_from([0.5, 0.95, 0.99]))
def test_a_quantile_is_exact_to_its_bucket(values, share):
    found = histogram.quantile(counted(values), share)
    assert histogram.bucket(found) == histogram.bucket(exact(values, share))


@given(latencies, latencies)
def test_merging_is_adding(left, right):
    merged = [a + b for a, b in zip(counted(left), counted(right), strict=True)]
    assert merged == counted(left + right)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(latencies, latencies, st.sampled_from([0.5, 0.95]))
def test_sql_says_the_same(pool, left, right, share):
    with pool.connection() as connection:
        (found,) = connection.execute(
            "select histogram_quantile(histogram(bucket, 1), %s) from unnest(%s::smallint[]) as v (bucket)",
            (share, [histogram.bucket(value) for value in left + right]),
        ).fetchone()
    assert found == pytest.approx(histogram.quantile(counted(left + right), share))


def test_nothing_has_no_quantile(pool):
    assert histogram.quantile([0] * histogram.SIZE, 0.5) is None
    with pool.connection() as connection:
        assert connection.execute("select histogram_quantile(array[0, 0]::bigint[], 0.5)").fetchone() == (None,)
