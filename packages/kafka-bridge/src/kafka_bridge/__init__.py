"""The backbone and the memory: OTLP in; a durable bus, the rules, a store, a board and pages."""

from .errors import BridgeError, ConfigError, FencedError, StoreError
from .version import __version__

__all__ = ["BridgeError", "ConfigError", "FencedError", "StoreError", "__version__"]
