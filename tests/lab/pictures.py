"""``./dev screenshots``: the board's pages, a page's messages and Grafana's dashboards, in docs/.

The board and the messages are from the lab, healthy and in trouble; the dashboards from a store with a week in it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.e2e.tower import ROOT, Tower
from tests.lab import messages

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
#: Name, width, and whether the reader prefers dark.
SHOTS = (("light", 1440, False), ("dark", 1440, True), ("phone", 390, False))
#: By state of the lab: the picture's name, the page, and its heights at a desk and on a phone; 0 is no picture.
HEALTHY = (("healthy", "", 1930, 4430),)
INCIDENT = (
    ("incident", "", 2420, 5620),
    ("operator", "operator", 3240, 0),
    ("forensic", "forensic?zone={zone}", 3330, 0),
    ("incident-page", "incidents/{id}", 1990, 4560),
)
#: DNSSEC, because its sentence shows most of what a page says.
SCENARIO, ZONE = "ds-mismatch", "bank.lab"


def shoot(url: str, file: Path, width: int, height: int, *, dark: bool) -> None:
    """One picture of a page, by a browser with nothing in it."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("chromium is not installed (Debian: apt-get install chromium)")
    if shutil.which("pngquant") is None:
        raise SystemExit("pngquant is not installed (Debian: apt-get install pngquant)")
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                browser, *_FLAGS, scheme, f"--user-data-dir={profile}", f"--window-size={width},{height}",
                f"--screenshot={file}", url,
            ],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
    # A board has few colours: with 256 of them it looks the same in a third of the bytes.
    subprocess.run(["pngquant", "--force", "--strip", "--ext", ".png", "256", file], check=True, capture_output=True)
    print(file)


def main() -> int:
    """Bring up the lab, wait until the charts have something to show, and draw."""
    parser = argparse.ArgumentParser(prog="./dev screenshots")
    parser.add_argument("--minutes", type=float, default=4, help="how long to watch before the first picture (4)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    parser.add_argument("--only", choices=["board", "dashboards"], help="what is drawn (all of it)")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.only != "board":
        dashboards = [sys.executable, str(ROOT / "grafana-app" / "tests" / "pictures.py"), "--out", str(options.out)]
        if code := subprocess.run(dashboards, check=False).returncode:
            return code
    if options.only == "dashboards":
        return 0
    with tempfile.TemporaryDirectory() as place:
        tower = Tower(Path(place))
        try:
            tower.wait("all zones healthy", tower.all_healthy, 120)
            print(f"watching for {options.minutes:g} minutes", file=sys.stderr)
            time.sleep(options.minutes * 60)
            _draw(tower.board, options.out, HEALTHY)
            tower.lab("break", SCENARIO)
            tower.wait("the page", lambda: [i for i in tower.incidents("firing") if i["zone"] == ZONE], 240)
            time.sleep(30)
            (incident, *_) = [i for i in tower.incidents("firing") if i["zone"] == ZONE]
            _draw(tower.board, options.out, INCIDENT, zone=ZONE, id=incident["id"])
            draw_messages(incident, options.out)
            tower.lab("mend", SCENARIO)
        finally:
            tower.stop()
    return 0


def _draw(board: str, folder: Path, pages: tuple[tuple[str, str, int, int], ...], **values: str) -> None:
    for state, path, desk, phone in pages:
        for name, width, dark in SHOTS:
            if height := phone if name == "phone" else desk:
                file = folder / f"board-{state}-{name}.png"
                shoot(board + path.format_map(values), file, width, height, dark=dark)


def draw_messages(incident: dict[str, Any], folder: Path) -> None:
    """What people get of an incident, light and dark."""
    for name, text, height in messages.pages(incident):
        with tempfile.NamedTemporaryFile("w", suffix=".html") as page:
            page.write(text)
            page.flush()
            for scheme in ("light", "dark"):
                url = Path(page.name).as_uri()
                shoot(url, folder / f"{name}-{scheme}.png", 860, height, dark=scheme == "dark")


if __name__ == "__main__":
    sys.exit(main())
