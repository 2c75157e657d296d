"""The Grafana app: types, lint, unit tests, build, and its pages in a real browser over a real store."""

from __future__ import annotations

import json
import os
import re
import zipfile
from pathlib import Path

import pytest
from drawing import APP, CHROMIUM, run
from standin import Grafana


@pytest.fixture(scope="module")
def built(app):
    run("npm", "run", "--silent", "package", SOURCE_DATE_EPOCH="1764201600")
    return APP / "dist"


def test_the_lock_names_no_host_but_the_registry():
    packages = json.loads((APP / "package-lock.json").read_text())["packages"]
    resolved = [entry["resolved"] for entry in packages.values() if "resolved" in entry]
    assert [url for url in resolved if not url.startswith("https://registry.npmjs.org/")] == []
    assert all("integrity" in entry for name, entry in packages.items() if name)


def test_versions_are_pinned():
    package = json.loads((APP / "package.json").read_text())
    versions = package["dependencies"] | package["devDependencies"]
    assert [name for name, version in versions.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []


@pytest.mark.parametrize("script", ["types", "lint", "test"])
def test_its_own_checks(app, script):
    run("npm", "run", "--silent", script)


def test_it_is_packed_as_grafana_wants_it(built):
    manifest = json.loads((built / "plugin.json").read_text())
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["info"]["version"])
    assert manifest["info"]["updated"] == "2025-11-27"
    roles = {page["name"]: page["role"] for page in manifest["includes"] if page["type"] == "page"}
    assert roles == {"Overview": "Viewer", "Zones": "Editor", "Incidents": "Editor", "Configuration": "Admin"}
    assert (built / "module.js").read_text().startswith("define([")
    with zipfile.ZipFile(APP / f"{manifest['id']}-{manifest['info']['version']}.zip") as archive:
        names = archive.namelist()
    shipped = {"plugin.json", "module.js", "README.md", "LICENSE", "img/logo.svg"}
    shipped |= {entry["path"] for entry in manifest["includes"] if entry["type"] == "dashboard"}
    assert shipped <= {name.removeprefix("dnstower-dns-app/") for name in names}


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: the app's pages are not looked at")
def test_its_pages_in_a_browser(built, troubled, tmp_path):
    """What each page says to whom is in tests/browser/run.mjs; errors in the browser's console fail it."""
    run("node", "tests/browser/host.mjs", str(tmp_path / "host"))
    pictures = Path(os.environ.get("DNSTOWER_APP_PICTURES") or tmp_path)
    grafana = Grafana(troubled, built, tmp_path / "host")
    try:
        run("node", "tests/browser/run.mjs", grafana.url, str(pictures), CHROMIUM=CHROMIUM)
    finally:
        grafana.stop()
    assert grafana.settings == {"datasource": "store", "board": "https://board.example"}
    assert all(path.stat().st_size < 300_000 for path in pictures.glob("*.png"))
    # Only the views are read; a login that may read nothing else has answered every question.
    assert {view for text in grafana.asked for view in re.findall(r"\b(?:from|join) (dnstower\.\w+)", text)} <= {
        f"dnstower.{view}" for view in re.findall(r"v_\w+", (APP / "src" / "data" / "queries.ts").read_text())
    }
