"""All pages in one folder, at the places that they have in the repository, so that their links stay as they are.

A link to a file that is no page leads to a page with its text; one to a folder, to its README or a list of its files.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path, PurePosixPath

from .navigation import navigation
from .reference import reference

_PAGES = (
    "README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/**/*.md", "examples/**/*.md", "alert-rules/**/*.md",
    "grafana-app/*.md", "grafana-app/docs/*.md", "packages/*/README.md", "packages/*/docs/*.md",
)  # fmt: skip
_SKIPPED = frozenset({"node_modules", "dist", ".venv", ".nox", "__pycache__"})
#: Code, or a link: what stands before the address, the address, its anchor. What begins first is what it is, so that a
#: link may have code in its text, and code what looks like a link.
_LINK = re.compile(
    r"^(?:```.*?^```|(?: {4}|\t).*?$)|`[^`\n]*`"
    r"|(!?\[(?:[^\[\]]|\[[^\]]*\]\([^)]*\))*\]\()([^)\s#:]+)(#[^)\s]*)?(?=\))",
    re.MULTILINE | re.DOTALL,
)
_PICTURES = frozenset({".png", ".svg"})
_LANGUAGES = {".py": "python", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json", ".sql": "sql"}


class DeadLinkError(Exception):
    """A link of a page that leads to nothing in the repository."""


def gather(root: Path, into: Path) -> None:
    """Write `into`/pages and `into`/zensical.toml.

    Raises:
        DeadLinkError: names the page and the link.
    """
    pages = into / "pages"
    shutil.rmtree(into, ignore_errors=True)
    found = {path for pattern in _PAGES for path in root.glob(pattern) if not _SKIPPED & {*path.parts}}
    texts = {path.relative_to(root).as_posix(): path.read_text() for path in found}
    made = reference()
    texts |= {name: text for group in made.values() for name, text in group.items()}
    beside: dict[str, str] = {}
    for name, text in texts.items():
        rewritten = _rewritten(text, PurePosixPath(name), root, {*texts}, beside)
        _write(pages / name, rewritten)
    for name, source in beside.items():
        if (root / source).suffix in _PICTURES:
            (pages / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / source, pages / name)
        else:
            _write(pages / name, _listed(root / source) if (root / source).is_dir() else _shown(root / source, source))
    shutil.copytree(Path(__file__).parent / "assets", pages / "assets")
    settings = (Path(__file__).parent / "zensical.toml").read_text()
    nav = navigation({name: _heading(text) for name, text in texts.items()}, made)
    (into / "zensical.toml").write_text(settings.replace("nav = []", f"nav = {_toml(nav)}"))


def _rewritten(text: str, page: PurePosixPath, root: Path, pages: set[str], beside: dict[str, str]) -> str:
    """The page's text with links to what is no page led to one; `beside` is filled with these, by their place."""

    def link(match: re.Match[str]) -> str:
        start, address, anchor = match[1], match[2], match[3] or ""
        if address is None:
            return match[0]
        target = PurePosixPath(_plain(page.parent / address))
        if target.as_posix() in pages:
            return match[0]
        if f"{target}/README.md" in pages:
            return f"{start}{address.rstrip('/')}/README.md{anchor}"
        if not (root / target).exists():
            raise DeadLinkError(f"{page}: {address} leads to nothing")
        if (root / target).suffix in _PICTURES:
            beside[target.as_posix()] = target.as_posix()
            return match[0]
        name = f"{target}/README.md" if (root / target).is_dir() else f"{target}.md"
        beside[name] = target.as_posix()
        ending = "/README.md" if (root / target).is_dir() else ".md"
        return f"{start}{address.rstrip('/')}{ending}{anchor}"

    return _LINK.sub(link, text)


def _plain(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def _shown(file: Path, name: str) -> str:
    text = file.read_text()
    return f"# {name}\n\n~~~~~~{_LANGUAGES.get(file.suffix, 'text')}\n{text.rstrip()}\n~~~~~~\n"


def _listed(folder: Path) -> str:
    names = sorted(f"{path.name}/" if path.is_dir() else path.name for path in folder.iterdir() if path.name[0] != "_")
    return f"# {folder.name}/\n\nIn the repository:\n\n" + "".join(f"- `{name}`\n" for name in names)


def _heading(text: str) -> str:
    return next((line[2:].strip() for line in text.splitlines() if line.startswith("# ")), "")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
