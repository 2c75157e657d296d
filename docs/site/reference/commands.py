"""The command lines, as `--help` says them."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout, suppress
from typing import TYPE_CHECKING

from dns_events.__main__ import main as dns_events
from dns_rules.cli import app as dns_rules
from kafka_bridge.cli import app as kafka_bridge
from otel_dns_receiver.cli import app as otel_dns_receiver

if TYPE_CHECKING:
    from cyclopts import App

_APPS = {"otel-dns-receiver": otel_dns_receiver, "dns-rules": dns_rules, "kafka-bridge": kafka_bridge}
_TABLE = re.compile(r"^## Table of Contents\n.*?(?=^\*\*Commands)", re.MULTILINE | re.DOTALL)


def commands() -> dict[str, str]:
    """A page a program."""
    pages = {f"{name}.md": _page(app) for name, app in _APPS.items()}
    pages["dns-events.md"] = _argparse()
    return pages


def _page(app: App) -> str:
    return _TABLE.sub("", app.generate_docs(output_format="markdown"))


def _argparse() -> str:
    out = ["# python -m dns_events", ""]
    for words in ([], ["schema"], ["check"], ["convert"]):
        said = io.StringIO()
        with redirect_stdout(said), suppress(SystemExit):
            dns_events([*words, "--help"])
        title = " ".join(["python -m dns_events", *words])
        out += [*([f"## {title}", ""] if words else []), "```text", said.getvalue().rstrip(), "```", ""]
    return "\n".join(out)
