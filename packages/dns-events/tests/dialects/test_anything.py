"""Whatever comes in, a reader gives events or reasons, and ends."""

from __future__ import annotations

import json

import pytest
from dns_events import DecodeError, Observation, dialects, ndjson
from dns_events.events import MAX_EXTRA_BYTES
from hypothesis import given, settings
from hypothesis import strategies as st
from test_samples import FILES, SAMPLES

odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["-", "", ".", "192.0.2.1", "2001:db8::1", "NOERROR", "A", "2026-11-23T10:00:00Z", "\\", "\ud800"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def check(dialect, data):
    for found in dialects.read(dialect, data, server="192.0.2.1"):
        if isinstance(found, DecodeError):
            assert str(found)
            continue
        line = ndjson.encode(found)
        assert ndjson.decode(line) == found
        assert len(line) <= ndjson.MAX_LINE_BYTES
        assert not isinstance(found, Observation) or len(json.dumps(found.extra)) < 7 * MAX_EXTRA_BYTES


@pytest.mark.parametrize("dialect", dialects.DIALECTS)
@given(data=st.binary(max_size=200))
def test_bytes(dialect, data):
    check(dialect, data)


@pytest.mark.parametrize("dialect", dialects.DIALECTS)
@given(tree=odd)
def test_json(dialect, tree):
    check(dialect, json.dumps(tree).encode())


def places(tree, path=()):
    yield path
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from places(value, (*path, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from places(value, (*path, index))


WHOLE = {
    dialect: [json.loads(line) for line in (SAMPLES / path.name).read_bytes().splitlines()]
    for dialect, path in FILES.items()
}


@pytest.mark.parametrize("dialect", dialects.DIALECTS)
@settings(max_examples=300)
@given(data=st.data())
def test_samples_with_one_place_turned_odd(dialect, data):
    tree = json.loads(json.dumps(data.draw(st.sampled_from(WHOLE[dialect]))))
    path = data.draw(st.sampled_from(list(places(tree))))
    value = data.draw(odd)
    if not path:
        tree = value
    else:
        inner = tree
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
    check(dialect, json.dumps(tree).encode())


@pytest.mark.parametrize("dialect", dialects.DIALECTS)
@given(cut=st.integers(0, 3000))
def test_samples_cut_off(dialect, cut):
    check(dialect, FILES[dialect].read_bytes()[:cut])
