"""A new rule, begun as a copy of one that is there: with its tests and its runbook, so that all of it works at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .errors import RulesError
from .rules import PACKAGED

if TYPE_CHECKING:
    from pathlib import Path

    from .rules import Rules

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def begin(id_: str, like: str, rules: Rules, folder: Path) -> list[Path]:
    """Write ``<id>.yaml``, ``<id>.test.yaml`` and ``<id>.md``; returns where they are.

    Args:
        id_: of the new rule.
        like: of the rule that it begins as.
        rules: the pack with that rule.
        folder: for the new files.

    Raises:
        RulesError: the id is none, or is taken.
    """
    if _ID.fullmatch(id_) is None:
        msg = f"{id_!r} is no id; write small letters, digits and hyphens, as in our-outage"
        raise RulesError(msg)
    if rules.rule(id_) is not None or (folder / f"{id_}.yaml").exists():
        msg = f"rule {id_} is there already; write another id"
        raise RulesError(msg)
    rules.named(like)
    whole = list(reversed(rules.folders))  # an upper one may have only what differs
    runbooks = (*rules.folders, PACKAGED)
    sources = {
        f"{id_}.yaml": _found([place / f"{like}.yaml" for place in whole]),
        f"{id_}.test.yaml": _found([place / f"{like}.test.yaml" for place in rules.folders]),
        f"runbooks/{id_}.md": _found(
            [place.parent / "runbooks" / f"{rules.named(like).runbook}.md" for place in runbooks]
        ),
    }
    written = []
    for name, source in sources.items():
        if source is None:
            continue
        text = source.read_text(encoding="utf-8")
        if source.suffix == ".yaml":
            text = re.sub(rf"(?<![\w-]){re.escape(like)}(?![\w-])", id_, text)
            text = re.sub(r"^runbook: .*$", f"runbook: {id_}", text, flags=re.MULTILINE)
            # What else belongs to the incident is another question now.
            text = re.sub(r"^ +findings: .*\n|, findings: \[.*?\]|findings: \[.*?\](, )?", "", text, flags=re.MULTILINE)
            # Both are so at the same time; the new one is to lead.
            effects = ", ".join((like, *rules.named(like).explains))
            text = re.sub(r"^explains: .*\n", "", text, flags=re.MULTILINE)
            text = re.sub(r"^check_first:", f"explains: [{effects}]\ncheck_first:", text, flags=re.MULTILINE)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _found(paths: list[Path]) -> Path | None:
    return next((path for path in paths if path.exists()), None)
