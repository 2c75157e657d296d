"""``kafka-bridge``: run, up, and a look into the store. stdout is data, stderr is for people."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import msgspec
import psycopg
from cyclopts import App, Parameter
from dns_events.durations import seconds as parse_seconds
from dns_rules.errors import RulesError
from dns_rules.programs import collect_seldom
from msgspec import structs

from .bridge import Bridge
from .config import Config, Otlp, endpoint, load_config, loopback, schema
from .deadletter import deadletter_app
from .errors import BridgeError, ConfigError
from .evidence.commands import evidence_app
from .health.doctor import doctor
from .kafka.commands import topics_app
from .kafka.schema_commands import schemas_app
from .kafka.settings import Kafka
from .notify.commands import acknowledge, silence_app
from .notify.receivers import kinds
from .notify.trial import notify_app
from .probes.commands import probes_app
from .probes.roster import load_roster
from .replay.commands import replay
from .store.commands import store_app
from .store.locate import Dir, Json, Where, query
from .version import __version__
from .watch.options import PUBLIC, Options, resolver
from .watch.up import run as run_up

app = App(
    name="kafka-bridge",
    help="The backbone and the memory of DNS monitoring: OTLP in; a durable bus, rules, a store, a board, pages.\n\n"
    "Exit codes: 0 fine, 1 failed, 2 usage, 3 an incident is firing.",
    version=__version__,
    result_action="return_value",
)
config_app = App(name="config", help="About the configuration.")
drill_app = App(name="drill", help="Mark a zone as broken on purpose: its incidents say that they are a drill.")
app.command(config_app)
app.command(drill_app)
app.command(deadletter_app)
app.command(topics_app)
app.command(schemas_app)
app.command(store_app)
app.command(evidence_app)
app.command(acknowledge)
app.command(silence_app)
app.command(notify_app)
app.command(doctor)
app.command(probes_app)
app.command(replay)


@app.command
def run(*, config: Path, as_json: Json = False) -> int:
    """Run the bridge until SIGINT or SIGTERM. Changed inventories and rules are taken up by themselves, and at SIGHUP.

    Args:
        config: bridge.yaml.
        as_json: console pages as JSON on stdout.
    """
    return _run(load_config(config), as_json=as_json)


@app.command
def forward(
    *,
    config: Path | None = None,
    broker: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    prefix: str = "",
    grpc: str = "127.0.0.1:4317",
    http: str = "127.0.0.1:4318",
) -> int:
    """Take OTLP logs and write them to the raw topic, nothing else: for teams without a Collector.

    No inventory, no store. With --config its `kafka` and `otlp` apply (TLS, logins, tokens, limits); without, the
    brokers are spoken to in plain text.

    Args:
        config: bridge.yaml.
        broker: HOST:PORT; repeat it for more.
        prefix: of the topics, for instance `prod.`.
        grpc: where OTLP/gRPC listens (loopback).
        http: where OTLP/HTTP listens (loopback).
    """
    if (config is None) != bool(broker):
        msg = "write --config FILE, or --broker HOST:PORT"
        raise _UsageError(msg)
    if config is not None:
        loaded = load_config(config)
        if loaded.kafka is None:
            msg = f"{config} has no `kafka`; write `bus: kafka` and `kafka: {{brokers: […]}}`"
            raise ConfigError(msg)
        return _run(structs.replace(loaded, kafka=structs.replace(loaded.kafka, roles=("forward",))))
    for option, text in (("--grpc", grpc), ("--http", http), *(("--broker", one) for one in broker)):
        host, _ = _checked_endpoint(text, option)
        if option != "--broker" and not loopback(host):
            msg = f"{option} {text} is not on loopback; for others, use --config with `otlp: {{expose: true}}`"
            raise _UsageError(msg)
    return _run(
        Config(
            bus="kafka",
            kafka=Kafka(brokers=broker, prefix=prefix, roles=("forward",)),
            otlp=Otlp(grpc=grpc, http=http),
            board=None,
        )
    )


def _run(config: Config, *, as_json: bool = False) -> int:
    collect_seldom()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with Bridge(config, as_json=as_json, set_back=None if config.kafka is None else _begin_anew) as bridge:
        signal.signal(signal.SIGHUP, lambda *_: bridge.reload())
        ports = bridge.ports
        print(
            f"dnstower: OTLP grpc {ports.grpc or 'off'}, http {ports.http or 'off'}; board {ports.board or 'off'}"
            + (f"; health {ports.health}" if ports.health else ""),
            file=sys.stderr,
            flush=True,
        )
        while not stop.wait(1.0):
            if bridge.bus.failure is not None:
                raise BridgeError(str(bridge.bus.failure))
    return 0


def _begin_anew(seconds: float) -> None:
    """Put a new bridge in the place of this one, as after a kill.

    librdkafka waits by the time of day (its issue 2145): where that is set back, its clients stand still until traffic
    wakes them or the clock has caught up. In the silence of dead probes, the very thing to be told of, nothing does.
    """
    print(
        f"dnstower: this host's clock was set back by {seconds:.0f} s, and clients of Kafka may stand still until it "
        "has caught up; beginning anew",
        file=sys.stderr,
        flush=True,
    )
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - what was started before


@app.command
def up(
    *names: str,
    resolver_: Annotated[
        tuple[str, ...],
        Parameter(name="--resolver", negative="", help="REGION=ADDRESS[@PORT]; repeat it for more regions."),
    ] = (),
    trust_anchor: Path | None = None,
    root_hints: Path | None = None,
    inventory: Path | None = None,
    rules: Path | None = None,
    interval: str = "30s",
    timeout: str = "2s",
    dir_: Annotated[Path, Parameter(name="--dir")] = Path(".dnstower"),
    board: str = "127.0.0.1:8053",
    notify: Path | None = None,
    for_: Annotated[str | None, Parameter(name="--for")] = None,
    once: Annotated[bool, Parameter(negative="")] = False,
    as_json: Json = False,
) -> int:
    """Watch domains: the bridge here, and a receiver process for each region.

    Without --resolver, three public resolvers stand for three regions. With names and without --inventory,
    what the names answer now is what is expected of them.

    Args:
        names: domains; with --inventory, a selection of its zones.
        resolver_: regions and their resolvers.
        trust_anchor: DS or DNSKEY records of the root, for private DNS.
        root_hints: the root's servers, for private DNS.
        inventory: zones, owners and expectations.
        rules: a folder of rules in place of the packaged ones.
        interval: how often each question is asked.
        timeout: how long an answer is waited for.
        dir_: where state is kept.
        board: where the board listens (loopback), port 0 for a free one.
        notify: a file whose `notify` says who gets pages, as in a bridge.yaml; console and a file without.
        for_: stop after this time.
        once: stop after every zone was judged once, and print a table.
        as_json: print one JSON object at the end.
    """
    if not names and inventory is None:
        msg = "nothing to watch; write domains (kafka-bridge up example.com) or --inventory FILE"
        raise _UsageError(msg)
    host, _ = _checked_endpoint(board, "--board")
    if not loopback(host):
        msg = f"--board {board} is not on loopback; for others, use `kafka-bridge run` with `board: {{expose: true}}`"
        raise _UsageError(msg)
    try:
        resolvers = tuple(resolver(text) for text in resolver_ or PUBLIC)
    except ConfigError as error:
        raise _UsageError(str(error)) from error
    if len({r.region for r in resolvers}) != len(resolvers):
        msg = "two resolvers of one region; give each its own region"
        raise _UsageError(msg)
    return run_up(
        Options(
            names=names,
            resolvers=resolvers,
            trust_anchor=trust_anchor,
            root_hints=root_hints,
            inventory=inventory,
            rules=rules,
            interval=_seconds("--interval", interval),
            timeout=_seconds("--timeout", timeout),
            directory=dir_,
            board=board,
            notify=notify,
            seconds=None if for_ is None else _seconds("--for", for_),
            once=once,
            as_json=as_json,
        )
    )


@app.command
def check(config: Path, /, *, as_json: Json = False) -> int:
    """Check a configuration and its inventory and rules; errors name file and line.

    Args:
        config: bridge.yaml.
        as_json: print JSON.
    """
    from dns_rules import load_inventory, load_rules  # noqa: PLC0415 - only this command needs them

    loaded = load_config(config)
    try:
        zones = () if loaded.inventory is None else load_inventory(loaded.inventory, kinds(loaded.notify)).zones
        rules = load_rules(loaded.rules).rules
    except RulesError as error:
        raise ConfigError(str(error)) from error
    if loaded.otlp.probes is not None:
        load_roster(Path(loaded.otlp.probes), certificates=loaded.otlp.mutual)
    if as_json:
        print(json.dumps({"zones": len(zones), "rules": len(rules), "bus": loaded.bus}))
    else:
        print(f"{config} is fine: {len(zones)} zones, {len(rules)} rules, bus {loaded.bus}")
    return 0


@config_app.command(name="schema")
def config_schema() -> int:
    """Print the JSON Schema of bridge.yaml."""
    print(json.dumps(schema(), indent=2))
    return 0


@app.command
def incidents(
    *,
    config: Where = None,
    dir_: Dir = Path(".dnstower"),
    all_: Annotated[bool, Parameter(name="--all", negative="")] = False,
    as_json: Json = False,
) -> int:
    """List the open incidents; exit 3 when one is firing.

    Args:
        config: bridge.yaml.
        dir_: state folder of a running `up`.
        all_: resolved ones too.
        as_json: one JSON object a line.
    """
    states = ["pending", "firing", "resolved"] if all_ else ["pending", "firing"]
    rows = query(
        config,
        dir_,
        "select body from incident where state = any(%s) order by since desc limit 1000",
        (states,),
    )
    for (body,) in rows:
        if as_json:
            print(json.dumps(body, ensure_ascii=False))
        else:
            print(f"{body['since']} {body['state']:8} {body['severity']:8} {body['owner']:12} {body['title']}")
            print(f"    {'; '.join([body['id'], *_calls(body)])}")
    return 3 if any(body["state"] == "firing" for (body,) in rows) else 0


def _calls(body: dict[str, Any]) -> list[str]:
    """What was done about an incident, in words."""
    told = [f"{call['why']}: {call['team']} called {call['time'][11:19]}Z" for call in body.get("calls", ())]
    if taken := body.get("acknowledged"):
        note = f" ({taken['note']})" if taken["note"] else ""
        told.append(f"taken on by {taken['by']}{note}")
    if silenced := body.get("silenced"):
        told.append(f"silenced until {silenced['end'][:19]}Z: {silenced['reason']}")
    return [*told, body["resolution"]] if body.get("resolution") else told


@app.command
def health(*, config: Where = None, dir_: Dir = Path(".dnstower"), as_json: Json = False) -> int:
    """List the health of every zone, with the reasons.

    Args:
        config: bridge.yaml.
        dir_: state folder of a running `up`.
        as_json: one JSON object a line.
    """
    columns = ("zone", "owner", "status", "score", "reasons", "agreement", "dnssec")
    for row in query(config, dir_, f"select {', '.join(columns)} from v_zone_overview order by zone", ()):  # noqa: S608
        entry = dict(zip(columns, row, strict=True))
        if as_json:
            print(json.dumps(entry, ensure_ascii=False))
        else:
            print(f"{entry['zone']:32} {entry['status']:10} {entry['score'] if entry['score'] is not None else '-'}")
            for reason in entry["reasons"] or []:
                print(f"    {reason}")
    return 0


@drill_app.command(name="start")
def drill_start(zone: str, scenario: str, /, *, config: Where = None, dir_: Dir = Path(".dnstower")) -> int:
    """Say that a zone is about to be broken on purpose.

    Args:
        zone: the zone.
        scenario: what is done to it.
        config: bridge.yaml.
        dir_: state folder of a running `up`.
    """
    query(
        config, dir_,
        "insert into drill (zone, scenario) values (%s, %s) on conflict (zone) do update set "
        "scenario = excluded.scenario, started = now(), ended = null returning zone", (zone, scenario),
    )  # fmt: skip
    return 0


@drill_app.command(name="end")
def drill_end(zone: str, /, *, config: Where = None, dir_: Dir = Path(".dnstower")) -> int:
    """Say that the drill is over.

    Args:
        zone: the zone.
        config: bridge.yaml.
        dir_: state folder of a running `up`.
    """
    query(config, dir_, "update drill set ended = now() where zone = %s returning zone", (zone,))
    return 0


class _UsageError(BridgeError):
    """The words of the command are off: exit code 2."""


def _seconds(option: str, text: str) -> float:
    try:
        return parse_seconds(text if not text.replace(".", "").isdigit() else float(text))
    except ValueError as error:
        msg = f"{option}: {error}"
        raise _UsageError(msg) from error


def _checked_endpoint(text: str, option: str) -> tuple[str, int]:
    try:
        return endpoint(text)
    except ValueError as error:
        msg = f"{option}: {error}"
        raise _UsageError(msg) from error


def main() -> None:
    """Run the command line and exit."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="dnstower: %(message)s")
    # The pool's own words repeat what the worker says, once a second while the store is away.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    try:
        code = app()
    except _UsageError as error:
        print(f"kafka-bridge: {error}", file=sys.stderr)
        code = 2
    except (BridgeError, RulesError, psycopg.Error, msgspec.ValidationError, OSError) as error:
        print(f"kafka-bridge: {error}", file=sys.stderr)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)
