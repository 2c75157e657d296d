"""``python -m dns_events``."""

from __future__ import annotations

import json

from dns_events import ndjson
from dns_events.__main__ import main
from test_codecs import observation


def test_schema_is_printed(capsys):
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "dnstower event"


def test_check_counts_by_type(tmp_path, capsys):
    file = tmp_path / "events.ndjson"
    file.write_bytes(ndjson.encode(observation()) + b"\n\n" + ndjson.encode(observation()) + b"\n")
    assert main(["check", "--json", str(file)]) == 0
    assert json.loads(capsys.readouterr().out) == {"observation": 2}


def test_check_names_the_bad_line(tmp_path, capsys):
    file = tmp_path / "events.ndjson"
    file.write_bytes(ndjson.encode(observation()) + b"\n{}\n")
    assert main(["check", str(file)]) == 3
    assert f"{file}:2: " in capsys.readouterr().err


def test_a_missing_file_is_a_failure(tmp_path, capsys):
    assert main(["check", str(tmp_path / "none")]) == 1
    assert "No such file" in capsys.readouterr().err
