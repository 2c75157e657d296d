"""``python -m dns_events convert``."""

from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace

import pytest
from dns_events import Delegation, Probe, ndjson, new_id
from dns_events.__main__ import main
from dns_events.dialects.framing import MAX_MESSAGE_BYTES
from test_codecs import NOW, observation
from test_samples import FILES


def run(capsys, *arguments):
    code = main(["convert", *arguments])
    out, err = capsys.readouterr()
    return code, [json.loads(line) for line in out.splitlines()], err.splitlines()


def test_data_on_stdout_and_reasons_on_stderr(capsys):
    code, out, err = run(capsys, "--from", "vector", "--to", "events", "--zone", "example", str(FILES["vector"]))
    assert code == 1
    assert [(event["name"], event["zone"]) for event in out] == [
        ("facebook1.example", "example"),
        ("h5.bogus.example", "example"),
    ]
    assert len(err) == 3
    assert err[0].startswith(f"{FILES['vector']}:3: passed over: RESOLVER_QUERY")
    assert err[2].startswith(f"{FILES['vector']}:5: no question: Encountered error")


def test_what_is_passed_over_is_no_failure(capsys):
    code, out, err = run(capsys, "--from", "dnscollector", "--to", "events", str(FILES["dnscollector"]))
    assert (code, len(out), len(err)) == (0, 5, 1)


def test_complaints_as_json(capsys):
    code, out, err = run(capsys, "--from", "ocsf", "--to", "events", "--json", "--server", "::1", str(FILES["ocsf"]))
    assert (code, len(out)) == (1, 2)
    complaints = [json.loads(line) for line in err]
    assert [(complaint["line"], complaint["passed_over"]) for complaint in complaints] == [(3, True), (4, False)]
    assert "class_uid" in complaints[1]["reason"]


def test_the_longest_zone_holds_a_name(capsys):
    zones = ["--zone", "example.com", "--zone", "WWW.example.com.", "--zone", "com"]
    _, out, _ = run(capsys, "--from", "zeek", "--to", "events", *zones, str(FILES["zeek"]))
    assert [event["zone"] for event in out[:2]] == ["www.example.com", "example.com"]


def test_events_to_siems_from_standard_input(capsys, monkeypatch):
    delegation = Delegation(id=new_id(), time=NOW, probe=Probe(id="p"), zone="example.com")
    lines = b"\n".join([ndjson.encode(observation()), b"", b"{}", ndjson.encode(delegation)])
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(lines)))
    code, out, err = run(capsys, "--from", "events", "--to", "ocsf")
    assert code == 1
    assert [event["class_uid"] for event in out] == [4003]
    assert [line.partition(": ")[0] for line in err] == ["standard input:3", "standard input:4"]
    assert "no class for a delegation" in err[1]


def test_there_and_back(capsys, tmp_path):
    events = tmp_path / "events"
    events.write_bytes(ndjson.encode(observation()) + b"\n")
    main(["convert", "--from", "events", "--to", "ecs", str(events)])
    documents = tmp_path / "documents"
    documents.write_text(capsys.readouterr().out)
    code, out, err = run(capsys, "--from", "ecs", "--to", "events", str(documents))
    assert (code, err) == (0, [])
    assert out == [json.loads(events.read_bytes())]


def test_clients_only_when_asked_for(capsys):
    arguments = ["--from", "zeek", "--to", "events", "--probe", "p", "--region", "r", str(FILES["zeek"])]
    _, out, _ = run(capsys, *arguments)
    assert "198.51.100" not in json.dumps(out)
    assert {(event["probe"]["id"], event["probe"]["region"]) for event in out} == {("p", "r")}
    _, out, _ = run(capsys, "--clients", *arguments)
    assert out[0]["extra"]["id.orig_h"] == "198.51.100.169"


def test_a_line_without_end_is_one_complaint(capsys, tmp_path):
    file = tmp_path / "long"
    file.write_bytes(b"x" * (3 * MAX_MESSAGE_BYTES) + b"\n{}\n")
    code, out, err = run(capsys, "--from", "zeek", "--to", "events", str(file))
    assert (code, out) == (1, [])
    assert [line.partition(" ")[0] for line in err] == [f"{file}:1:", f"{file}:2:"]


def test_a_missing_file_is_a_failure(capsys, tmp_path):
    code, _, err = run(capsys, "--from", "zeek", "--to", "events", str(tmp_path / "none"))
    assert code == 1
    assert "No such file" in err[0]


@pytest.mark.parametrize("arguments", [["--from", "rumour", "--to", "events"], ["--from", "zeek", "--to", "zeek"], []])
def test_usage(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(["convert", *arguments])
    assert caught.value.code == 2


def test_a_zone_that_is_none_is_usage(capsys):
    assert run(capsys, "--from", "zeek", "--to", "events", "--zone", "a..b", str(FILES["zeek"]))[0] == 2
