"""The one exception root of otel-dns-receiver."""

from __future__ import annotations


class ReceiverError(Exception):
    """Something the receiver cannot do; the message says what, where and what to do next."""


class ConfigError(ReceiverError):
    """A configuration that cannot be used; names file and line."""


class DiscoveryError(ReceiverError):
    """The delegation of a zone could not be followed."""
