"""Write the YAML files and the README's table from the mixin: `python -m tests.prometheus.render`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import _jsonnet
import yaml

MIXIN = Path(__file__).parents[2] / "alert-rules" / "prometheus"
BEGIN, END = "<!-- alerts -->\n", "<!-- /alerts -->\n"
FILES = {"dnstower_alerts.yaml": "prometheusAlerts", "dnstower_rules.yaml": "prometheusRules"}
_HEAD = "# Made from mixin.libsonnet by tests/prometheus/render.py; change it there.\n"


class _Dumper(yaml.SafeDumper):
    """Expressions of several lines are blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def evaluate(field: str, config: str = "{}") -> Any:
    """One field of the mixin under a configuration.

    Args:
        field: `prometheusAlerts` or `prometheusRules`.
        config: what differs from `config.libsonnet`, as jsonnet.
    """
    source = f"((import 'mixin.libsonnet') + {{_config+:: {config}}}).{field}"
    return json.loads(_jsonnet.evaluate_snippet(str(MIXIN / "snippet"), source))


def dump(tree: Any) -> str:
    """Rules as a YAML file."""
    return _HEAD + yaml.dump(tree, Dumper=_Dumper, sort_keys=False, width=118)


def runbook(name: str) -> Path:
    """The page: the pack's, or, of what is judged here only, our own."""
    ours = MIXIN / "runbooks" / name
    return ours if ours.exists() else MIXIN.parent / "runbooks" / name


def table() -> str:
    """Every alert, as a table in Markdown."""
    lines = ["| alert | severity | for | runbook |", "|---|---|---|---|"]
    for group in evaluate("prometheusAlerts", "{runbookUrl: '%s'}")["groups"]:
        for alert in group["rules"]:
            book = alert["annotations"]["runbook_url"]
            severity, pause = alert["labels"]["severity"], alert["for"]
            page = os.path.relpath(runbook(f"{book}.md"), MIXIN)
            lines.append(f"| `{alert['alert']}` | {severity} | {pause} | [{book}]({page}) |")
    return "\n".join(lines) + "\n"


def readme() -> str:
    """The README with its table made anew."""
    text = (MIXIN / "README.md").read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


def rendered() -> dict[str, str]:
    """Every file that is made, by name."""
    return {name: dump(evaluate(field)) for name, field in FILES.items()} | {"README.md": readme()}


if __name__ == "__main__":
    for name, text in rendered().items():
        (MIXIN / name).write_text(text, encoding="utf-8")
