"""The guide to the museum: its table, and a page of Markdown with every recording's story."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .museum import Page, Verdict


def table(verdicts: Sequence[Verdict]) -> str:
    """One line a recording, and the sums."""
    lines = [f"{'':4} {'recording':28} {'date':10} {'told after':>10} {'pages':>5} {'false':>5}  said"]
    for verdict in verdicts:
        delay = "" if verdict.delay is None else words.duration(verdict.delay)
        said = verdict.pages[0].title if verdict.pages else ""
        lines.append(
            f"{'FAIL' if verdict.failures else 'ok':4} {verdict.recording.id:28} {verdict.recording.date or '':10} "
            f"{delay:>10} {sum(page.calls for page in verdict.pages):>5} {verdict.false_pages:>5}  {said}"
        )
        lines += [f"     {verdict.file}: {text}" for text in verdict.failures]
    return "\n".join([*lines, _sums(verdicts)])


def page(verdicts: Sequence[Verdict]) -> str:
    """The museum as a page of Markdown."""
    kinds = {"incident": "Incidents", "quiet": "Quiet days"}
    parts = [
        "# The museum",
        (
            "Recordings of real incidents, made anew from what was published of them, and of days on which nothing was "
            "wrong. Each goes through the same engine as live events; a page that is not expected is a false one. "
            "`dns-rules museum` runs it."
        ),
        _sums(verdicts) + ".",
    ]
    for kind, heading in kinds.items():
        rows = [verdict for verdict in verdicts if verdict.recording.kind == kind]
        parts.append(f"## {heading}")
        if kind == "incident":
            parts.append(incidents(rows))
        parts += [_section(verdict) for verdict in rows]
    return "\n\n".join(parts) + "\n"


def incidents(verdicts: Sequence[Verdict], page: str = "") -> str:
    """The recordings of incidents as a table of Markdown.

    Args:
        verdicts: of all recordings.
        page: link to the museum's page, as seen from where the table stands; nothing on the page itself.
    """
    rows = "\n".join(_row(verdict, page) for verdict in verdicts if verdict.recording.kind == "incident")
    return f"| recording | date | told | after | says |\n|---|---|---|---|---|\n{rows}"


def _row(verdict: Verdict, page: str) -> str:
    recording = verdict.recording
    first = min((page for page in verdict.pages if page.expected), key=lambda page: page.after, default=None)
    said = "| | | nothing" if first is None else f"| {first.owner} | {words.duration(first.after)} | {first.title}"
    return f"| [{recording.title}]({page}#{recording.id}) | {recording.date} {said} |"


def _section(verdict: Verdict) -> str:
    recording = verdict.recording
    parts = [f"### {recording.id}", f"*{recording.title}.* {recording.story.strip()}"]
    if verdict.pages:
        parts.append(
            "\n".join(
                f"- after {words.duration(page.after)}, to {page.owner}: {page.title} "
                f"([{page.rule}](rules/{page.rule}.md))" + _again(page)
                for page in verdict.pages
            )
        )
    else:
        parts.append("Nobody is paged.")
    if recording.sources:
        parts.append("Sources: " + ", ".join(f"<{source}>" for source in recording.sources))
    return "\n\n".join(parts)


def _again(page: Page) -> str:
    return f"; called {page.calls} times, as it became graver" if page.calls > 1 else ""


def _sums(verdicts: Sequence[Verdict]) -> str:
    expected = sum(len(verdict.recording.expect) for verdict in verdicts)
    met = sum(page.expected for verdict in verdicts for page in verdict.pages)
    false = sum(verdict.false_pages for verdict in verdicts)
    incidents = sum(verdict.recording.kind == "incident" for verdict in verdicts)
    return (
        f"{incidents} incidents and {len(verdicts) - incidents} quiet days: {met} of {expected} pages came, "
        f"{false} false pages"
    )
