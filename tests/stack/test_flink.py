"""The job on Apache Flink says what the engine says, byte for byte, whatever becomes of its processes."""

from __future__ import annotations

import datetime as dt
import os
import signal
from collections import defaultdict
from pathlib import Path

import msgspec
import polars as pl
import pytest
from dns_events import ndjson
from dns_rules import Finding, Incident, Inventory, load_rules
from dns_rules.enrichment import decode, question_of
from dns_rules.flink import control
from dns_rules.museum import recordings
from kafka_bridge.kafka import headers
from kafka_bridge.kafka.topics import topics

from tests.stack.bridges import ROLES, Stack, read_all, recent, requests
from tests.stack.flink import beside, savepoint
from tests.stack.flink.bus import NAMES, PATIENCE, Bus, expected, lives
from tests.stack.flink.cluster import Cluster
from tests.stack.flink.running import Running, missing
from tests.stack.kafka.rights import USERS, bridge_yaml, command, topics_yaml

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
#: One of each kind, and few enough for a test: the whole museum says nothing that these do not.
RECORDINGS = (
    "aws-2025", "dyn-2016", "myetherwallet-2018", "nytimes-2013", "perl-2021", "rolling-restart", "ru-2024",
    "slack-2021",
)  # fmt: skip


def museum(only):
    """All zones of the recordings under one roof, each recording's where no earlier one has them; and what happened."""
    teams, zones, sent = {}, {}, []
    for _, recording in recordings(only=only):
        teams |= recording.teams
        if not {zone.zone for zone in recording.zones} & zones.keys():
            zones |= {zone.zone: zone for zone in recording.zones}
            sent += recording.events()
    inventory = Inventory(version=1, teams=teams, observers="tower", zones=tuple(zones.values()))
    return inventory, sorted(sent, key=lambda event: (event.time, event.id))


@pytest.fixture
def bus(broker, tmp_path):
    opened = Bus(broker, tmp_path)
    yield opened
    opened.job.kill()


def test_the_museum_through_a_job_that_is_killed_and_rescaled(bus):
    """All of it is killed while incidents are open; a cluster takes the checkpoint up, and loses a task manager."""
    inventory, events = museum(RECORDINGS)
    rules = load_rules()
    incidents, findings, end = expected(inventory, events, rules)
    start = events[0].time
    bus.tell(control.of_inventory(inventory), start)
    bus.tell(control.of_rules(rules), start)
    # Up to a moment at which some incidents are open; the rest is there before the job goes on, because partitions
    # that are silent for a while are not waited for.
    part = next(number for number, event in enumerate(events) if event.time > start + dt.timedelta(minutes=12))
    bus.send(events[:part])
    bus.job.start(slots=1, topics=bus.names(enriched=True))
    bus.wait("first incidents", lambda: bus.read("incidents", Incident))
    bus.job.kill()
    assert len(bus.read("incidents", Incident)) < len(incidents)
    bus.send(events[part:])
    checkpoint = bus.job.checkpoints()[-1]
    bus.job = cluster = Cluster(bus.job.home, bus.bootstrap, bus.names(enriched=True))
    cluster.start(slots=2, restore=str(checkpoint))
    bus.wait("a checkpoint of two slots", lambda: cluster.checkpoints()[-1] != checkpoint)
    lost, _ = cluster.managers()
    cluster.lose(lost)
    checkpoint = cluster.checkpoints()[-1]
    bus.wait("a checkpoint without the one that is lost", lambda: cluster.checkpoints()[-1] != checkpoint)
    workers = cluster.workers()
    assert len(workers) >= 2
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    bus.wait("all incidents", lambda: len(bus.read("incidents", Incident)) >= len(incidents), tick=end)
    bus.wait("all findings", lambda: len(bus.read("findings", Finding)) >= len(findings), tick=end)
    bus.job.kill()

    told = bus.read("incidents", Incident)
    assert {incident.id for key, incident in told if key != incident.id} == set()
    found, meant = lives(incident for _, incident in told), lives(incidents)
    for key in {*found, *meant}:
        assert found.get(key) == meant.get(key), key
    written = [finding for _, finding in bus.read("findings", Finding)]
    assert sorted(written, key=order) == sorted(findings, key=order)
    assert [finding.time for finding in written] == sorted(finding.time for finding in findings)
    enriched(bus, events, inventory, rules, end)


def enriched(bus, events, inventory, rules, end):
    """Each event once, as the bridge writes it; beside it what is known, and a step of the judgement, never back."""
    messages = bus.messages("enriched")
    by_id = {event.id: event for event in events}
    assert sorted(dict(message.headers())["ce_id"].decode() for message in messages) == sorted(by_id)
    certain, courses = beside.known(events, inventory), beside.courses(events, inventory, rules, end)
    places, order_ = defaultdict(int), defaultdict(list)
    for message in messages:
        found = decode(message.value())
        event = by_id[found.event.id]
        assert (found.json, message.key().decode()) == (ndjson.encode(event), event.zone)
        assert message.headers() == headers.of_event(event)
        enrichment = msgspec.json.decode(found.enrichment)
        assert beside.certain(enrichment) == certain[event.id]
        order_[event.zone].append(event.id)
        key = event.zone, question_of(event)
        # After a restart, verdicts are missing until a step is judged.
        whole = [beside.judged(step) for step in courses[key]]
        bare = [beside.judged(step, spread=False) for step in courses[key]]
        said = beside.judged(enrichment)
        at = [n for n in range(len(whole)) if said in (whole[n], bare[n])]
        place = next((n for n in at if n >= places[key]), None)
        assert place is not None, (key, said, places[key], whole)
        places[key] = place
    assert order_ == {zone: [event.id for event in events if event.zone == zone] for zone in order_}
    assert any(places.values())


def order(finding):
    return finding.time, finding.zone, finding.rule, finding.key


def test_a_changed_inventory_is_judged_by_without_a_restart(bus):
    """What was not watched at first is told of once it is."""
    inventory, events = museum(("ru-2024",))
    rules = load_rules()
    incidents, _, end = expected(inventory, events, rules)
    stranger = Inventory(
        version=1, teams=inventory.teams, observers="tower",
        zones=tuple(msgspec.structs.replace(zone, zone="other.example", records=()) for zone in inventory.zones[:1]),
    )  # fmt: skip
    bus.tell(control.of_inventory(stranger), events[0].time)
    bus.tell(control.of_rules(rules), events[0].time)
    bus.job.start()
    bus.wait("a checkpoint", bus.job.checkpoints)
    bus.tell(control.of_inventory(inventory), events[0].time)
    at = len(bus.job.checkpoints()) and bus.job.checkpoints()[-1]
    bus.wait("one after the change", lambda: bus.job.checkpoints()[-1] != at)
    bus.send(events)
    bus.wait("all incidents", lambda: len(bus.read("incidents", Incident)) >= len(incidents), tick=end)
    assert lives(incident for _, incident in bus.read("incidents", Incident)) == lives(incidents)


def allowed(bus, broker, folder):
    """Give the job by both of its names the rights that it needs."""
    made = {name: {"partitions": bus.partitions if name == "normalized" else 1} for name in NAMES}
    access = [{"principal": f"User:{name}", "role": "judge"} for name in ("job", "job-by-certificate")]
    external = {"judge": "external", "enrich": "external"}
    declared = topics_yaml(folder, bus.prefix, group="dnstower", topics=made, access=access, **external)
    config = bridge_yaml(folder, broker, prefix=bus.prefix, group="dnstower")
    code, _, err = command("apply", declared, "--config", config, "--yes")
    assert code == 0, err


@pytest.fixture
def guarded(secured, tmp_path):
    """Topics on a broker on which the job may do what it needs and no more."""
    opened = Bus(secured, tmp_path)
    allowed(opened, secured, tmp_path)
    yield opened
    opened.job.kill()


def test_a_job_that_cannot_read_all_and_moves_by_a_savepoint(guarded, secured, authority, tmp_path):
    """What cannot be read is a dead letter and ends nothing; a zone may be in many partitions, a slot become two.

    It logs in by a password over TLS at first, and by a certificate later.
    """
    bus = guarded
    (tmp_path / "password").write_text(USERS["job"] + "\n")
    tls = {"ca": str(authority.file)}
    sasl = {"username": "job", "password_file": str(tmp_path / "password")}
    by_password = {"brokers": [f"127.0.0.1:{secured.ports['scram']}"], "tls": tls, "sasl": sasl}
    certificate, key = authority.issue("job-by-certificate")
    (tmp_path / "keystore.pem").write_bytes(key.read_bytes() + certificate.read_bytes())
    pair = {**tls, "keystore": str(tmp_path / "keystore.pem")}
    by_certificate = {"brokers": [f"127.0.0.1:{secured.ports['mtls']}"], "tls": pair}
    inventory, events = museum(("dyn-2016", "ru-2024"))
    rules = load_rules()
    incidents, findings, end = expected(inventory, events, rules)
    start = events[0].time
    bus.tell(control.of_inventory(inventory), start)
    bus.tell(control.of_rules(rules), start)
    spoiled = bus.spoil()
    part = len(events) // 2
    bus.send(events[:part], hot=True)
    bus.job.start(slots=1, **by_password)
    bus.wait("first incidents", lambda: bus.read("incidents", Incident))
    bus.wait("its figures", lambda: {"findings", "incidents"} <= {n for n, many in bus.job.counted().items() if many})
    assert bus.job.counted()["deadletters"] == len(spoiled)
    savepoint = bus.job.stop()
    bus.spoil()
    bus.send(events[part:], hot=True)
    # From here on it enriches too: what was saved has nothing of it.
    bus.job.start(slots=2, restore=savepoint, topics=bus.names(enriched=True), **by_certificate)
    bus.wait("all incidents", lambda: len(bus.read("incidents", Incident)) >= len(incidents), tick=end)
    bus.wait("all findings", lambda: len(bus.read("findings", Finding)) >= len(findings), tick=end)
    bus.job.kill()

    assert lives(incident for _, incident in bus.read("incidents", Incident)) == lives(incidents)
    assert sorted((f for _, f in bus.read("findings", Finding)), key=order) == sorted(findings, key=order)
    letters = bus.messages("deadletter")
    assert sorted(message.value() for message in letters) == sorted([*spoiled, *spoiled])
    for message in letters:
        head = dict(message.headers())
        assert head["dnstower.reason"]
        topic, partition, offset = head["dnstower.place"].decode().rsplit("/", 2)
        meant = bus.topics.control if b"version" in message.value() else bus.topics.normalized
        assert (topic, partition.isdigit(), offset.isdigit()) == (meant, True, True)
    assert len({dict(message.headers())["dnstower.place"] for message in letters}) == len(letters)
    logs = [bus.job.log, *bus.job.home.glob("flink-*.log")]
    assert not any(USERS["job"] in file.read_text() for file in logs)
    ids = [dict(message.headers())["ce_id"].decode() for message in bus.messages("enriched")]
    assert len(ids) == len(set(ids))
    assert {event.id for event in events[part:]} <= set(ids) <= {event.id for event in events}


def test_a_savepoint_of_the_first_format(broker, tmp_path):
    """An incident that was open in it is mended, and is the same one."""
    fixture = Path(__file__).parent / "flink" / "savepoint-1"
    listed, told = savepoint.read(fixture)
    known = control.Told()
    for message in told:
        known.take(*message)
    incidents, _, end = expected(known.inventory, listed, known.rules)
    bus = Bus(broker, tmp_path, partitions=1, prefix=savepoint.PREFIX)
    try:
        # As far as it had read them, topics are what they were.
        for message in told:
            bus.tell(message, listed[0].time)
        bus.send(listed)
        bus.job.start(restore=str(fixture / "savepoint"))
        mended = [(incident.id, incident.updated) for incident in incidents if incident.state == "resolved"]

        def said():
            return [(i.id, i.updated) for _, i in bus.read("incidents", Incident) if i.state == "resolved"]

        bus.wait("its end", said, tick=end)
        assert said() == mended
        # It does not begin again: what was said before the savepoint is not said twice.
        assert "pending" not in {incident.state for _, incident in bus.read("incidents", Incident)}
    finally:
        bus.job.kill()


class External(Stack):
    """Bridges that store, archive and page, and leave judgement and enrichment to the job."""

    judge = enrich = "external"
    patience = 2 * PATIENCE

    def config(self, roles=ROLES):
        found = super().config(roles)
        found["kafka"] |= {"judge": self.judge, "enrich": self.enrich}
        return found


def test_a_bridge_whose_judgement_is_elsewhere(broker, postgres, tmp_path):
    """All that the bridge promises holds: every event stored once, every page sent once, also over a kill of it.

    The archive is what the job wrote, each event once, where the job wrote an event twice as well.
    """
    stack = External(tmp_path, broker, postgres, f"external{os.getpid()}")
    names = topics(stack.prefix)
    job = Running(tmp_path / "job", broker.bootstrap, {name: getattr(names, name) for name in NAMES})
    try:
        # Longer than a bridge is away: a partition that comes back with older events after it would be late.
        job.start(idle="45s")
        sent = recent()
        bridge = stack.bridge()
        payloads = requests(sent)
        again = payloads[1]
        for payload in payloads[: len(payloads) // 2]:
            bridge.send(payload)
        bridge.kill()
        bridge = stack.bridge()
        for payload in payloads[len(payloads) // 2 :]:
            bridge.send(payload)
        bridge.send(again)
        stack.reconcile(sent)
        assert stack.one("select count(*) from zone_state") == 0
        written = [decode(value) for _, value in read_all(stack, "dns.enriched")]
        assert len(written) == len(sent) + 60
        archived = pl.read_parquet(tmp_path / "archive" / "**" / "*.parquet")
        assert set(archived.select("event", "enrichment").rows()) <= {
            (found.json.decode(), found.enrichment.decode()) for found in written
        }
        assert not job.ended
    finally:
        job.kill()
        stack.close()
