"""The bridge's configuration and its command line's mistakes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from dns_rules import load_rules
from kafka_bridge.config import load_config, load_notify
from kafka_bridge.errors import ConfigError
from wire import INVENTORY_YAML

GOOD = "version: 1\nbus: embedded\ninventory: inventory.yaml\n"


KAFKA = "version: 1\nbus: kafka\ninventory: inventory.yaml\nkafka:\n  brokers: [kafka:9092]\n"


def write(tmp_path, text):
    (tmp_path / "inventory.yaml").write_text(INVENTORY_YAML)
    file = tmp_path / "bridge.yaml"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bus: embedded\n", "no `inventory`; write `inventory: inventory.yaml`"),
        (GOOD + "buss: kafka\n", "4:1: unknown key 'buss'"),
        (GOOD.replace("embedded", "carrier-pigeon"), "2:6: Invalid enum value 'carrier-pigeon'"),
        (GOOD + "otlp: {grpc: 4317}\n", "4: Expected `str | null`"),
        (GOOD + 'otlp: {grpc: "4317"}\n', "4: '4317' is not ADDRESS:PORT; write for instance 127.0.0.1:4317"),
        (GOOD + 'otlp: {grpc: "0.0.0.0:4317"}\n', "4: 0.0.0.0:4317 is not on loopback; write `expose: true`"),
        (GOOD + 'board: {listen: "[::]:80"}\n', "not on loopback"),
        (GOOD + "store: {url: postgresql://x, directory: y}\n", "exclude each other"),
        (GOOD + "store: {raw: soon}\n", "'soon' is not a duration"),
        (GOOD + "notify: {webhook: example.com}\n", "not a URL"),
        (GOOD + "otlp: {max_bytes: 3}\n", "nothing would fit"),
        (KAFKA + "  values: avro\n", "6:11: avro needs `registry: {url: https://HOST:PORT}`"),
        (KAFKA + "  judge: external\n  values: avro\n", "7:11: a judgement elsewhere reads JSON alone"),
        (KAFKA + "  enrich: external\n", "6:11: events are enriched where they are judged; write `judge: external`"),
        (KAFKA + "  judge: external\n  enrich: external\n  enriched: false\n", "8:13: the job writes what this says"),
        (KAFKA + "  values: xml\n", "6:11: Invalid enum value 'xml'"),
        (KAFKA + "  registry: {url: registry}\n", "6:19: is not https://HOST:PORT"),
        (KAFKA + "  registry: {url: https://me:secret@registry}\n", "belong into `username` and `password_file`"),
        (KAFKA + "  registry: {url: https://registry, username: me}\n", "`username` and `password_file` come together"),
        (KAFKA + "  registry: {url: https://registry, key: k}\n", "`certificate` and `key` come together"),
    ],
)
def test_one_fault(tmp_path, text, message):
    file = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert str(caught.value).startswith(f"{file}:")
    assert message in str(caught.value)


def test_paths_are_relative_to_the_file_and_a_store_may_come_from_the_environment(tmp_path, monkeypatch):
    config = load_config(write(tmp_path, GOOD + "notify: {file: pages.ndjson}\n"))
    assert config.inventory == str(tmp_path / "inventory.yaml")
    assert config.store.directory == str(tmp_path / ".dnstower" / "postgres")
    assert config.notify.file == str(tmp_path / "pages.ndjson")
    monkeypatch.setenv("DNSTOWER_STORE_URL", "postgresql://db/x")
    assert load_config(tmp_path / "bridge.yaml").store.url == "postgresql://db/x"


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "kafka_bridge", *map(str, arguments)],
        capture_output=True, text=True, check=False, **options,
    )  # fmt: skip


def test_who_gets_pages_stands_in_a_file_of_its_own_or_in_any_configuration(tmp_path):
    alone = "notify: {receivers: {web: {type: webhook, url: 'https://hooks.example.net/', secret_file: key}}}\n"
    for text in (alone, GOOD + alone):
        notify = load_notify(write(tmp_path, text))
        assert notify.receivers["web"].secret_file == str(tmp_path / "key")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("receivers: {}\n", "missing required field `notify`"),
        ("notify:\n  receivers:\n    web: {type: slak}\n", ":3:"),
        ("notify:\n  receivers:\n    web: {type: slack, url: 'https://a'}\n", "a secret does not belong into the file"),
    ],
    ids=["no notify", "no such type", "a secret"],
)
def test_who_gets_pages_wrongly(tmp_path, text, message):
    file = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_notify(file)
    assert str(caught.value).startswith(f"{file}:")
    assert message in str(caught.value)


def test_check_and_schema(tmp_path):
    file = write(tmp_path, GOOD)
    assert f"2 zones, {len(load_rules().rules)} rules, bus embedded" in run("check", file).stdout
    assert json.loads(run("check", file, "--json").stdout)["zones"] == 2
    assert json.loads(run("config", "schema").stdout)
    (tmp_path / "inventory.yaml").write_text(INVENTORY_YAML.replace("owner: web", "owner: wob", 1))
    done = run("check", file)
    assert done.returncode == 1
    assert f"{tmp_path / 'inventory.yaml'}:4:32: owner 'wob'" in done.stderr


def test_looking_into_a_store_that_is_not_there(tmp_path):
    done = run("health", "--dir", tmp_path)
    assert done.returncode == 1
    assert "nothing is running" in done.stderr
    assert "Traceback" not in done.stderr
