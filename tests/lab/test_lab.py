"""The lab itself: what all is well looks like, what each scenario does, and that nothing stays."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest
import yaml

from tests.lab import SCENARIOS, Lab, LabError, missing
from tests.lab.addresses import Claim, Interface

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
ABSENT = missing()
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(bool(ABSENT), reason=f"apt-get install {' '.join(sorted({package for _, package in ABSENT}))}"),
]

#: A TTL of 30 s, a negative one, and Unbound's memory of a dead server or a bogus answer, with room.
BOUND = 90.0
REGIONS = ("eu-west", "us-east", "ap-south")
NAMES = {zone: f"www.{zone}" for zone in ("healthy.lab", "plain.lab", "four.lab", "bank.lab", "shop.lab")} | {
    zone: f"www.{zone}" for zone in ("brand.lab", "news.lab", "mail.lab")
}


class Answer:
    """What one server said; nothing at all is rcode `None`."""

    def __init__(self, response: dns.message.Message | None) -> None:
        self.rcode = None if response is None else dns.rcode.to_text(response.rcode())
        self.flags = dns.flags.Flag(0) if response is None else response.flags
        self.ede = [] if response is None else [int(option.code) for option in response.extended_errors()]
        self.authority = set() if response is None else {dns.rdatatype.to_text(s.rdtype) for s in response.authority}
        rrsets = [] if response is None else response.answer
        self.data = [rdata.to_text() for rrset in rrsets for rdata in rrset if rrset.rdtype != dns.rdatatype.RRSIG]
        self.secure = bool(self.flags & dns.flags.AD)

    def __repr__(self) -> str:
        return f"<{self.rcode} {dns.flags.to_text(self.flags)} {self.data} EDE {self.ede}>"


def ask(address: str, name: str, qtype: str = "A", *, recursive: bool = True) -> Answer:
    """Ask once more where UDP was lost."""
    query = dns.message.make_query(name, qtype, want_dnssec=True)
    if not recursive:
        query.flags &= ~dns.flags.RD
    for _ in range(2):
        try:
            return Answer(dns.query.udp_with_fallback(query, address, timeout=2)[0])
        except dns.exception.Timeout:
            continue
        except ConnectionRefusedError:
            break
    return Answer(None)


def direct(address: str, name: str, qtype: str = "A") -> Answer:
    return ask(address, name, qtype, recursive=False)


def eventually(check: Callable[[], bool], what: str, bound: float = BOUND) -> float:
    """Seconds until it holds."""
    began = time.monotonic()
    while not check():
        if time.monotonic() - began > bound:
            pytest.fail(f"not within {bound:.0f} s: {what}")
        time.sleep(0.5)
    return time.monotonic() - began


def children() -> set[str]:
    """Command lines of the name servers that run for labs of this directory."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found.add((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended while we looked
    return found


def run_by(directory: Path) -> set[str]:
    own = f"python -m tests.lab up --dir {directory}"
    return {line for line in children() if str(directory) in line and own not in line}


def listed(network: object) -> list[str]:
    """The addresses of one lab on the interface; other labs may come and go."""
    prefix = str(network).removesuffix("0.0/16")
    command = ["ip", "-o", "address", "show", "lo"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if prefix in line]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab.start(tmp_path_factory.mktemp("lab")) as running:
        yield running


def secure_everywhere(lab: Lab, zone: str, data: list[str]) -> bool:
    answers = [ask(address, f"www.{zone}") for address in lab.resolvers.values()]
    return all(answer.data == data and answer.secure for answer in answers)


def servfail_everywhere(lab: Lab, zone: str) -> bool:
    return all(ask(address, f"www.{zone}").rcode == "SERVFAIL" for address in lab.resolvers.values())


@pytest.fixture(scope="module")
def watched(lab: Lab) -> Iterator[list[str]]:
    """What went wrong with healthy.lab from now until the last mend: nothing should."""
    wrong: list[str] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            for region, address in lab.resolvers.items():
                answer = ask(address, "www.healthy.lab")
                if answer.data != ["192.0.2.10"] or not answer.secure:
                    wrong.append(f"{region}: {answer}")
            for name, address in lab.nameservers["healthy.lab"].items():
                answer = direct(address, "www.healthy.lab")
                if answer.data != ["192.0.2.10"]:
                    wrong.append(f"{name}: {answer}")

    thread = threading.Thread(target=watch)
    thread.start()
    yield wrong
    over.set()
    thread.join()


@pytest.fixture(scope="module")
def broken(lab: Lab, watched: list[str]) -> Lab:
    """All scenarios at once, on caches that are full of what was true."""
    for name in NAMES.values():
        for address in lab.resolvers.values():
            ask(address, name)
    for scenario in SCENARIOS:
        fault = lab.break_(scenario)
        assert lab.break_(scenario) == fault
    assert {fault.scenario for fault in lab.faults} == set(SCENARIOS)
    return lab


@pytest.fixture(scope="module")
def mended(broken: Lab) -> Lab:
    for scenario in SCENARIOS:
        broken.mend(scenario)
        broken.mend(scenario)
    assert broken.faults == ()
    return broken


class TestAllIsWell:
    def test_every_server_answers_for_its_zone(self, lab: Lab) -> None:
        for zone, servers in lab.nameservers.items():
            assert len(servers) >= 2
            for address in servers.values():
                answer = direct(address, zone, "SOA")
                assert answer.rcode == "NOERROR", (zone, address)
                assert answer.flags & dns.flags.AA
                assert sorted(direct(address, zone, "NS").data) == sorted(f"{name}." for name in servers)

    def test_every_region_answers_for_every_zone_and_validates_the_signed(self, lab: Lab) -> None:
        for region, address in lab.resolvers.items():
            for zone in lab.zones:
                answer = ask(address, f"www.{zone}")
                assert len(answer.data) == 1, (region, zone, answer)
                assert answer.secure == (zone in lab.signed), (region, zone)

    def test_geo_differs_by_region(self, lab: Lab) -> None:
        seen = [ask(address, "cdn.geo.lab").data[0] for address in lab.resolvers.values()]
        seen += [direct(address, "cdn.geo.lab").data[0] for address in lab.nameservers["geo.lab"].values()]
        assert len(set(seen)) == len(lab.resolvers) + 1

    def test_alias_and_the_other_types(self, lab: Lab) -> None:
        address = lab.resolvers["eu-west"]
        assert ask(address, "alias.healthy.lab").data == ["www.healthy.lab.", "192.0.2.10"]
        assert ask(address, "healthy.lab", "MX").data == ["10 mail.healthy.lab."]
        assert ask(address, "www.healthy.lab", "AAAA").data == ["2001:db8::10"]
        assert ask(address, "nothing.healthy.lab").rcode == "NXDOMAIN"

    def test_every_server_says_which_it_is(self, lab: Lab) -> None:
        for address in (*lab.nameservers["geo.lab"].values(), *lab.nameservers["four.lab"].values()):
            query = dns.message.make_query("lab", "SOA", options=[dns.edns.GenericOption(dns.edns.NSID, b"")])
            response = dns.query.udp(query, address, timeout=2)
            assert [option for option in response.options if option.otype == dns.edns.NSID]

    def test_ttls_are_short(self, lab: Lab) -> None:
        query = dns.message.make_query("bank.lab", "DS")
        parent = lab.network.replace("0.0/16", "2.1")
        assert [rrset.ttl for rrset in dns.query.udp(query, parent, timeout=2).answer] == [30]

    def test_inventory_covers_all_zones(self, lab: Lab) -> None:
        document = yaml.safe_load(lab.inventory.read_text())
        assert [zone["zone"] for zone in document["zones"]] == list(lab.zones)
        for zone in document["zones"]:
            assert zone["nameservers"] == list(lab.nameservers[zone["zone"]])
            for record in zone["records"]:
                if record["expect"] != "any":
                    answer = ask(lab.resolvers["eu-west"], record["name"], record["type"])
                    assert answer.data == record["expect"]

    def test_inventory_passes_the_rules_own_check(self, lab: Lab) -> None:
        inventory = pytest.importorskip("dns_rules.inventory", reason="dns-rules is not in this environment")
        assert len(inventory.load_inventory(lab.inventory).zones) == len(lab.zones)

    def test_unknown_scenario(self, lab: Lab) -> None:
        with pytest.raises(LabError, match="no scenario 'flood'; there are server-down,"):
            lab.break_("flood")


class TestBroken:
    def test_server_down(self, broken: Lab) -> None:
        *up, down = broken.nameservers["four.lab"].values()
        assert direct(down, "www.four.lab").rcode is None
        assert all(direct(address, "www.four.lab").data == ["192.0.2.40"] for address in up)
        assert secure_everywhere(broken, "four.lab", ["192.0.2.40"])

    def test_emptied_record(self, broken: Lab) -> None:
        for address in broken.nameservers["mail.lab"].values():
            answer = direct(address, "www.mail.lab")
            assert (answer.rcode, answer.data) == ("NOERROR", [])
            assert direct(address, "www.mail.lab", "TXT").data == ['"webmail"']
        eventually(lambda: secure_everywhere(broken, "mail.lab", []), "validated NODATA in every region")

    def test_region_stale(self, broken: Lab) -> None:
        for address in broken.nameservers["news.lab"].values():
            assert direct(address, "www.news.lab").data == ["198.51.100.90"]

        def seen() -> list[list[str]]:
            return [ask(broken.resolvers[region], "www.news.lab").data for region in REGIONS]

        new, old = ["198.51.100.90"], ["192.0.2.90"]
        eventually(lambda: seen() == [new, new, old], "two regions follow")
        # Past its TTL from before the move, and still as secure as it was.
        query = dns.message.make_query("www.news.lab", "A", want_dnssec=True)
        response = dns.query.udp(query, broken.resolvers["ap-south"], timeout=2)
        assert response.answer[0].ttl <= 30
        assert response.flags & dns.flags.AD

    def test_ds_mismatch(self, broken: Lab) -> None:
        for address in broken.nameservers["bank.lab"].values():
            assert direct(address, "www.bank.lab").data == ["192.0.2.50"]
        eventually(lambda: servfail_everywhere(broken, "bank.lab"), "SERVFAIL for bank.lab")
        assert ask(broken.resolvers["eu-west"], "www.bank.lab").ede in ([6], [9])

    def test_expired_signatures(self, broken: Lab) -> None:
        for address in broken.nameservers["shop.lab"].values():
            assert direct(address, "www.shop.lab").data == ["192.0.2.60"]
        eventually(lambda: servfail_everywhere(broken, "shop.lab"), "SERVFAIL for shop.lab")
        assert ask(broken.resolvers["eu-west"], "www.shop.lab").ede in ([6], [7])

    def test_ns_replaced(self, broken: Lab) -> None:
        parent = broken.network.replace("0.0/16", "2.1")
        referral = dns.query.udp(dns.message.make_query("brand.lab", "NS"), parent, timeout=2)
        assert sorted(ns.to_text() for ns in referral.authority[0]) == ["ns1.rogue.lab.", "ns2.rogue.lab."]
        rogue = broken.network.replace("0.0/16", "3.1")
        assert direct(rogue, "www.brand.lab").data == ["203.0.113.66"]
        for address in broken.nameservers["brand.lab"].values():
            assert direct(address, "www.brand.lab").data == ["192.0.2.70"]
        eventually(lambda: servfail_everywhere(broken, "brand.lab"), "SERVFAIL for brand.lab")
        assert ask(broken.resolvers["eu-west"], "www.brand.lab").ede in ([6], [9])

    def test_all_servers_down(self, broken: Lab) -> None:
        for address in broken.nameservers["plain.lab"].values():
            assert direct(address, "www.plain.lab").rcode is None
        for region, address in broken.resolvers.items():
            eventually(
                lambda: ask(address, "www.plain.lab").rcode == "SERVFAIL",  # noqa: B023
                f"{region} cannot resolve",
            )

    def test_geo_is_as_ever(self, broken: Lab) -> None:
        self_same = {ask(address, "cdn.geo.lab").data[0] for address in broken.resolvers.values()}
        assert len(self_same) == 3


class TestMended:
    @pytest.mark.parametrize(
        ("zone", "data"),
        [
            ("four.lab", "192.0.2.40"),
            ("mail.lab", "192.0.2.100"),
            ("news.lab", "198.51.100.90"),
            ("shop.lab", "192.0.2.60"),
            ("bank.lab", "192.0.2.50"),
            ("brand.lab", "192.0.2.70"),
        ],
    )
    def test_secure_again(self, mended: Lab, zone: str, data: str) -> None:
        for address in mended.nameservers[zone].values():
            assert direct(address, f"www.{zone}").data == [data]
        eventually(lambda: secure_everywhere(mended, zone, [data]), f"{zone} is secure again")

    def test_all_servers_up(self, mended: Lab) -> None:
        for address in mended.nameservers["plain.lab"].values():
            assert direct(address, "www.plain.lab").data == ["192.0.2.20"]
        for region, address in mended.resolvers.items():
            eventually(lambda: ask(address, "www.plain.lab").data == ["192.0.2.20"], f"{region} resolves")  # noqa: B023

    def test_a_second_time(self, mended: Lab) -> None:
        for scenario in SCENARIOS:
            mended.break_(scenario)
        for scenario in SCENARIOS:
            mended.mend(scenario)
        mended.check()

    def test_healthy_never_noticed(self, mended: Lab, watched: list[str]) -> None:
        assert watched == []


class TestProcess:
    """The command line, beside the lab above."""

    @staticmethod
    def up(directory: Path) -> tuple[subprocess.Popen[str], dict[str, object]]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.lab", "up", "--dir", str(directory)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        return process, json.loads(process.stdout.readline())

    @staticmethod
    def cli(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tests.lab", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    @staticmethod
    def assert_gone(directory: Path, said: dict[str, object]) -> None:
        eventually(lambda: not run_by(directory), f"processes of {directory}", 10)
        eventually(lambda: not listed(said["network"]), "the interface is as before", 10)
        nameservers = said["nameservers"]
        assert isinstance(nameservers, dict)
        for servers in nameservers.values():
            for address in servers.values():
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                    probe.bind((address, 53))

    def test_life(self, lab: Lab, tmp_path: Path) -> None:
        process, said = self.up(tmp_path)
        with process:
            try:
                assert said["network"] != lab.network
                assert run_by(tmp_path)
                door = str(tmp_path / "lab.sock")
                fault = json.loads(self.cli("break", "server-down", "--socket", door).stdout)
                assert (fault["zone"], fault["offenders"]) == ("four.lab", ["ns4.four.lab"])
                # Started from a thread of the control socket that ends at once: must outlive it.
                assert self.cli("mend", "server-down", "--socket", door).returncode == 0
                time.sleep(1)
                nameservers = said["nameservers"]
                assert isinstance(nameservers, dict)
                answer = direct(nameservers["four.lab"]["ns4.four.lab"], "www.four.lab")
                assert answer.data == ["192.0.2.40"]
                second = self.cli("up", "--dir", str(tmp_path))
                assert second.returncode == 1
                assert "already" in second.stderr
            finally:
                process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        self.assert_gone(tmp_path, said)
        assert not (tmp_path / "lab.sock").exists()

    def test_kill_leaves_nothing(self, tmp_path: Path) -> None:
        process, said = self.up(tmp_path)
        with process:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        self.assert_gone(tmp_path, said)
        # The same directory serves the next one.
        process, said = self.up(tmp_path)
        with process:
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0
        self.assert_gone(tmp_path, said)

    def test_addresses_of_a_lab_killed_whole(self) -> None:
        claim = Claim.first_free(lambda network: [network.at(1, 1)])
        prefix = claim.network.at(0, 0) + "/16"
        address = claim.network.at(1, 1)
        Interface.hold(claim, [address]).kill()
        assert listed(prefix)
        again = Interface.hold(claim, [address])
        claim.release()
        # The claim outlives this lab's end until the address is gone.
        other = Claim.first_free(lambda network: [network.at(1, 1)])
        assert other.network != claim.network
        other.release()
        again.release()
        assert not listed(prefix)

    def test_exception_leaves_nothing(self, tmp_path: Path) -> None:
        other = Lab.start(tmp_path)
        assert listed(other.network)
        with pytest.raises(ZeroDivisionError), other:
            raise ZeroDivisionError
        assert not run_by(tmp_path)
        assert not listed(other.network)

    def test_scenarios(self) -> None:
        rows = json.loads(self.cli("scenarios", "--json").stdout)
        assert [row["scenario"] for row in rows] == list(SCENARIOS)
        assert all(row["sentence"].endswith(".") for row in rows)
        assert len(self.cli("scenarios").stdout.splitlines()) == len(rows)

    def test_usage_and_failure(self, tmp_path: Path) -> None:
        nobody = str(tmp_path / "lab.sock")
        assert self.cli("break", "flood", "--socket", nobody).returncode == 2
        failed = self.cli("break", "server-down", "--socket", nobody)
        assert failed.returncode == 1
        assert "no lab answers" in failed.stderr

    def test_a_missing_program_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tests.lab.programs._SBIN", ())
        monkeypatch.setenv("PATH", "")
        assert ("knotd", "knot") in missing()
        with pytest.raises(LabError, match=r"knotd.*apt-get install .*knot"):
            Lab.start(tmp_path)
