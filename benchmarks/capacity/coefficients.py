"""What was measured, one number each, with its unit and the conditions under which it holds.

They lie in ``coefficients.json``, which ``./dev bench --only coefficients`` writes anew.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

FILE = Path(__file__).parent / "coefficients.json"


class CoefficientError(Exception):
    """A figure that the model needs is not there; names it, and says how to get it."""


class Coefficient(Struct, frozen=True, forbid_unknown_fields=True):
    """One figure."""

    value: float | None
    """``None`` where nobody has measured it yet."""
    unit: str
    how: str
    """Under which conditions."""


class Coefficients(Struct, frozen=True, forbid_unknown_fields=True):
    """All of one machine."""

    machine: str
    measured: str
    """The day."""
    figures: dict[str, Coefficient]

    def __getitem__(self, name: str) -> float:
        """Its value.

        Raises:
            CoefficientError: unknown, or not measured.
        """
        known = self.figures.get(name)
        if known is None:
            raise CoefficientError(f"no coefficient {name}: run `./dev bench --only coefficients`")
        if known.value is None:
            raise CoefficientError(f"{name} is not measured yet: {known.how}")
        return known.value

    def has(self, name: str) -> bool:
        """Whether it was measured."""
        return name in self.figures and self.figures[name].value is not None


def load(file: Path = FILE) -> Coefficients:
    """Read them.

    Raises:
        CoefficientError: names the file, the place in it and what is wrong.
    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=Coefficients)
    except (OSError, msgspec.DecodeError) as error:
        raise CoefficientError(f"{file}: {error}; `./dev bench --only coefficients` writes it anew") from error


def save(coefficients: Coefficients, file: Path = FILE) -> None:
    """Write them, one a few lines, in the order of their names."""
    ordered = msgspec.structs.replace(coefficients, figures=dict(sorted(coefficients.figures.items())))
    file.write_bytes(msgspec.json.format(msgspec.json.encode(ordered), indent=2) + b"\n")
