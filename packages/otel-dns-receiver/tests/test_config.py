"""The configuration: what is fine, and one file for each thing that is not."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml
from otel_dns_receiver import ConfigError
from otel_dns_receiver.config import load_config, schema
from otel_dns_receiver.resolve.roots import load_anchors, load_hints

FILES = Path(__file__).parent / "configs"
BAD = {
    "no-zones": "3:8: no zone and no source; write at least one",
    "unknown-key": "5: unknown key 'name'",
    "interval-unknown": "3:11: 'soon' is not a duration",
    "timeout-too-long": "4:10: 3 s is not less than the interval",
    "resolver-not-an-address": "3: 'localhost' is not an IP address",
    "zone-twice": "5:12: zone example.com stands twice",
    "name-outside": "6: www.example.org is not in zone example.com",
    "type-unknown": "6:41: 'B' is not a record type",
    "anchor-missing": "3:15: no file",
    "no-probe": "1: Object missing required field `probe`",
}


def test_every_bad_file_has_its_message():
    assert {path.stem for path in FILES.glob("*.yaml")} == {*BAD, "good"}


@pytest.mark.parametrize("name", sorted(BAD))
def test_one_fault(name):
    path = FILES / f"{name}.yaml"
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith(f"{path}:")
    assert BAD[name] in str(caught.value)


def test_the_apex_is_always_watched_and_types_come_on_top():
    config = load_config(FILES / "good.yaml")
    assert config.seconds == (30.0, 2.0, 60.0)
    (zone,) = config.zones
    assert zone.zone == "example.com"
    assert [name.name for name in zone.names] == ["example.com", "www.example.com"]
    assert zone.names[0].types == ("A", "AAAA", "CNAME", "NS", "SOA")
    assert zone.names[1].types == ("A", "AAAA", "CNAME", "MX", "NS", "SOA")


def test_the_schema_knows_the_good_file():
    jsonschema.validate(yaml.safe_load((FILES / "good.yaml").read_text()), schema())


def test_built_in_roots():
    assert len(load_hints(None)) == 26
    ((_, anchors),) = load_anchors(None).items()
    assert {anchor.key_tag for anchor in anchors} == {20326, 38696}


@pytest.mark.parametrize(("text", "message"), [("", "no A or AAAA"), (". NS a.\n", "no A or AAAA"), ("x y z", "x")])
def test_hints_that_lead_nowhere(tmp_path, text, message):
    file = tmp_path / "hints"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_hints(str(file))
