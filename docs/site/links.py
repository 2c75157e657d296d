"""Links of the built pages: to files that are there, and to anchors that are in them. Other hosts are not asked."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from pathlib import Path


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {key: value for key, value in attrs if value}
        self.anchors |= {found[key] for key in ("id", "name") if key in found and (key == "id" or tag == "a")}
        self.links |= {found[key] for key in ("href", "src") if key in found}


def dead_links(site: Path) -> list[str]:
    """What leads nowhere, as ``page: link``, of all pages under the folder `site`."""
    pages = {path: _read(path) for path in sorted(site.rglob("*.html"))}
    dead = []
    for path, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            # A path from the root is the server's: 404.html is served in place of pages at any depth.
            base = site if parts.path.startswith("/") else path.parent
            target = (base / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            there = target.is_file()
            if there and parts.fragment and target in pages and not parts.fragment.startswith("__"):
                there = unquote(parts.fragment) in pages[target].anchors
            if not there:
                dead.append(f"{path.relative_to(site)}: {link}")
    return dead


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text())
    return page
