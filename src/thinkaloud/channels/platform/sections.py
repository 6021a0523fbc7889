"""Reads the sections of chat platforms, with errors that say what is allowed."""

import difflib
import types
from collections.abc import Mapping, Sequence
from typing import (
    Any,
    Literal,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from thinkaloud.channels.platform.built_in import BUILT_IN, BuiltIn, settings_type
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.errors import ConfigurationError


class InvalidSetting(ConfigurationError):
    """A setting of a platform is wrong. `key` is its dotted key."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def read_settings(
    name: str, section: object, table: Mapping[str, BuiltIn] = BUILT_IN
) -> PlatformSettings:
    """Convert the section of a platform. Raises `InvalidSetting`."""
    key = f"channels.{name}"
    try:
        kind = settings_type(name, table)
    except ConfigurationError as error:
        raise InvalidSetting(key, error.message) from error
    try:
        return msgspec.convert(_with_lists(kind, section), kind, strict=False)
    except msgspec.ValidationError as error:
        raise _explained(str(error), key, kind) from error


def nearest(name: str, names: Sequence[str]) -> str:
    """Return a sentence that suggests the most similar name; empty if none is similar."""
    found = difflib.get_close_matches(name, names, 1)
    return f" Did you mean {found[0]}?" if found else ""


def literals(kind: Any) -> Sequence[str]:  # noqa: ANN401 - a type can be anything
    """Return the values that a type allows, if it is a choice of literals."""
    members = get_args(kind) if get_origin(kind) in {Union, types.UnionType} else (kind,)
    return [
        str(value)
        for member in members
        if get_origin(member) is Literal
        for value in get_args(member)
    ]


def _with_lists(kind: type[PlatformSettings], section: object) -> object:
    """Accept numbers as ids, and one id where a list is expected (in the environment)."""
    if not isinstance(section, dict):
        return section
    hints = get_type_hints(kind)
    return {
        key: _ids(value) if get_origin(hints.get(key)) is tuple else value
        for key, value in cast("dict[str, object]", section).items()
    }


def _ids(value: object) -> object:
    values = cast("list[object]", value) if isinstance(value, list) else [value]
    return [
        str(each) if isinstance(each, int) and not isinstance(each, bool) else each
        for each in values
    ]


def _explained(what: str, key: str, kind: type[PlatformSettings]) -> InvalidSetting:
    what, _, path = what.partition(" - at `$")
    names = list(get_type_hints(kind))
    unknown = what.partition("unknown field `")[2].rstrip("`")
    if unknown:
        allowed = f"Allowed here: {', '.join(names)}.{nearest(unknown, names)}"
        return InvalidSetting(f"{key}.{unknown}", f"unknown setting. {allowed}")
    field = path.rstrip("`").lstrip(".").partition("[")[0]
    allowed = ", ".join(literals(get_type_hints(kind).get(field)))
    message = what.rstrip(".") + (f". Allowed: {allowed}." if allowed else ".")
    return InvalidSetting(f"{key}.{field}".rstrip("."), message)
