"""The tables of docs/scale.md are what the model and the simulation make of the measured coefficients."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.capacity.book import draw, settings
from benchmarks.capacity.coefficients import load
from benchmarks.capacity.page import PageError, filled, tables, weeks
from benchmarks.capacity.week.simulation import run

HERE = Path(__file__).parent
PAGE = (HERE / "scale.md").read_text()
FIGURES = load()


@pytest.fixture(scope="module")
def simulated():
    return {name: run(setting, FIGURES) for name, setting in settings(FIGURES).items()}


def test_the_page_is_as_it_would_be_made(simulated):
    made = tables(FIGURES) | {"weeks": weeks(simulated.items())}
    assert {*re.findall(r"<!-- (\w+) -->", PAGE)} == {*made}
    assert filled(PAGE, made) == PAGE, "run `./dev capacity --page`"


def test_the_pictures_are_as_they_would_be_made(simulated, tmp_path):
    draw(simulated, tmp_path)
    made = sorted(file.name for file in tmp_path.iterdir())
    assert made == ["scale-delay.svg", "scale-lag.svg", "scale-pages.svg"]
    for name in made:
        # Numbers of fonts differ by machine; titles and labels are what is said.
        said, shown = (re.findall(r">([^<>\n]+)</text>", (place / name).read_text()) for place in
                       (tmp_path, HERE / "pictures"))  # fmt: skip
        assert said
        assert said == shown, f"{name}: run `./dev capacity --page`"


def test_what_is_not_measured_says_so():
    missing = [name for name, known in FIGURES.figures.items() if known.value is None]
    assert all(f"| {name} | **not measured** |" in PAGE for name in missing)


def test_a_mark_that_nothing_is_known_for_is_told():
    with pytest.raises(PageError, match="no table gone; there are first"):
        filled("<!-- gone -->\n<!-- /gone -->", {"first": ""})
