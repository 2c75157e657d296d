"""All files that people write, as they are checked."""

from __future__ import annotations

from dns_rules.inventory import Inventory
from dns_rules.packs import Pack
from dns_rules.rules import Rule
from dns_rules.ruletest import Suite
from kafka_bridge.config import Config as Bridge
from kafka_bridge.kafka.declared import Declared
from kafka_bridge.probes.settings import Probes
from otel_dns_receiver.config import Config as Receiver
from otel_dns_receiver.sources.kinds import kinds

from .structs import sections

_SCHEMA = "`{check}` checks it; its JSON Schema is `{schema}`."
_FILES = (
    ("receiver", "receiver.yaml", Receiver,
     _SCHEMA.format(check="otel-dns-receiver check receiver.yaml", schema="otel-dns-receiver config schema")),
    ("bridge", "bridge.yaml", Bridge,
     _SCHEMA.format(check="kafka-bridge check bridge.yaml", schema="kafka-bridge config schema")),
    ("probes", "probes.yaml", Probes,
     "Who may send to the bridge: [receiving](../../packages/kafka-bridge/docs/receiving.md)."),
    ("topics", "topics.yaml", Declared,
     "Topics, and who may do what: [Kafka](../../packages/kafka-bridge/docs/kafka.md)."),
    ("inventory", "inventory.yaml", Inventory,
     _SCHEMA.format(check="dns-rules check --inventory inventory.yaml", schema="dns-rules schema inventory")),
    ("rule", "A rule", Rule, _SCHEMA.format(check="dns-rules check --rules FOLDER", schema="dns-rules schema rule")),
    ("pack", "pack.yaml", Pack, "It names a folder of rules: [alert-rules](../../alert-rules/README.md)."),
    ("rule-test", "Tests of a rule", Suite, _SCHEMA.format(check="dns-rules test", schema="dns-rules schema test")),
)  # fmt: skip


def settings() -> dict[str, str]:
    """A page a file."""
    pages = {
        f"{name}.md": f"# {title}\n\nMade from the types that check it. {where}\n\n{sections(root)}"
        for name, title, root, where in _FILES
    }
    sources = ["", "## Sources", "", "A member of `sources`, by its `type`.", ""]
    for name, entry in sorted(kinds().items()):
        sources += [f"### {name}", "", sections(entry.load(), level=4)]
    pages["receiver.md"] += "\n".join(sources)
    return pages
