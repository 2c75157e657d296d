"""Line protocol: one point a line (docs.influxdata.com, "Line protocol syntax", alike for 1.x, 2.x and 3)."""

from __future__ import annotations

import math
import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

Kind = Literal["integer", "float", "string"]
Value = int | float | str | None

_SPECIAL = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})
_QUOTED = str.maketrans({"\\": "\\\\", '"': '\\"'})
#: What a tag cannot say: a line break ends the point, and a backslash before a sign of the syntax, or at the end, is
#: read otherwise by each version.
_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]|\\(?=[,= ]|\Z)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
#: Characters; no name of DNS needs more, and 1.x refuses points whose tags have more than 64 KiB.
_LONGEST = 1024


def line(
    measurement: str,
    tags: Iterable[tuple[str, str]],
    fields: Iterable[tuple[str, Kind, Value]],
    time: dt.datetime,
) -> bytes | None:
    """One point, with its time in seconds; ``None`` where no field has a value.

    Args:
        measurement: its name, without spaces and commas.
        tags: names and values. A tag without a value is left out: to InfluxDB both are the same.
        fields: names, kinds and values. The kind is the field's for ever: InfluxDB refuses another one.
        time: when.
    """
    values = [f"{name}={written}" for name, kind, value in fields if (written := _field(kind, value)) is not None]
    if not values:
        return None
    key = "".join(f",{name}={escaped}" for name, value in tags if (escaped := tag(value)))
    return f"{measurement}{key} {','.join(values)} {int(time.timestamp())}".encode()


def tag(value: str) -> str:
    r"""A tag's value, escaped.

    Backslashes stay as they are, as in names like ``a\.b.example``. Control characters become U+FFFD, and so does a
    backslash before a comma, an equals sign or a space, or at the end. What is longer than 1024 characters is cut, and
    a hash of the whole keeps it apart from others.
    """
    if len(value) > _LONGEST:
        value = f"{value[: _LONGEST - 17]}~{blake2b(value.encode(), digest_size=8).hexdigest()}"
    return _UNSPEAKABLE.sub("\ufffd", value).translate(_SPECIAL)


def _field(kind: Kind, value: Value) -> str | None:
    if value is None:
        return None
    if kind == "integer":
        return f"{int(value)}i"
    if kind == "float":
        number = float(value)
        return repr(number) if math.isfinite(number) else None
    text = _CONTROL.sub("\ufffd", str(value)).translate(_QUOTED)
    return f'"{text}"'
