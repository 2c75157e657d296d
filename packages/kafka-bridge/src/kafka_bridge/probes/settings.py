"""What stands in probes.yaml."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

#: In `speaks_for`: any probe, listed or not.
ANYONE = "*"


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sender: what it is called, how it proves that, and how much it may send."""

    id: str
    """As in its events' `probe.id`."""
    region: str | None = None
    """As in its events' `probe.region`; where left out, its events name none."""
    token_sha256: str | tuple[str, ...] = ()
    """SHA-256 of its bearer token in hex; two while one takes the other's place."""
    certificate: str | None = None
    """Common name or a subject alternative name of its client certificate. With a token, both are needed."""
    speaks_for: tuple[str, ...] = ()
    """Of a Collector or gateway: the probes whose events it passes on; ``*`` for any."""
    rate: float | None = None
    rate_bytes: float | None = None
    burst: str | None = None
    max_bytes: int | None = None

    @property
    def tokens(self) -> tuple[str, ...]:
        """The digests of its tokens."""
        return (self.token_sha256,) if isinstance(self.token_sha256, str) else self.token_sha256


class Probes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of ``probes.yaml``. The limits hold for each probe that has none of its own."""

    version: Literal[1] = 1
    probes: tuple[Entry, ...] = ()
    rate: float = 2000
    """Events a second."""
    rate_bytes: float = 4 << 20
    """Bytes a second."""
    burst: str = "10s"
    """For how long the rates can be saved up."""
    max_bytes: int | None = None
    """Largest request after decompression; `otlp.max_bytes` where left out."""
