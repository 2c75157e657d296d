"""Calls of librdkafka that may never come back, given up after a time.

librdkafka 2.16 asks for a group's coordinator and then waits for a change of the broker's state, without a limit: where
the broker dies at the wrong moment, `send_offsets_to_transaction` and `close` take no notice of their own timeouts.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from confluent_kafka import Consumer

_CLOSING = 30.0
_Given = ParamSpec("_Given")
_Returned = TypeVar("_Returned")


def within(
    seconds: float, call: Callable[_Given, _Returned], /, *arguments: _Given.args, **options: _Given.kwargs
) -> _Returned:
    """What the call returns, or raises.

    A call that is given up keeps its thread and its client for as long as the process lives: make a new client.

    Args:
        seconds: more than the call's own timeout.
        call: of a client.
        arguments: of the call.
        options: of the call.

    Raises:
        TimeoutError: it did not come back in time.
    """
    done: Future[_Returned] = Future()

    def run() -> None:
        try:
            done.set_result(call(*arguments, **options))
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            done.set_exception(error)

    name = getattr(call, "__name__", "call")
    # No executor: at the end of the process it would wait for the threads that never return.
    threading.Thread(target=run, name=f"librdkafka {name}", daemon=True).start()
    try:
        return done.result(seconds)
    except TimeoutError:
        if done.done():
            raise
        msg = f"librdkafka did not come back from {name} within {seconds:g} s; its client is left to itself"
        raise TimeoutError(msg) from None


def close(consumer: Consumer) -> None:
    """Leave the group.

    Raises:
        TimeoutError: it did not within half a minute; the group waits for its session to end.
    """
    within(_CLOSING, consumer.close)
