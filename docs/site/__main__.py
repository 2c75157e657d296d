"""``python -m docs.site``: build the site; a dead link is exit code 1."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from .gather import DeadLinkError, gather
from .links import dead_links

ROOT = Path(__file__).parents[2]


def build(into: Path) -> list[str]:
    """The site in `into`/site, from a copy of all pages in `into`/pages; what is wrong with it."""
    try:
        gather(ROOT, into)
    except DeadLinkError as error:
        return [str(error)]
    # Strict: a link to a page or an anchor that is not there, said with file and line of the Markdown.
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "--config-file", into / "zensical.toml"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    return ([done.stdout] if done.returncode else []) + dead_links(into / "site")


def main() -> int:
    """Run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="./dev docs", description="Build the docs site in build/docs/site.")
    parser.add_argument("--into", type=Path, default=ROOT / "build" / "docs", help="the folder that it is built in")
    parser.add_argument("--serve", metavar="PORT", nargs="?", const=8000, type=int, help="serve it on 127.0.0.1")
    options = parser.parse_args()
    wrong = build(options.into)
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong:
        return 1
    print(options.into / "site" / "index.html")
    if options.serve is not None:
        handler = partial(SimpleHTTPRequestHandler, directory=options.into / "site")
        with ThreadingHTTPServer(("127.0.0.1", options.serve), handler) as server:
            print(f"http://127.0.0.1:{server.server_port}/ (Ctrl-C ends it)", file=sys.stderr, flush=True)
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
