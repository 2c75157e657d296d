"""YAML of an untrusted hand: what it may cost, and what it is told."""

from __future__ import annotations

import pytest
from dns_events import DnsEventsError
from dns_events.yamlfile import MAX_DEPTH, MAX_VALUES, Document


def document(tmp_path, text):
    """A file with a text, read."""
    file = tmp_path / "some.yaml"
    file.write_text(text)
    return Document(file)


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}")])
def test_deep_nesting_is_refused_with_its_place(tmp_path, depth, opening, closing):
    with pytest.raises(DnsEventsError, match=rf"some\.yaml:2:\d+: not YAML: nested more than {MAX_DEPTH} times"):
        document(tmp_path, "# a comment\n" + opening * depth + closing * depth)


def test_what_is_not_too_deep_is_read(tmp_path):
    value = document(tmp_path, "[" * MAX_DEPTH + "]" * MAX_DEPTH).value
    for _ in range(MAX_DEPTH - 1):
        (value,) = value
    assert value == []


def test_words_that_begin_as_booleans_do_are_words(tmp_path):
    value = document(tmp_path, "[true, false, trueblue, falsehood, on, 'true']").value
    assert value == [True, False, "trueblue", "falsehood", "on", "true"]


def bomb(item):
    """A few lines in which each line holds the one before many times."""
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} " + item.format(f"*a{n - 1}") for n in range(1, 25)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [bomb("[{0}, {0}]"), bomb("{{<<: [{0}, {0}]}}"), "a: &a [*a]", "a: &a {b: *a}"],
    ids=["aliases", "merge-keys", "list-in-itself", "mapping-in-itself"],
)
def test_a_bomb_of_aliases_is_refused(tmp_path, text):
    with pytest.raises(DnsEventsError, match=f"more than {MAX_VALUES:,} values with its aliases written out"):
        document(tmp_path, text)


def test_aliases_and_merge_keys_are_read(tmp_path):
    value = document(
        tmp_path, "base: &base {every: 10s, types: &types [A, AAAA]}\nzone: {<<: *base, also: *types}"
    ).value
    assert value["zone"] == {"every": "10s", "types": ["A", "AAAA"], "also": ["A", "AAAA"]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\na: 2", "2:1: 'a' stands twice; keep one"),
        ("a: 1\n? [b, c]\n: 2", "2:3: not YAML: found unhashable key"),
        ("a: [1", "2:1: not YAML: did not find expected ',' or ']'"),
        ("a: !!python/object:os.system {}", "1:4: not YAML: could not determine a constructor"),
    ],
)
def test_an_error_has_its_place(tmp_path, text, told):
    with pytest.raises(DnsEventsError) as error:
        document(tmp_path, text)
    assert f"some.yaml:{told}" in str(error.value)


@pytest.mark.parametrize(
    ("path", "key", "place"),
    [
        ("$.a", False, (1, 4)),
        ("$.a", True, (1, 1)),
        ("$.block", False, (2, 1)),
        ("$.block[0]", False, (3, 5)),
        ("$.block[0].x", False, (3, 9)),
        ("$.block[0].none", False, (3, 5)),
        ("$.flow", False, (4, 7)),
        ("$.flow[1]", False, (4, 11)),
        ("$.alias", False, (5, 1)),
        ("$.below", False, (7, 3)),
        ("$", False, (1, 1)),
    ],
)
def test_a_value_and_a_key_have_their_place(tmp_path, path, key, place):
    text = "a: &a 1\nblock:\n  - {x: 1}\nflow: [1, 2]\nalias: *a\nbelow:\n  text\n"
    assert document(tmp_path, text).place(path, key=key) == place
