"""What a newer schema breaks of an older one, as reasons."""

from __future__ import annotations

import re

_FIELD = re.compile(r"^\s*(optional |repeated )?(map<\w+, \w+>|[\w.]+) (\w+) = (\d+);", re.MULTILINE)
_MESSAGE = re.compile(r"^message (\w+) \{(.*?)^\}", re.MULTILINE | re.DOTALL)


def avro_records(schema):
    """Fields by record name, wherever the record is defined."""
    found = {}
    if isinstance(schema, list):
        for one in schema:
            found |= avro_records(one)
    elif isinstance(schema, dict):
        if schema["type"] == "record":
            found[schema["name"]] = {field["name"]: field for field in schema["fields"]}
            for field in schema["fields"]:
                found |= avro_records(field["type"])
        else:
            for part in ("type", "items", "values"):
                found |= avro_records(schema.get(part))
    return found


def _bare(kind):
    """A type with records by their names, however deep they were first defined."""
    if isinstance(kind, list):
        return [_bare(one) for one in kind]
    if isinstance(kind, dict):
        return kind["name"] if kind["type"] == "record" else {key: _bare(value) for key, value in kind.items()}
    return kind


def avro_breaks(old, new):
    old, new = avro_records(old), avro_records(new)
    for record, before in old.items():
        after = new.get(record)
        if after is None:
            yield f"{record} is gone"
            continue
        for name, field in before.items():
            if name not in after:
                if "default" not in field:
                    yield f"{record}.{name} is gone; older readers need it"
            elif _bare(after[name]["type"]) != _bare(field["type"]):
                yield f"{record}.{name} changed its type"
            elif ("default" in field) != ("default" in after[name]):
                yield f"{record}.{name} got or lost its default"
        for name in after.keys() - before.keys():
            if "default" not in after[name]:
                yield f"{record}.{name} is new and has no default; older writers do not write it"


def proto_messages(text):
    """``{message: {number: (name, label, type)}}`` of a .proto in this project's plain form."""
    return {
        message: {
            int(number): (name, (label or "").strip(), kind) for label, kind, name, number in _FIELD.findall(body)
        }
        for message, body in _MESSAGE.findall(text)
    }


def proto_breaks(old, new):
    old, new = proto_messages(old), proto_messages(new)
    for message, before in old.items():
        after = new.get(message, {})
        for number, field in before.items():
            if number not in after:
                yield f"{message} {number} ({field[0]}) is gone"
            elif after[number] != field:
                yield f"{message} {number} was {field} and is {after[number]}"
        for number in after.keys() - before.keys():
            name, label, kind = after[number]
            if message != "Event" and not label and not kind.startswith("map<"):
                yield f"{message} {number} ({name}) is new and neither optional nor repeated"


def json_breaks(old, new, at="$"):
    """Whatever was said stays said; properties and values of an enum may come, `required` may not."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in old.items():
            if key not in new:
                yield f"{at}.{key} is gone"
            else:
                yield from json_breaks(value, new[key], f"{at}.{key}")
        if at.endswith((".properties", ".$defs", ".mapping")):
            return
        for key in sorted(new.keys() - old.keys() - {"description", "title", "default"}):
            yield f"{at}.{key} is new and narrows what was valid"
    elif isinstance(old, list) and isinstance(new, list):
        if gone := [value for value in old if value not in new]:
            yield f"{at} lost {gone}"
        if at.endswith(".required") and (more := [value for value in new if value not in old]):
            yield f"{at} also wants {more}"
    elif old != new and not at.endswith((".description", ".title")):
        yield f"{at} was {old!r} and is {new!r}"
