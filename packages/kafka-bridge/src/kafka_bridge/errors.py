"""The one exception root of kafka-bridge."""

from __future__ import annotations


class BridgeError(Exception):
    """Something the bridge cannot do; the message says what, where and what to do next."""


class ConfigError(BridgeError):
    """A configuration that cannot be used; names file and line."""


class StoreError(BridgeError):
    """The database cannot be started, reached or migrated."""


class RegistryError(BridgeError):
    """The schema registry does not answer, or refuses."""


class FencedError(BridgeError):
    """Another worker has taken over this partition."""
