"""Adds a section to the text of a configuration file. What is there stays as it is. Pure."""

import json
import tomllib
from collections.abc import Mapping, Sequence

from thinkaloud.errors import Conflict, InvalidRequest

Value = str | bool | Sequence[str]
"""A value to write."""


def add_section(text: str, name: str, values: Mapping[str, Value]) -> str:
    """Return the text with `[channels.NAME]` appended.

    Raises `Conflict` if it has that section already, and `InvalidRequest` if a section can't be
    appended because `channels` is an inline table, or if a value has control characters.
    """
    found = tomllib.loads(text).get("channels", {})
    if not isinstance(found, dict):
        raise InvalidRequest("`channels` must be a table.")
    if name in found:
        raise Conflict(
            f"[channels.{name}] exists already: edit it there, then run"
            f" `thinkaloud channels test {name}`."
        )
    lines = [f"[channels.{name}]", *(f"{key} = {_value(each)}" for key, each in values.items())]
    if not text:
        separator = ""
    elif text.endswith("\n"):
        separator = "\n"
    else:
        separator = "\n\n"
    added = f"{text}{separator}{chr(10).join(lines)}\n"
    try:
        tomllib.loads(added)
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(
            f"A [channels.{name}] section can't be added automatically ({error}). Write"
            " `[channels.NAME]` sections instead of an inline table, and try again."
        ) from error
    return added


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        if not value.isprintable():
            raise InvalidRequest(f"A value must not have control characters: {value!r}.")
        return json.dumps(value, ensure_ascii=False)
    return f"[{', '.join(map(_value, value))}]"
