"""The docs site is built of all pages, and no link in it is dead."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from cyclopts import CycloptsError
from dns_rules import load_rules
from dns_rules.cli import app as dns_rules
from kafka_bridge.cli import app as kafka_bridge
from otel_dns_receiver.cli import app as otel_dns_receiver

from docs.site.__main__ import build
from docs.site.links import dead_links

HERE = Path(__file__).parent
PHASES = ("critical-domains", "anomalies-and-governance", "abuse-and-resilience")

PROGRAMS = {"dns-rules": dns_rules, "kafka-bridge": kafka_bridge, "otel-dns-receiver": otel_dns_receiver}
COMMAND = re.compile(rf"^ {{4,}}(?:\$ )?(?:[A-Z_]+=\S+ )*((?:{'|'.join(PROGRAMS)}) .*)$")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    into = tmp_path_factory.mktemp("docs")
    assert build(into) == []
    return into / "site"


def test_pages_of_the_whole_repository_are_there(site):
    for page in (
        "index", "docs/start", "docs/ways", "docs/security", "docs/performance", "docs/scale", "docs/museum",
        "docs/rollout/index", "packages/kafka-bridge/docs/operation", "alert-rules/runbooks/ds-changed",
        "examples/collector/index",
    ):  # fmt: skip
        assert (site / f"{page}.html").is_file(), page


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("bridge", ("max_bytes", "Largest request, after decompression.", "4194304")),
        ("receiver", ("trust_anchor", "UDP payload sizes, octets.", "query_log")),
        ("inventory", ("approvers", "Outside of them it is called for what is critical alone")),
        ("rule", ("sustained", "check_first")),
        ("events", ("dns.observation", "Name server identifier (RFC 5001)")),
        (
            "metrics",
            ("dns.lookup.duration", "dnstower.bridge.commit.duration", "{observation}", "dnstower.probe.region"),
        ),
        ("views", ("v_zone_minute", "timestamp with time zone", "v_evidence")),
        ("kafka-bridge", ("kafka-bridge silence add", "how often each question is asked")),
        ("otel-dns-receiver", ("--prometheus",)),
        ("dns-rules", ("dns-rules inventory import",)),
        ("dns-events", ("python -m dns_events convert",)),
    ],
)
def test_the_reference_is_made_of_the_code(site, page, words):
    text = re.sub(r"<[^>]+>", "", (site / "docs" / "reference" / f"{page}.html").read_text())
    assert [word for word in words if word not in text] == []


def test_nothing_is_fetched_from_elsewhere(site):
    text = (site / "index.html").read_text()
    loaded = re.findall(r'<(?:script|img|iframe)[^>]*\bsrc="([^"]+)|<link[^>]*\bhref="([^"]+)', text)
    assert [address for pair in loaded for address in pair if re.match(r"(?:https?:)?//", address)] == []


def test_each_rule_speaks_in_one_phase_of_the_rollout():
    told = [
        rule
        for phase in PHASES
        for rule in re.findall(
            r"\]\(\.\./rules/([\w-]+)\.md\)",
            (HERE / "rollout" / f"{phase}.md").read_text().partition("## What speaks")[2],
        )
    ]
    assert len(told) == len({*told}) + 1  # the one that phase 2 points to in phase 3
    assert {*told} == {rule.id for rule in load_rules().rules}


def test_commands_in_all_pages_are_ones_that_there_are(site):
    """Program, command, arguments and options; what is not run anywhere is at least parsed."""
    read, wrong = 0, []
    for page in sorted((site.parent / "pages").rglob("*.md")):
        # A command may go on in the next line.
        for number, line in enumerate(re.sub(r"\\\n\s*", "", page.read_text()).splitlines(), 1):
            if (found := COMMAND.match(line)) is None:
                continue
            # Up to a comment or the shell's business; `[--option VALUE]` may be left out.
            words = shlex.split(re.sub(r"\[(--[^\]]+)\]", r"\1", re.split(r"\s+#|\s+[|>&]", found[1])[0]))
            try:
                PROGRAMS[words[0]].parse_args(words[1:], exit_on_error=False, print_error=False)
            except CycloptsError as error:
                wrong.append(f"{page}:{number}: {line.strip()}: {error}")
            read += 1
    assert wrong == []
    assert read > 100


@pytest.mark.parametrize(
    ("link", "dead"),
    [
        ("other.html", False),
        ("other.html#there", False),
        ("#here", False),
        ("folder/", False),
        ("https://example.com/gone", False),
        ("/other.html", False),
        ("gone.html", True),
        ("other.html#gone", True),
        ("#gone", True),
        ("folder/gone.png", True),
    ],
)
def test_a_dead_link_is_found(tmp_path, link, dead):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "index.html").write_text("<p>")
    (tmp_path / "other.html").write_text('<h2 id="there">')
    (tmp_path / "index.html").write_text(f'<h1 id="here"></h1><a href="{link}">x</a>')
    assert dead_links(tmp_path) == ([f"index.html: {link}"] if dead else [])


@pytest.mark.parametrize("link", ["docs/gone.md", "docs/start.md#gone"])
def test_a_dead_link_in_a_page_fails_the_build(tmp_path, monkeypatch, link):
    """The real build, with one page in place of the reference."""
    page = {"docs/more.md": f"# x\n\n[y](../{link})\n"}
    monkeypatch.setattr("docs.site.gather.reference", lambda: {"Commands": page})
    wrong = "\n".join(build(tmp_path / "built"))
    assert "docs/more.md" in wrong
    assert "gone" in wrong
