"""Stacks whose bridges say how they are, on either bus."""

from __future__ import annotations

import httpx2

from tests.stack.bridges import Stack
from tests.stack.kafka.broker import free


class Told(Stack):
    """A stack whose bridge says how it is."""

    def __init__(self, *args, **options):
        self.health, self.otlp = free(2)
        super().__init__(*args, **options)

    def config(self, *args, **options):
        listen = {
            "health": {"listen": f"127.0.0.1:{self.health}"},
            "otlp": {"grpc": f"127.0.0.1:{self.otlp}", "http": None},
        }
        return super().config(*args, **options) | listen

    def troubles(self) -> dict[str, str]:
        """What `/readyz` says does not work, by part."""
        status, parts = self._readyz()
        found = {part["name"]: part["trouble"] for part in parts if part["trouble"]}
        assert status == (503 if found else 200)
        return found

    def notices(self) -> dict[str, str]:
        """What it says is worth knowing, by part; nothing while it begins anew."""
        return {part["name"]: part["notice"] for part in self._readyz()[1] if part["notice"]}

    def _readyz(self) -> tuple[int, list[dict[str, str]]]:
        try:
            answer = httpx2.get(f"http://127.0.0.1:{self.health}/readyz", timeout=15)
        except httpx2.TransportError:
            return 503, [{"name": "health", "trouble": "it does not answer", "notice": None}]
        return answer.status_code, answer.json()["parts"]


class Embedded(Told):
    """Without Kafka: the same bridge on the embedded bus."""

    def config(self, *args, **options):
        config = super().config(*args, **options)
        del config["kafka"]
        return {**config, "bus": "embedded"}

    def _topics(self, _partitions):
        pass
