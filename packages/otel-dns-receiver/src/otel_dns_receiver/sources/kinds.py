"""The kinds of sources that are installed, and a source made of its part of the configuration."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from dns_events.yamlfile import Document

    from .contract import Source

GROUP = "dnstower.sources"


def kinds() -> dict[str, EntryPoint]:
    """Every installed kind, by the `type` that names it."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def load(document: Document, path: str, keys: dict[str, Any]) -> Source:
    """The source that a mapping with `type` describes.

    Args:
        document: the file, for the line in errors.
        path: the mapping's place in it, as ``$.sources[0]``.
        keys: the mapping.

    Raises:
        ConfigError: an unknown type or key, a bad value, or a kind whose extra is not installed.
    """
    known = kinds()
    name = keys.get("type")
    if not isinstance(name, str) or name not in known:
        raise document.error(f"{path}.type", f"no source of type {name!r}; there are {', '.join(sorted(known))}")
    try:
        kind = known[name].load()
    except ImportError as error:
        raise document.error(
            f"{path}.type", f"source {name} needs what is not installed ({error}); pip install 'otel-dns-receiver[all]'"
        ) from error
    rest = {key: value for key, value in keys.items() if key != "type"}
    source: Source = document.convert_part(path, rest, kind)
    return source


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of each kind that can be loaded, by its `type`."""
    found = {}
    for name, entry in sorted(kinds().items()):
        try:
            found[name] = msgspec.json.schema(entry.load())
        except ImportError:
            continue
    return found
