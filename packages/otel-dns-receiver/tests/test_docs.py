"""The pages: what they show as configuration is accepted, and what they link to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from otel_dns_receiver.config import load

PACKAGE = Path(__file__).parent.parent
PAGES = [PACKAGE / "README.md", *sorted((PACKAGE / "docs").glob("*.md"))]
BLOCKS = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL))
]
#: Of the keys that pages leave out, those that a whole file needs.
NEEDED = {
    "version": "1",
    "probe": "{id: eu-west-1, region: eu-west}",
    "zones": "[{zone: example.com}]",
}


@pytest.mark.parametrize("block", BLOCKS)
def test_a_shown_configuration_is_accepted(block: str, tmp_path: Path):
    block = block.replace("/etc/otel-dns-receiver/", f"{tmp_path}/")
    for named in ("root.key", "tsig.keys", "corp-ca.pem", "headers"):
        (tmp_path / named).touch()
    missing = [f"{key}: {value}\n" for key, value in NEEDED.items() if not re.search(rf"^{key}:", block, re.MULTILINE)]
    config = tmp_path / "receiver.yaml"
    config.write_text("".join(missing) + block)
    load(config)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target
