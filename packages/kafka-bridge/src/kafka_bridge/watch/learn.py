"""An inventory for domains that somebody just named: what they answer now is what is expected."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import yaml
from dns_events import DnsEventsError, Observation, ndjson, normalize, within

from kafka_bridge.errors import BridgeError, ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from .options import Options, Resolver

_TYPES = ("A", "AAAA", "MX", "NS", "SOA")
#: NS and SOA are always asked for; these are what an owner would miss.
_EXPECTED = ("A", "AAAA", "MX")
_SECONDS = 60


def write_inventory(options: Options, path: Path) -> list[str]:
    """Ask the first resolver about each name and write an inventory; returns lines for people.

    Raises:
        ConfigError: something that is no name.
    """
    zones: dict[str, dict[str, Any]] = {}
    said = []
    for name in options.names:
        try:
            normal = normalize(name)
        except DnsEventsError as error:
            raise ConfigError(str(error)) from error
        seen = ask(normal, options.resolvers[0], options.timeout)
        zone = _zone_of(normal, seen)
        entry = zones.setdefault(
            zone, {"zone": zone, "owner": "owner", "criticality": "high", "dnssec": "optional", "records": []}
        )
        answered = sorted({o.qtype for o in seen if o.outcome == "answer" and o.qtype in _EXPECTED})
        entry["records"] += [{"name": normal, "type": qtype, "expect": "any"} for qtype in answered]
        if not answered:
            entry["records"].append({"name": normal, "type": "A"})
        said.append(f"{normal}: zone {zone}, expected data for {', '.join(answered) or 'nothing yet'}")
    document = {
        "version": 1,
        "teams": {"owner": {"name": "You", "notify": ["console"]}},
        "observers": "owner",
        "zones": list(zones.values()),
    }
    head = "# Written by `kafka-bridge up`: edit owners and expectations, then pass it with --inventory.\n"
    partial = path.with_suffix(".partial")
    partial.write_text(head + yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    partial.replace(path)
    return said


def ask(name: str, resolver: Resolver, timeout: float) -> list[Observation]:
    """What a resolver says of a name now; nothing where it does not answer.

    Raises:
        BridgeError: the receiver is not installed, or does not run.
    """
    command = [
        sys.executable, "-m", "otel_dns_receiver", "probe", name,
        "--server", f"{resolver.address}@{resolver.port}", "--timeout", str(timeout), "--json",
    ]  # fmt: skip
    for qtype in _TYPES:
        command += ["--type", qtype]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        msg = f"asking {resolver.address} about {name} took over {_SECONDS} s"
        raise BridgeError(msg) from error
    # 3 is "some question failed", which is an answer too.
    if done.returncode not in (0, 3):
        text = done.stderr.decode(errors="replace").strip().splitlines()
        msg = f"otel-dns-receiver does not run: {text[-1] if text else done.returncode}; pip install 'kafka-bridge[up]'"
        raise BridgeError(msg)
    return [e for e in ndjson.decode_lines(done.stdout.splitlines(), where="probe") if isinstance(e, Observation)]


def _zone_of(name: str, seen: list[Observation]) -> str:
    """The apex above the name: where the SOA is."""
    for observation in seen:
        for record in observation.answers:
            if record.type == "SOA" and within(name, record.name):
                return record.name
    for observation in seen:
        # A negative answer carries the zone's SOA in its authority section: the receiver takes the apex from it.
        if observation.zone != name and within(name, observation.zone) and observation.zone != ".":
            return observation.zone
    return name
