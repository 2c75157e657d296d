"""The quick start, as its README says, on the lab in place of the Internet."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from examples.test_examples import run
from tests.lab import Lab, missing

PLACE = Path(__file__).parent / "quickstart"


def commands() -> list[list[str]]:
    """The README's commands."""
    lines = [line.partition(" # ")[0] for line in (PLACE / "README.md").read_text().splitlines()]
    return [shlex.split(line) for line in lines if line.startswith(("    kafka-bridge ", "    dns-rules "))]


def test_the_inventory_is_fine():
    (check,) = (words for words in commands() if words[:2] == ["dns-rules", "check"])
    done = run("dns_rules", *check[1:], cwd=PLACE)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(bool(missing()), reason="the name servers of the lab are not installed")
def test_the_table_is_the_readmes(tmp_path):
    (once,) = (words for words in commands() if "--once" in words)
    here = tmp_path / "quickstart"
    shutil.copytree(PLACE, here)
    file = here / "inventory.yaml"
    file.write_text(file.read_text().replace("example.com", "healthy.lab"))
    with Lab.start(tmp_path / "lab") as lab:
        instead = ["--root-hints", lab.root_hints, "--trust-anchor", lab.trust_anchor, "--board", "127.0.0.1:0"]
        instead += [word for region, address in lab.resolvers.items() for word in ("--resolver", f"{region}={address}")]
        done = run("kafka_bridge", *once[1:], *map(str, instead), "--interval", "5s", "--timeout", "1s", cwd=here)
        assert done.returncode == 0, done.stderr
    printed = done.stdout.splitlines()
    said = [line.strip() for line in (PLACE / "README.md").read_text().splitlines()]
    assert " ".join(printed[0].split()) in [" ".join(line.split()) for line in said]
    zone, status, _, regions, *_, owner = printed[1].split()
    assert (zone, status, regions, owner) == ("healthy.lab", "healthy", "3/3", "me")
    assert printed[2].startswith("1 zones, 3 regions, ")
