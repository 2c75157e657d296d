"""``kafka-bridge probes``: who may send, and new tokens."""

from __future__ import annotations

import hashlib
import json
import secrets
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from kafka_bridge.config import load_config
from kafka_bridge.errors import BridgeError

from .roster import load_roster

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON for programs.")]

probes_app = App(name="probes", help="Who may send events to this bridge (probes.yaml).")


@probes_app.command
def token(id_: Annotated[str, Parameter(name="ID")], /, *, region: str = "REGION") -> int:
    """Make a token: it is printed once, on stdout; the line for probes.yaml, without it, on stderr.

    Args:
        id_: the probe's id, as in its configuration.
        region: its region, as in its configuration.
    """
    made = f"dnstower_{secrets.token_urlsafe(32)}"
    digest = hashlib.sha256(made.encode()).hexdigest()
    print(made)
    quoted = {"id": id_, "region": region}
    line = ", ".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in quoted.items())
    print(f'  - {{{line}, token_sha256: "{digest}"}}', file=sys.stderr)
    return 0


@probes_app.command(name="list")
def list_(
    *, config: Annotated[Path, Parameter(help="bridge.yaml with `otlp: {probes: FILE}`.")], as_json: Json = False
) -> int:
    """List who may send, how it is proved, and how much.

    Args:
        config: bridge.yaml.
        as_json: one JSON object a line.
    """
    otlp = load_config(config).otlp
    if otlp.probes is None:
        msg = f"{config} has no `otlp: {{probes: FILE}}`: whoever reaches the endpoint may send"
        raise BridgeError(msg)
    roster = load_roster(Path(otlp.probes), certificates=otlp.mutual)
    for entry in roster.entries:
        limits = roster.limits(entry)
        proofs = ["token"] * bool(entry.tokens) + ["certificate"] * (entry.certificate is not None)
        row = {
            "id": entry.id,
            "region": entry.region,
            "proofs": proofs,
            "certificate": entry.certificate,
            "speaks_for": entry.speaks_for,
            "rate": limits.rate,
            "rate_bytes": limits.rate_bytes,
            "burst": limits.burst,
            "max_bytes": min(limits.max_bytes or otlp.max_bytes, otlp.max_bytes),
        }
        if as_json:
            print(json.dumps(row, ensure_ascii=False))
        else:
            whom = f"speaks for {', '.join(entry.speaks_for)}" if entry.speaks_for else ""
            proof = "+".join(proofs) or "through another"
            print(f"{entry.id:24} {entry.region or '-':16} {proof:18} {limits.rate:g} events/s  {whom}".rstrip())
    return 0
