"""What keeps a thread from its work for now: told once, in words, and tried again by whoever calls this."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
from dns_rules import StateError
from psycopg_pool import PoolTimeout

from .errors import BridgeError

if TYPE_CHECKING:
    import logging

_EXPECTED = (psycopg.Error, PoolTimeout, StateError, BridgeError, OSError)


def setback(log: logging.Logger, what: str, error: Exception, *expected: type[Exception]) -> str:
    """Log that `what` was interrupted; returns why, in one line.

    A thread that ends because of an error that nobody thought of would be missed by nobody: such errors are caught
    too, and logged with where they come from.

    Args:
        log: of the part.
        what: is tried again, or waits.
        error: why.
        expected: errors that are no fault of ours, beside those of the store, of files and of the network.
    """
    said = error.args[0] if error.args else error
    # confluent-kafka's errors say it in a method.
    text = said.str() if hasattr(said, "str") else str(error)
    text = text.split("\n", maxsplit=1)[0] or type(error).__name__
    if isinstance(error, (*_EXPECTED, *expected)):
        log.warning("%s: %s", what, text)
    else:
        log.error("%s, and that is a fault of kafka-bridge: %s", what, text, exc_info=error)
    return text
