"""Beside the real blackbox_exporter: the same modules and targets, the same metrics and values."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import peers
import pytest
import yaml
from otel_dns_receiver.blackbox.migrate import migrate
from otel_dns_receiver.blackbox.modules import Patterns, load
from otel_dns_receiver.blackbox.probe import fails
from otel_dns_receiver.blackbox.web import seconds
from otel_dns_receiver.config import load_config
from otel_dns_receiver.errors import ConfigError

V4 = {"preferred_ip_protocol": "ip4"}


def module(**dns):
    return {"prober": "dns", "timeout": "2s", "dns": {"query_name": "www.tower.test", "query_type": "A", **dns}}


MODULES = {
    "a": module(),
    "soa": module(query_name="tower.test", query_type="SOA"),
    "soa_of_nothing": module(query_name="nope.tower.test", query_type="SOA"),
    "any": {"prober": "dns", "timeout": "2s", "dns": {"query_name": "tower.test"}},
    "tcp": module(transport_protocol="tcp"),
    "no_recursion": module(recursion_desired=False),
    "nx": module(query_name="nope.tower.test"),
    "nx_is_fine": module(query_name="nope.tower.test", valid_rcodes=["NXDOMAIN", "NOERROR"]),
    "matches": module(validate_answer_rrs={"fail_if_matches_regexp": [r".*192\.0\.2\.1$"]}),
    "not_matches": module(validate_answer_rrs={"fail_if_not_matches_regexp": [r"^www\.tower\.test\.\t60\tIN\tA\t192"]}),
    "not_matches_fails": module(validate_answer_rrs={"fail_if_not_matches_regexp": ["203\\.0"]}),
    "all_match": module(validate_answer_rrs={"fail_if_all_match_regexp": ["192"]}),
    "all_match_fails": module(validate_answer_rrs={"fail_if_all_match_regexp": ["203"]}),
    "none_matches": module(validate_answer_rrs={"fail_if_none_matches_regexp": ["203", "192"]}),
    "none_matches_fails": module(validate_answer_rrs={"fail_if_none_matches_regexp": ["203"]}),
    "nothing_to_match": module(query_type="MX", validate_answer_rrs={"fail_if_not_matches_regexp": ["x"]}),
    "authority": module(query_type="MX", validate_authority_rrs={"fail_if_not_matches_regexp": ["SOA\tns.tower"]}),
    "additional": module(
        query_type="NS",
        query_name="tower.test",
        validate_additional_rrs={"fail_if_none_matches_regexp": ["127\\.0\\.0\\.1"]},
    ),
    "ip4": module(**V4),
    "ip6_only": module(preferred_ip_protocol="ip6", ip_protocol_fallback=False),
    "chaos": module(query_name="version.bind", query_type="TXT", query_class="CH"),
    "impatient": module() | {"timeout": "200ms"},
    "web": {"prober": "http", "http": {"method": "GET"}},
}


def get(url, headers=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=20) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def samples(text):
    """Samples without what is a time, and the time series that there are."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            series, value = line.rsplit(" ", 1)
            found[series] = float(value)
    return found


class Server:
    """One exporter."""

    def __init__(self, command, port, folder):
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / f"{port}.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if get(f"{self.url}/-/healthy")[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def probe(self, name, target, headers=None):
        return get(f"{self.url}/probe?module={name}&target={target}", headers)

    def stop(self):
        self.process.terminate()
        self.process.wait()


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    file = tmp_path_factory.mktemp("blackbox") / "blackbox.yml"
    file.write_text(yaml.safe_dump({"modules": MODULES}))
    return file


@pytest.fixture(scope="module")
def ours(config):
    port = peers.free_port()
    command = [
        sys.executable,
        "-m",
        "otel_dns_receiver",
        "blackbox",
        "serve",
        str(config),
        "--listen",
        f"127.0.0.1:{port}",
    ]
    server = Server(command, port, config.parent)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def theirs(config):
    program = shutil.which("prometheus-blackbox-exporter", path=peers.PATH)
    if program is None:
        pytest.skip("blackbox_exporter is not installed (prometheus-blackbox-exporter)")
    port = peers.free_port()
    command = [program, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
    server = Server(command, port, config.parent)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def bind(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bind")
    (folder / "zone").write_text(f"$ORIGIN {peers.ZONE}.\n{peers.RECORDS}")
    port = peers.free_port()
    server = peers.Running(peers.bind(folder, port, None, None, None), folder, port)
    yield server
    server.stop()


@pytest.mark.parametrize("name", [name for name in MODULES if name != "web"])
def test_every_series_and_value_is_the_same(name, ours, theirs, bind):
    for target in (f"127.0.0.1:{bind.port}", f"localhost:{bind.port}", "127.0.0.1:9", "name.invalid:53"):
        # A datagram may be lost on a busy loopback, of either: then both are asked again.
        for _ in range(4):
            status, own = ours.probe(name, target)
            other_status, other = theirs.probe(name, target)
            assert (status, other_status) == (200, 200)
            mine, wanted = samples(own), samples(other)
            assert set(mine) - {"probe_timeout_seconds"} == set(wanted), target
            differing = {s: (mine[s], wanted[s]) for s in wanted if "seconds" not in s and mine[s] != wanted[s]}
            if not differing:
                break
        assert differing == {}, target
        helps = {line for line in other.splitlines() if line.startswith("# ")}
        assert helps <= set(own.splitlines())


@pytest.mark.parametrize("query", ["module=zzz&target=127.0.0.1", "module=a", "module=a&target="])
def test_what_cannot_be_probed_is_refused_alike(query, ours, theirs):
    assert get(f"{ours.url}/probe?{query}") == get(f"{theirs.url}/probe?{query}")


def test_other_probers_are_not_ours(ours):
    status, text = ours.probe("web", "127.0.0.1")
    assert (status, "DNS probes only" in text) == (400, True)


def test_silence_takes_no_longer_than_prometheus_waits(ours):
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        target = f"127.0.0.1:{mute.getsockname()[1]}"
        began = time.monotonic()
        status, text = ours.probe("impatient", target)
        assert samples(text)["probe_success"] == 0
        _, text = ours.probe("a", target, {"X-Prometheus-Scrape-Timeout-Seconds": "1"})
        assert samples(text)["probe_success"] == 0
        assert samples(text)["probe_timeout_seconds"] == 0.5
        assert time.monotonic() - began < 10
        # Another scrape is not kept waiting by these.
        threads = [threading.Thread(target=ours.probe, args=("a", target)) for _ in range(20)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        assert get(f"{ours.url}/-/healthy")[0] == 200
        for thread in threads:
            thread.join()
        assert time.monotonic() - began < 20
    assert status == 200


@pytest.mark.parametrize(
    ("header", "own", "expected"),
    [(None, 0.0, 119.5), ("10", 0.0, 9.5), ("10", 3.0, 3.0), ("2", 5.0, 1.5), ("0.2", 5.0, 5.0)],
)
def test_the_time_that_a_probe_has(header, own, expected):
    assert seconds(header, own) == expected


def test_debug_says_what_happened(ours, bind):
    _, text = get(f"{ours.url}/probe?module=nx&target=127.0.0.1:{bind.port}&debug=true")
    assert "Rcode NXDOMAIN is not one of NOERROR" in text
    assert "probe_success 0" in text


def test_a_broken_file_is_refused_and_the_old_modules_stay(ours, config, bind):
    good = config.read_text()
    try:
        config.write_text(good.replace("query_type: SOA", "query_kind: SOA", 1))
        request = urllib.request.Request(f"{ours.url}/-/reload", method="POST")
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=10)
        said = caught.value.read().decode()
        assert re.search(r"blackbox.yml:\d+:7: unknown key 'query_kind'", said)
        assert samples(get(f"{ours.url}/metrics")[1])["blackbox_exporter_config_last_reload_successful"] == 0
        assert samples(ours.probe("soa", f"127.0.0.1:{bind.port}")[1])["probe_success"] == 1
    finally:
        config.write_text(good)
    os.kill(ours.process.pid, signal.SIGHUP)
    deadline = time.monotonic() + 10
    while samples(get(f"{ours.url}/metrics")[1])["blackbox_exporter_config_last_reload_successful"] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_over_tls(tmp_path):
    from tests.certificates import Authority

    authority = Authority(tmp_path)
    certificate, key = authority.issue("127.0.0.1")
    folder = tmp_path / "unbound"
    folder.mkdir()
    port = peers.free_port()
    (folder / "unbound.conf").write_text(f"""\
server:
    interface: 127.0.0.1@{port}
    tls-port: {port}
    tls-service-key: "{key}"
    tls-service-pem: "{certificate}"
    username: ""
    chroot: ""
    directory: "{folder}"
    pidfile: ""
    use-syslog: no
    module-config: "iterator"
    local-data: "www.tower.test. 60 IN A 192.0.2.1"
remote-control:
    control-enable: no
""")
    server = peers.Running(
        [peers.program("unbound"), "-d", "-c", str(folder / "unbound.conf")], folder, port, answers=False
    )
    import asyncio

    import msgspec
    from otel_dns_receiver.blackbox.modules import Dns
    from otel_dns_receiver.blackbox.probe import probe

    def run(**tls):
        keys = {"query_name": "www.tower.test", "query_type": "A", "transport_protocol": "tcp", "dns_over_tls": True}
        return asyncio.run(probe(f"127.0.0.1:{port}", msgspec.convert(keys | {"tls_config": tls}, Dns), 3.0))

    try:
        deadline = time.monotonic() + 10
        while not (result := run(ca_file=str(authority.file))).success:
            assert time.monotonic() < deadline, result.said
            time.sleep(0.1)
        refused = run()
        assert not refused.success
        assert "not accepted" in refused.said[-1]
        assert run(insecure_skip_verify=True).success
    finally:
        server.stop()


def test_no_pattern_takes_long():
    evil = Patterns(fail_if_matches_regexp=("(a+)+$",))
    assert fails(["a" * 5000 + "b"], evil) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("modules: {x: {prober: dns}}", ":1:14: a module with `prober: dns` needs"),
        ("modules:\n  x: {prober: dns, dns: {query_name: a, query_type: AA}}", ":2:25: 'AA' is no query type"),
        ("modules:\n  x: {prober: dns, dns: {query_name: a, valid_rcodes: [X]}}", "'X' is no rcode"),
        ("modules:\n  x: {prober: dns, dns: {query_name: a, dns_over_tls: true}}", "needs transport_protocol: tcp"),
        (
            "modules:\n  x: {prober: dns, dns: {query_name: a, validate_answer_rrs: {fail_if_matches_regexp: ['(']}}}",
            "is no RE2 pattern: missing",
        ),
    ],
)
def test_a_file_that_cannot_be_meant(tmp_path, text, why):
    file = tmp_path / "blackbox.yml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert why in str(caught.value)


def test_migration_gives_a_configuration_that_can_be_used(tmp_path, config):
    scrape = tmp_path / "prometheus.yml"
    scrape.write_text(
        "scrape_configs:\n  - job_name: dns\n    metrics_path: /probe\n    params: {module: [a, tcp]}\n"
        "    static_configs: [{targets: ['192.0.2.53', '192.0.2.54:5353', 'ns1.tower.test:53']}]\n"
    )
    text = migrate(config, scrape)
    file = tmp_path / "receiver.yaml"
    file.write_text(text)
    loaded = load_config(file)
    assert {zone.zone for zone in loaded.zones} >= {"tower.test"}
    assert {(r.address, r.port, r.transport) for r in loaded.resolvers} == {
        ("192.0.2.53", 53, "udp"),
        ("192.0.2.54", 5353, "udp"),
        ("192.0.2.53", 53, "tcp"),
        ("192.0.2.54", 5353, "tcp"),
    }
    for name in MODULES:  # each is used, or its remainder is told of
        assert name in text or name in {"a", "tcp"}
    assert "# web: prober http has no counterpart" in text
    assert "ns1.tower.test:53 is a name" in text
    assert "# not_matches: validate_answer_rrs.fail_if_not_matches_regexp has no counterpart" in text
    nope = next(n for zone in loaded.zones for n in zone.names if n.name == "nope.tower.test")
    assert nope.expect["A"].rcodes == ("NXDOMAIN", "NOERROR")
