"""The bridge's board in a real browser: through axe in light and dark, phone to wall, by keyboard, and live.

It stands here because the browser's driver does. What each page says is tested in kafka-bridge.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from drawing import CHROMIUM, run

PAGES = {
    "executive": "/",
    "week": "/?back=7d&owner=web",
    "operator": "/operator",
    "forensic": "/forensic?zone=bank.example",
    "choose": "/forensic",
    "refused": "/?back=9h",
    "nothing": "/?owner=nobody",
    "runbook": "/runbooks/ds-changed",
}


@pytest.fixture
def board(watched, monkeypatch):
    from kafka_bridge.board.app import create_app
    from kafka_bridge.intake.web import WebServer
    from kafka_bridge.notify.links import Links
    from kafka_bridge.notify.settings import LinkSettings

    monkeypatch.setenv("BOARD_TOKEN", "a token that is long enough")
    server = WebServer(create_app(watched, links=Links(LinkSettings(token="${BOARD_TOKEN}"))), "127.0.0.1", 0, "board")
    yield f"http://127.0.0.1:{server.port}"
    server.stop()


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: the board's pages are not looked at")
def test_its_pages_in_a_browser(app, board, watched, tmp_path):
    """What is looked at is in tests/browser/board.mjs; a violation of axe or an error in the console fails it."""
    with watched.connection() as connection:
        (bank,) = connection.execute("select id from incident where zone = 'bank.example'").fetchone()
        # A drill looks different, and is looked at, too.
        (drill,) = connection.execute(
            "insert into incident select 'drill', zone, rule, class, severity, state, since, updated, owner, title, "
            """true, body || '{"id": "drill", "drill": true}' from incident where zone = 'shop.example' returning id"""
        ).fetchone()
    pages = PAGES | {"incident": f"/incidents/{bank}", "drill": f"/incidents/{drill}"}
    pictures = Path(os.environ.get("DNSTOWER_BOARD_PICTURES") or tmp_path)
    try:
        given = [f"{name}={path}" for name, path in pages.items()]
        run("node", "tests/browser/board.mjs", board, str(pictures), *given, timeout=240, CHROMIUM=CHROMIUM)
    finally:
        with watched.connection() as connection:
            connection.execute("delete from incident where id = 'drill'")
    assert len(list(pictures.glob("*.png"))) >= 5 * len(pages)


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: the board's pages are not looked at")
def test_the_browser_does_find_what_is_wrong(app, tmp_path):
    """A page without a language, with an image without words and grey on grey: the same driver has to complain."""
    from kafka_bridge.intake.web import WebServer
    from starlette.applications import Starlette
    from starlette.responses import HTMLResponse
    from starlette.routing import Route

    async def bad(_request):
        return HTMLResponse('<html><body><img src="x.png"><div class="wide"></div></body></html>')

    server = WebServer(Starlette(routes=[Route("/{rest:path}", bad)]), "127.0.0.1", 0, "bad")
    try:
        with pytest.raises(AssertionError, match=r"axe html-has-lang[\s\S]*axe image-alt"):
            run("node", "tests/browser/board.mjs", f"http://127.0.0.1:{server.port}", str(tmp_path), "bad=/",
                "--only-look", CHROMIUM=CHROMIUM)  # fmt: skip
    finally:
        server.stop()
