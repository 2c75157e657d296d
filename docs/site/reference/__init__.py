"""The reference, made from code: what it says cannot be older than what runs."""

from __future__ import annotations

from .commands import commands
from .events import events
from .metrics import metrics
from .settings import settings
from .views import views


def reference() -> dict[str, dict[str, str]]:
    """Groups of the menu, and in each Markdown by the page's path."""
    groups = {
        "Configuration": settings(),
        "Commands": commands(),
        "Data": {"events.md": events(), "metrics.md": metrics(), "views.md": views()},
    }
    return {group: {f"docs/reference/{name}": text for name, text in pages.items()} for group, pages in groups.items()}
