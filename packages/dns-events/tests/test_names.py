"""Names in one form."""

from __future__ import annotations

import pytest
from dns_events import InvalidNameError, normalize, parent, within
from hypothesis import given
from strategies import domain_names


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        (".", "."),
        ("com", "com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("_dmarc.example.com", "_dmarc.example.com"),
        ("_443._tcp.www.example.com", "_443._tcp.www.example.com"),
        ("*.example.com", "*.example.com"),
        (r"a\.b.example", r"a\.b.example"),
        (r"\000\255.example", r"\000\255.example"),
        (r"\065.example", "a.example"),
        ("faß.example", "xn--fa-hia.example"),
    ],
)
def test_canonical_form(written, canonical):
    assert normalize(written) == canonical
    assert normalize(canonical) == canonical


@pytest.mark.parametrize(
    "text", ["", "..", "a..b", "a" * 64 + ".example", ".".join(["a" * 63] * 4), "\\", r"\999.example"]
)
def test_what_is_no_name(text):
    with pytest.raises(InvalidNameError):
        normalize(text)


def test_a_name_of_255_octets_is_a_name():
    longest = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
    assert normalize(longest) == longest
    with pytest.raises(InvalidNameError):
        normalize(longest + "d")


@given(domain_names())
def test_canonical_names_stay_as_they_are(name):
    assert normalize(name) == name


@given(domain_names())
def test_a_name_is_within_its_parents(name):
    above = parent(name)
    assert within(name, name)
    assert within(name, above)
    assert within(name, ".")
    assert name == "." or not within(above, name)


@pytest.mark.parametrize(
    ("name", "zone", "inside"),
    [
        ("www.example.com", "example.com", True),
        ("badexample.com", "example.com", False),
        (r"www\.example.com", "example.com", False),
        ("example.com", "www.example.com", False),
    ],
)
def test_within_looks_at_labels(name, zone, inside):
    assert within(name, zone) is inside
