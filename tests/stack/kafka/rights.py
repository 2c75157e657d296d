"""Topics, and who may do what with them, as `kafka-bridge topics` makes them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from .broker import Broker

#: Who may log in by SASL, and their passwords.
USERS = {
    "bridge-a": "bridge-a-secret", "reader-a": "reader-a-secret", "bridge-b": "bridge-b-secret", "job": "job-'secret'",
}  # fmt: skip
_INVENTORY = "version: 1\nteams: {web: {name: Web}}\nzones: [{zone: example.com, owner: web}]\n"


def bridge_yaml(folder: Path, broker: Broker, listener: str = "plain", prefix: str = "a.", **kafka: Any) -> Path:
    """The file of a bridge that logs in at this listener."""
    folder.mkdir(exist_ok=True)
    (folder / "inventory.yaml").write_text(_INVENTORY)
    file = folder / "bridge.yaml"
    settings = {
        "brokers": [f"127.0.0.1:{broker.ports[listener]}"], "prefix": prefix, "group": f"{prefix}dnstower", **kafka,
    }  # fmt: skip
    file.write_text(json.dumps({"version": 1, "bus": "kafka", "inventory": "inventory.yaml", "kafka": settings}))
    return file


def topics_yaml(folder: Path, prefix: str = "a.", **more: Any) -> Path:
    """The file of topics and rights of an environment."""
    file = folder / "topics.yaml"
    declared = {"version": 1, "prefix": prefix, "group": f"{prefix}dnstower", "replication": 1, "in_sync": 1, **more}
    file.write_text(json.dumps(declared))
    return file


def command(*words: object) -> tuple[int, str, str]:
    """`kafka-bridge topics`: its status, and what it said on stdout and stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "kafka_bridge", "topics", *map(str, words)], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def grant(folder: Path, broker: Broker, prefix: str, access: list[dict[str, str]], **declared: Any) -> None:
    """Make an environment in which these may do what their roles need, and nobody else."""
    config = bridge_yaml(folder, broker, prefix=prefix)
    code, _, err = command("apply", topics_yaml(folder, prefix, access=access, **declared), "--config", config, "--yes")
    assert code == 0, err
