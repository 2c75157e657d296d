"""``dns-rules flink run|control``: the judgement on Apache Flink."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - cyclopts asks for it

from cyclopts import App

from dns_rules.errors import RulesError
from dns_rules.inventory import load_inventory
from dns_rules.packs import load_rules

from . import control
from .settings import load_job

flink = App(
    name="flink",
    help="The judgement on Apache Flink: the same two steps as keyed functions.",
    result_action="return_value",
)


@flink.command
def run(*, config: Path, restore: str | None = None) -> int:
    """Run the job until it ends: on a mini-cluster in this process, or on the cluster that `flink run -py` names.

    Args:
        config: job.yaml.
        restore: a checkpoint or savepoint to go on from, as a path or URL; from the beginning without.
    """
    job = load_job(config)
    try:
        from .job import build  # noqa: PLC0415 - an extra
    except ImportError as error:
        msg = f"`dns-rules flink run` needs more than is installed ({error}); pip install 'dns-rules[flink]'"
        raise RulesError(msg) from error
    build(job, restore).execute("dnstower")
    return 0


@flink.command(name="control")
def print_control(inventory: Path, /, *, rules: Path | None = None) -> int:
    r"""Print the messages that tell a running job what is watched, one a line: key, a tab, JSON.

    For the control topic, by any client: `dns-rules flink control inventory.yaml | kcat -P -t dns.control -K '\t'`.

    Args:
        inventory: the inventory file.
        rules: a folder of rules; the packaged pack without.
    """
    for key, value in (control.of_inventory(load_inventory(inventory)), control.of_rules(load_rules(rules))):
        sys.stdout.buffer.write(b"%s\t%s\n" % (key.encode(), value))
    sys.stdout.flush()
    return 0
