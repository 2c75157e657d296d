"""``./dev capacity``: what so many zones need in each mode, and what breaks first."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from .coefficients import FILE, CoefficientError, load
from .model.ground import Ground
from .model.load import Load
from .model.mode import MODES
from .model.plan import Plan, plan
from .words import number, size

ROOT = Path(__file__).parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Run; returns the exit code: 0 it holds, 3 a limit is reached."""
    parser = argparse.ArgumentParser(prog="./dev capacity", description=__doc__)
    model = Load(zones=1_000_000)
    parser.add_argument("--zones", type=int, default=model.zones, help="%(default)s")
    parser.add_argument("--questions", type=int, default=model.questions, help="of each zone, %(default)s")
    parser.add_argument("--regions", type=int, default=model.regions, help="%(default)s")
    parser.add_argument("--servers", type=int, default=model.servers, help="addresses of each zone, %(default)s")
    parser.add_argument("--resolvers", type=int, default=model.resolvers, help="of each region, %(default)s")
    parser.add_argument("--interval", type=float, default=model.interval, help="seconds, %(default)s")
    parser.add_argument("--teams", type=int, default=model.teams, help="owners of the zones, %(default)s")
    parser.add_argument("--mode", choices=MODES, help="this one alone")
    parser.add_argument(
        "--coefficients", type=Path, default=FILE, help="as `./dev bench --only coefficients` writes them"
    )
    parser.add_argument("--ground", type=Path, help="JSON of what is assumed of machines and people (model/ground.py)")
    parser.add_argument("--json", action="store_true", help="one object a mode and line")
    parser.add_argument("--page", action="store_true", help="simulate the weeks, and make docs/scale.md anew")
    options = parser.parse_args(arguments)
    try:
        figures = load(options.coefficients)
        if options.page:
            from . import book

            return book.write(figures, ROOT / "docs")
        ground = Ground() if options.ground is None else msgspec.json.decode(options.ground.read_bytes(), type=Ground)
        asked = Load(**{name: getattr(options, name) for name in Load.__struct_fields__})
        plans = [plan(asked, figures, ground, mode) for mode in MODES if options.mode in {None, mode}]
    except (CoefficientError, OSError, msgspec.DecodeError) as error:
        print(f"capacity: {error}", file=sys.stderr)
        return 1
    for found in plans:
        if options.json:
            told = {"cores": found.cores, "machines": found.machines, "holds": found.holds}
            print(msgspec.json.encode(msgspec.to_builtins(found) | told).decode())
        else:
            print(_text(found))
    return 0 if all(found.holds for found in plans) else 3


def _text(found: Plan) -> str:
    lines = [
        f"{found.mode}: {found.load.zones:,} zones, {number(found.rate)} events/s, state {size(found.state)}",
        f"  workers {number(found.workers)}, partitions {found.partitions}, cores {number(found.cores)}",
    ]
    lines += [
        f"  {need.part:<16}{number(need.cores):>13} cores  {size(need.memory):>8} memory  {size(need.disk):>8} disk  "
        f"{'' if need.machines == 0 else number(need.machines) + ' machines'}".rstrip()
        for need in found.needs
    ]
    lines += [
        f"  {'over' if limit.use > limit.most else 'ok':<5}{limit.part:<29}{number(limit.use):>9} of "
        f"{number(limit.most)} {limit.unit}; reached at {number(float(f'{limit.zones:.2g}'))} zones"
        for limit in found.limits
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
