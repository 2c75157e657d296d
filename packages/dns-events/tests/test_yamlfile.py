"""YAML of an untrusted hand: what it may cost, and what it is told."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
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


class Part(msgspec.Struct, forbid_unknown_fields=True):
    """Something with a choice."""

    kind: Literal["first", "second"] = "first"
    number: int = 0


class Round(msgspec.Struct, tag="round", tag_field="shape", forbid_unknown_fields=True):
    """One of two forms."""

    radius: int = 0


class Square(msgspec.Struct, tag="square", tag_field="shape", forbid_unknown_fields=True):
    """The other one."""

    side: int = 0


class Both(msgspec.Struct):
    """Two that must be there."""

    low: int
    high: int


class Whole(msgspec.Struct, forbid_unknown_fields=True):
    """A document."""

    parts: dict[str, Part] = {}
    nested: dict[str, dict[str, Part]] = {}
    days: set[Literal["mon", "tue"]] = set()
    pair: tuple[int, Literal["x"]] = (0, "x")
    form: Round | Square | None = None
    level: Annotated[Literal[1, 2] | None, msgspec.Meta(description="How far.")] = None
    both: Both | None = None
    pairs: list[tuple[str, Part]] = []
    numbers: dict[int, int] = {}
    limits: dict[Literal["low", "high"], int] = {}


FAULTS = {
    "word": ("parts: {}\nlevel: 3", "2:8: Invalid enum value 3; write 1 or 2 (at $.level)"),
    "in-a-list": ("days: [mon, thu]", "1:13: Invalid enum value 'thu'; write mon or tue (at $.days[1])"),
    "in-a-tuple": ("pair: [1, y]", "1:11: Invalid enum value 'y'; write x (at $.pair[1])"),
    "form": ("form: {shape: oval}", "1:15: Invalid value 'oval'; write round or square (at $.form.shape)"),
    "in-a-mapping": (
        "parts:\n  a: {}\n  b: {kind: third}\n  c: {kind: fourth}",
        "3:13: Invalid enum value 'third'; write first or second (at $.parts.b.kind)",
    ),
    "dots-in-keys": (
        "parts:\n  a: {}\n  a.b: {number: x}\n  a.c: {}",
        "3:17: Expected `int`, got `str` (at $.parts.a.b.number)",
    ),
    "two-mappings": (
        "nested:\n  a: {x: {}}\n  b:\n    y: {}\n    z: 1\n  c: 1",
        "5:8: Expected `object`, got `int` (at $.nested.b.z)",
    ),
    "by-an-alias": ("parts: {a: &a {number: x}, b: *a}", "1:24: Expected `int`, got `str` (at $.parts.a.number)"),
    "by-an-alias-of-what-is-fine-elsewhere": (
        "both: &m {low: 1, high: 2}\nparts: *m",
        "2:1: Expected `object`, got `int` (at $.parts)",
    ),
    "in-pairs": ("pairs: !!pairs [a: {number: x}]", "1:17: Expected `int`, got `str` (at $.pairs[0][1].number)"),
    "number-as-key": ("numbers: {1: 1, 2: x}", "1:20: Expected `int`, got `str` (at $.numbers.2)"),
    "key-of-a-wrong-type": ("parts: {1: {}}", "1:8: Expected `str`, got `int` (at $.parts)"),
    "set": ("days: !!set {thu}", "1:7: Invalid enum value 'thu'; write mon or tue (at $.days[0])"),
    "key-nearly": (
        "parts: {a: {numbr: 1}}",
        "1:13: unknown key 'numbr'; did you mean 'number'? (at $.parts.a.numbr)",
    ),
    "key": ("parts: {a: {x: 1}}", "1:13: unknown key 'x'; write kind or number (at $.parts.a.x)"),
    "key-of-a-word": (
        "limits: {low: 1, hgh: 2}",
        "1:18: unknown key 'hgh'; did you mean 'high'? (at $.limits.hgh)",
    ),
    "key-of-another-form": ("form: {shape: round, side: 1}", "1:22: unknown key 'side'; write radius or shape"),
}


@pytest.mark.parametrize(("text", "told"), FAULTS.values(), ids=FAULTS)
def test_an_error_has_its_place_and_what_to_write(tmp_path, text, told):
    with pytest.raises(DnsEventsError) as error:
        document(tmp_path, text).convert(Whole)
    assert str(error.value).startswith(f"{tmp_path / 'some.yaml'}:{told}")


def test_what_is_wrong_in_a_large_mapping_is_found(tmp_path):
    lines = [f"  k{n}: {{number: {'x' if n == 7_000 else n}}}" for n in range(10_000)]
    with pytest.raises(DnsEventsError, match=r":7002:19: .*\$\.parts\.k7000\.number"):
        document(tmp_path, "\n".join(["parts:", *lines])).convert(Whole)
