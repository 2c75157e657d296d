import threading

import pytest
from kafka_bridge.kafka.hanging import Hanging
from kafka_bridge.kafka.within import within


def test_what_moves_along_does_not_hang():
    hanging = Hanging("dns.normalized")
    for turn in range(20):
        assert hanging.look({0: turn}, {0: turn + 5}, turn * 10.0) is None


def test_a_transaction_that_stands_for_a_minute_is_told_with_its_place():
    hanging = Hanging("dns.normalized")
    assert hanging.look({0: 17, 1: 5}, {0: 20, 1: 5}, 0.0) is None
    assert hanging.look({0: 17, 1: 5}, {0: 30, 1: 5}, 59.0) is None
    said = hanging.look({0: 17, 1: 6}, {0: 40, 1: 9}, 60.0)
    assert said is not None
    assert "dns.normalized" in said
    assert "0 (offset 17)" in said
    assert "1 (" not in said
    assert "kafka-transactions.sh" in said
    assert hanging.look({0: 40, 1: 9}, {0: 40, 1: 9}, 61.0) is None


def test_a_call_gives_what_it_returns_or_raises():
    assert within(5, divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        within(5, divmod, 7, 0)

    def late():
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        within(5, late)


def test_a_call_that_does_not_come_back_is_given_up():
    never = threading.Event()
    with pytest.raises(TimeoutError, match=r"did not come back from wait within 0\.1 s"):
        within(0.1, never.wait)
    never.set()
