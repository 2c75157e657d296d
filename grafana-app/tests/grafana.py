"""What Grafana does to a text before PostgreSQL sees it: variables in the browser, then macros in its server.

After the documentation of its PostgreSQL data source (variables, macros) and of custom `All` values.
"""

from __future__ import annotations

import re

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(?!__)(\w+)")
#: As narrow as the server's: an argument with a parenthesis is cut off there.
MACRO = re.compile(r"\$__(\w+)\(([^)]*)\)")


class Raw(str):
    """A custom `All` value: put in as it is, whatever the format."""

    __slots__ = ()


def interpolate(sql, values):
    """Each variable by its format; one that is not there stays as it is, as in Grafana."""

    def value(match):
        name, form = match[1] or match[3], match[2]
        if name not in values:
            return match[0]
        found = values[name]
        if isinstance(found, Raw):
            return interpolate(str(found), values)
        assert form == "sqlstring", f"{match[0]} is not quoted"
        return ",".join("'" + item.replace("'", "''") + "'" for item in found)

    return VARIABLE.sub(value, sql)


def seconds(interval):
    match = re.fullmatch(r"'?(\d+)(ms|s|m|h|d|w)'?", interval)
    assert match, f"{interval} is no interval"
    return int(match[1]) * UNITS[match[2]]


def expand(sql, start, end, interval="1m", *, timescale=False):
    """Macros, and the interval that the panel's width makes."""
    sql = sql.replace("$__interval_ms", str(int(seconds(interval) * 1000))).replace("$__interval", interval)
    first, last = (f"'{time.strftime('%Y-%m-%dT%H:%M:%SZ')}'" for time in (start, end))

    def group(column, width, *_fill):
        if timescale:
            return f"time_bucket('{seconds(width):.3f}s',{column})"
        return f"floor(extract(epoch from {column})/{seconds(width):g})*{seconds(width):g}"

    macros = {
        "time": lambda column: f'{column} AS "time"',
        "timeEpoch": lambda column: f'extract(epoch from {column}) as "time"',
        "timeFilter": lambda column: f"{column} BETWEEN {first} AND {last}",
        "timeFrom": lambda *_: first,
        "timeTo": lambda *_: last,
        "timeGroup": group,
        "timeGroupAlias": lambda *given: f'{group(*given)} AS "time"',
        "unixEpochFilter": lambda column: (
            f"{column} >= {int(start.timestamp())} AND {column} <= {int(end.timestamp())}"
        ),
        "unixEpochFrom": lambda *_: str(int(start.timestamp())),
        "unixEpochTo": lambda *_: str(int(end.timestamp())),
        "unixEpochGroup": lambda column, width, *_fill: f"floor(({column})/{seconds(width):g})*{seconds(width):g}",
    }
    return MACRO.sub(lambda match: macros[match[1]](*(part.strip() for part in match[2].split(","))), sql)
