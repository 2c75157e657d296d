"""The JSON Schemas of what people write."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from dns_events.yamlfile import Document
from dns_rules import load_rules
from dns_rules.museum import EXHIBITS
from dns_rules.packs import MANIFEST
from dns_rules.schema import KINDS, schema

PACK = load_rules().folders[0]
#: Of the repository, and of whoever vendors the pack.
COMMITTED = PACK.parent / "schema"
INVENTORIES = Path(__file__).parent / "inventories"
FILES = [
    *(
        (path, "test" if path.name.endswith(".test.yaml") else "rule")
        for path in sorted(PACK.glob("*.yaml"))
        if path.name != MANIFEST
    ),
    (PACK / MANIFEST, "pack"),
    *((path, "recording") for path in sorted(EXHIBITS.glob("*.yaml"))),
    (INVENTORIES / "good.yaml", "inventory"),
]


def written(path):
    """A file as an editor sees it: times are text."""
    return json.loads(json.dumps(Document(path).value, default=str))


@pytest.mark.parametrize("kind", KINDS)
def test_the_committed_schema_is_that_of_the_code(kind):
    jsonschema.Draft202012Validator.check_schema(schema(kind))
    committed = json.loads((COMMITTED / f"{kind}.json").read_text())
    assert committed == json.loads(json.dumps(schema(kind))), (
        f"run `dns-rules schema {kind} > alert-rules/schema/{kind}.json`"
    )


@pytest.mark.parametrize(("path", "kind"), FILES, ids=[path.name for path, _ in FILES])
def test_what_is_shipped_is_valid(path, kind):
    jsonschema.validate(written(path), schema(kind))


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"hold_": "5s"}, "hold_"),
        ({"class": "availabilty"}, "availabilty"),
        ({"detect": {"detector": "sustaned"}}, "detect"),
        ({"title": None}, "None"),
    ],
    ids=["an unknown key", "a word that is none", "an unknown detector", "no text"],
)
def test_what_the_code_refuses_the_schema_refuses(changed, where):
    rule = {**written(PACK / "zone-outage.yaml"), **changed}
    with pytest.raises(jsonschema.ValidationError) as refused:
        jsonschema.validate(rule, schema("rule"))
    assert where in str(refused.value)
