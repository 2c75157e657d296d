"""Pictures of the dashboards in docs/: a week of an estate in trouble, drawn by Grafana's own components."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "packages" / "kafka-bridge" / "tests")]
#: What is chosen in each dashboard.
CHOSEN = {
    "executive": "", "operator": "",
    "forensic": "from=now-1h&var-zone=bank.example&var-zone=shop.example&var-name=www.bank.example&"
                "var-name=www.shop.example",
}  # fmt: skip


def main() -> int:
    """Fill a store, draw, and make the pictures small."""
    import drawing
    import week
    from kafka_bridge.postgres.server import Server
    from kafka_bridge.store.ground import grant
    from kafka_bridge.store.pool import connect, open_pool

    parser = argparse.ArgumentParser(prog="pictures")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    out = parser.parse_args().out
    drawing.bring()
    boards = {
        f"grafana-{name}": json.loads((drawing.APP / "src" / "dashboards" / f"{name}.json").read_text())
        for name in CHOSEN
    }
    chosen = {f"grafana-{name}": asked for name, asked in CHOSEN.items()}
    with (
        tempfile.TemporaryDirectory() as place,
        Server(Path(place) / "pg") as server,
        open_pool(server.conninfo) as pool,
    ):
        drawing.run("node", "tests/browser/host.mjs", str(Path(place) / "host"))
        week.fill(pool, dt.datetime.now(dt.UTC))
        with connect(pool.conninfo) as owner:
            owner.execute("create role dashboards login password 'reads views'")
            grant(owner, "dashboards")
        reader = psycopg.conninfo.make_conninfo(pool.conninfo, user="dashboards", password="reads views")
        told = drawing.draw(reader, Path(place) / "host", boards, chosen, str(out))
    for name, said in told.items():
        file = out / f"{name}.png"
        subprocess.run(
            ["pngquant", "--force", "--strip", "--ext", ".png", "256", file], check=True, capture_output=True
        )
        print(file)
        for fault in said["faults"]:
            print(f"{name}: {fault}", file=sys.stderr)
    return 1 if any(said["faults"] for said in told.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
