"""The rules' runbooks as HTML."""

from __future__ import annotations

import re

from dns_rules.rules import PACKAGED
from markdown_it import MarkdownIt

_RUNBOOKS = PACKAGED.parent / "runbooks"
_OTHER = re.compile(r"([a-z0-9-]+)\.md").fullmatch
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


def rendered(name: str, *, below: int = 0) -> str | None:
    """A runbook; ``None`` where there is none of this name.

    Args:
        name: without ``.md``.
        below: its headings stand so many levels lower, in a page that has headings of its own.
    """
    known = {path.stem: path for path in _RUNBOOKS.glob("*.md")}
    if name not in known:
        return None
    tokens = _markdown.parse(known[name].read_text())
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + below)}"
        for child in token.children or ():
            # They link to each other as files do.
            if child.type == "link_open" and (other := _OTHER(str(child.attrGet("href")))):
                child.attrSet("href", f"/runbooks/{other[1]}")
    return str(_markdown.renderer.render(tokens, _markdown.options, {}))
