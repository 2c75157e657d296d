"""The `influx` part of bridge.yaml."""

from __future__ import annotations

from msgspec import Struct

#: A password or a token given here is not written into any file.
PASSWORD = "DNSTOWER_INFLUX_PASSWORD"  # noqa: S105 - the name of a variable
TOKEN = "DNSTOWER_INFLUX_TOKEN"  # noqa: S105 - the name of a variable


class Influx(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the aggregates go besides the store. `database` speaks InfluxDB 1.x, `bucket` speaks 2.x and 3."""

    url: str
    """``https://HOST:PORT``, without credentials."""
    database: str | None = None
    bucket: str | None = None
    org: str | None = None
    """Of the bucket; InfluxDB 3 has none."""
    username: str | None = None
    """For a database, with `password_file` or DNSTOWER_INFLUX_PASSWORD. The file is read again for each request."""
    password_file: str | None = None
    token_file: str | None = None
    """For a bucket; or DNSTOWER_INFLUX_TOKEN. The file is read again for each request."""
    ca: str | None = None
    """PEM file of the authorities to trust; the system's, where left out."""
    every: str = "10s"
    """How often closed and changed minutes are looked for."""
    prefix: str = "dnstower_"
    """Of each measurement's name."""
    servers: bool = False
    """Also a series for each server of each zone: as many as zones x regions x servers."""

    @property
    def target(self) -> str:
        """What is written into, as text; another target starts anew. It holds no secret."""
        place = f"database {self.database}" if self.database is not None else f"bucket {self.bucket} {self.org or ''}"
        return f"{self.url} {place.strip()} {self.prefix} {'servers' if self.servers else ''}".strip()
