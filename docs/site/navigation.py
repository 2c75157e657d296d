"""What stands in the site's menu, in the order in which people need it."""

from __future__ import annotations

from typing import Any

_PACKAGES = ("otel-dns-receiver", "dns-events", "dns-rules", "kafka-bridge")


def navigation(titles: dict[str, str], made: dict[str, dict[str, str]]) -> list[Any]:
    """The menu.

    Args:
        titles: first heading of each page, by the page's path.
        made: the pages of the reference, by group, in order.
    """

    def folder(start: str) -> list[Any]:
        """The folder's own page, and then the pages under it by the name of their file."""
        rest = sorted(page for page in titles if page.startswith(start) and page != f"{start}README.md")
        return [*_own(start, titles), *({_name(page): page} for page in rest)]

    def example(page: str) -> dict[str, str]:
        return {page.split("/")[1]: page}

    examples = sorted(page for page in titles if page.startswith("examples/") and page.count("/") == 2)
    return [
        {
            "Start": [
                "README.md",
                {"Start here": "docs/start.md"},
                {"Five ways to use it": "docs/ways.md"},
                {"How the parts fit": "docs/architecture.md"},
                {"Contributing": "CONTRIBUTING.md"},
            ]
        },
        {
            "Rollout": [
                "docs/rollout/README.md",
                {"Phase 1: critical domains": "docs/rollout/critical-domains.md"},
                {"Phase 2: anomalies and governance": "docs/rollout/anomalies-and-governance.md"},
                {"Phase 3: abuse and resilience": "docs/rollout/abuse-and-resilience.md"},
                {"Failure modes": "docs/rollout/failure-modes.md"},
            ]
        },
        {
            "Parts": [
                *({name: [*_own(f"packages/{name}/", titles), *_docs(name, titles)]} for name in _PACKAGES),
                {
                    "alert-rules": [
                        "alert-rules/README.md",
                        {"For Prometheus alone": "alert-rules/prometheus/README.md"},
                    ]
                },
                {"grafana-app": ["grafana-app/README.md", {"The app's pages": "grafana-app/docs/app.md"}]},
            ]
        },
        {"Examples": ["examples/README.md", *map(example, examples)]},
        {
            "Operations": [
                {"Operation": "packages/kafka-bridge/docs/operation.md"},
                {"Security model": "docs/security.md"},
                {"Reporting a vulnerability": "SECURITY.md"},
                {"Performance": "docs/performance.md"},
                {"Scale": "docs/scale.md"},
                {"Museum": "docs/museum.md"},
            ]
        },
        {
            "Runbooks": [
                {"Of the rules": folder("alert-rules/runbooks/")},
                {"Of Prometheus alerts": folder("alert-rules/prometheus/runbooks/")},
            ]
        },
        {
            "Reference": [
                *({group: [{titles[page]: page} for page in pages]} for group, pages in made.items()),
                {"Rules": folder("docs/rules/")},
            ]
        },
    ]


def _own(start: str, titles: dict[str, str]) -> list[Any]:
    return [f"{start}README.md"] if f"{start}README.md" in titles else []


def _docs(package: str, titles: dict[str, str]) -> list[Any]:
    start = f"packages/{package}/docs/"
    own = f"{start}README.md"
    rest = sorted(page for page in titles if page.startswith(start) and page != own)
    return [*([{"Pages": own}] if own in titles else []), *({titles[page]: page} for page in rest)]


def _name(page: str) -> str:
    return page.rsplit("/", 1)[-1].removesuffix(".md")
