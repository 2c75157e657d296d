"""The command line, as users run it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from dns_events import ndjson
from dns_rules.generate import Span, events

FILES = Path(__file__).parent / "inventories"


def run(*arguments, input_=None):
    done = subprocess.run(
        [sys.executable, "-m", "dns_rules", *map(str, arguments)],
        capture_output=True,
        input=input_,
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def recording(tmp_path):
    spans = (Span(to="2m"), Span(from_="2m", to="5m", outcome="timeout"))
    file = tmp_path / "outage.ndjson"
    file.write_bytes(b"\n".join(ndjson.encode(event) for event in events("example.com", spans)))
    return file


def test_replay_prints_the_incident_in_the_format_of_the_contract(recording):
    code, out, err = run("replay", recording, "--inventory", FILES / "good.yaml", "--json")
    assert (code, err) == (3, "")
    (incident,) = [json.loads(line) for line in out.splitlines()]
    assert set(incident) == {
        "id", "rule", "class", "severity", "zone", "state", "since", "updated", "drill", "title", "what", "where",
        "check_first", "runbook", "owner", "escalate", "verdict", "confidence", "evidence", "findings",
        "part_of", "zones", "calls", "acknowledged", "silenced", "returns", "resolution",
    }  # fmt: skip
    assert incident["rule"] == "zone-outage"
    assert incident["state"] == "firing"
    assert incident["owner"] == "web"
    assert incident["where"]["regions"] == ["ap-south", "eu-west", "us-east"]


def test_replay_twice_is_equal_to_the_byte(recording):
    first, second = (run("replay", recording, "--inventory", FILES / "good.yaml", "--json") for _ in range(2))
    assert first == second


def test_replay_reads_standard_input_for_people(recording):
    code, out, _ = run("replay", "-", "--inventory", FILES / "good.yaml", input_=recording.read_bytes())
    assert code == 3
    assert "example.com is down: all 2 name servers failing (timeouts)" in out
    assert "owner web" in out


def test_replay_shows_at_a_terminal_how_far_it_is(recording):
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "dns_rules", "replay", recording, "--inventory", FILES / "good.yaml", "--json"],
        stdout=subprocess.PIPE, stderr=theirs,
    ) as process:  # fmt: skip
        out, _ = process.communicate()
    os.close(theirs)
    said = os.read(ours, 10_000).decode()
    os.close(ours)
    assert json.loads(out)["rule"] == "zone-outage"  # the data is what it is without a terminal
    assert "100%" in said


def test_replay_names_the_bad_line(tmp_path):
    file = tmp_path / "bad.ndjson"
    file.write_text('{"type": "observation"}\n')
    code, out, err = run("replay", file, "--inventory", FILES / "good.yaml")
    assert (code, out) == (1, "")
    assert err.startswith(f"dns-rules: {file}:1: ")


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["check", "--inventory", FILES / "good.yaml"], 0, "2 zones of 3 teams are fine"),
        (["check", "--inventory", FILES / "owner-unknown.yaml"], 1, "owner 'wob'"),
        (["list"], 0, "zone-outage"),
        (["explain", "zone-outage"], 0, "Check first:"),
        (["explain", "nope"], 1, "no rule 'nope'"),
        (["explain"], 2, "requires an argument"),
        (["nope"], 2, "nope"),
        (["test", "zone-outage"], 0, "0 failed"),
        (["--version"], 0, "0.1.0"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else None,
)
def test_exit_codes(arguments, code, text):
    got, out, err = run(*arguments)
    assert got == code
    assert text in out + err


@pytest.mark.parametrize("command", [["check"], ["list"], ["explain", "zone-outage"], ["test", "zone-outage"]])
def test_every_command_speaks_json(command):
    code, out, _ = run(*command, "--json")
    assert code == 0
    assert json.loads(out)
