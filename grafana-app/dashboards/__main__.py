"""``python -m dashboards``: write what is in ``src`` anew; with ``--check``, say which files are not what is made."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from . import executive, forensic, operators, pipeline
from .prometheus import executive as prometheus_executive
from .prometheus import operators as prometheus_operators
from .prometheus import pipeline as prometheus_pipeline

FOLDER = Path(__file__).parent.parent / "src"
MADE = {
    "dashboards/executive.json": executive,
    "dashboards/operator.json": operators,
    "dashboards/forensic.json": forensic,
    "dashboards/pipeline.json": pipeline,
    "dashboards-prometheus/executive.json": prometheus_executive,
    "dashboards-prometheus/operator.json": prometheus_operators,
    "dashboards-prometheus/pipeline.json": prometheus_pipeline,
}


def texts() -> dict[str, str]:
    """Each file's name and its text."""
    return {
        name: json.dumps(module.made().build(), cls=JSONEncoder, indent=1, ensure_ascii=False) + "\n"
        for name, module in MADE.items()
    }


def main(arguments: list[str]) -> int:
    """Exit codes: 0 fine, 3 a file is another than what is made."""
    other = {name: text for name, text in texts().items() if not _same(FOLDER / name, text)}
    for name, text in other.items():
        print(name)
        if "--check" not in arguments:
            (FOLDER / name).write_text(text)
    return 3 if other and "--check" in arguments else 0


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
