"""The reference page of the configuration, from the settings themselves."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import msgspec
from msgspec import inspect as shapes

from scripts.field_docs import Described, cell, described, summary
from scripts.type_words import in_words, without_null
from thinkaloud.channels.platform.built_in import BUILT_IN, settings_type
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.config import FILE_NAME, PREFIX, Settings
from thinkaloud.errors import ConfigurationError

_INTRODUCTION: Final = f"""\
# Configuration

<!-- Generated from the settings' own docstrings by `make generate`. -->

Every setting has a working default; without any configuration, the server uses the built-in demo model.

Settings come from three sources; later ones override earlier ones:

1. one file, `{FILE_NAME}`: the one given with `--config`, else the one in the working directory, else the one in your
   configuration directory (`~/.config/thinkaloud` on Linux). Only one is read;
2. environment variables: `{PREFIX}` and the key in upper case, with two underscores between levels
   (`{PREFIX}SERVER__PORT=9000` is `port` under `[server]`). Lists and tables are written as JSON. Keys with a hyphen or
   an upper-case letter can only be set in the file;
3. command-line options, and arguments of `Agent`.

An invalid or unknown key prevents the start; the message has the source, the key and the allowed values. Settings are read
once, at startup. `thinkaloud doctor` shows what was found. Use [thinkaloud.toml](../examples/thinkaloud.toml) as a starting
point.

Some environment variables are separate from these settings:

- `THINKALOUD_DATA_DIR`: the folder in which the server stores its data; by default your data directory
  (`~/.local/share/thinkaloud` on Linux).
- `THINKALOUD_API_KEY`: the key that the terminal sends to a server that [requires keys](../how-to/share-a-server.md).
- `THINKALOUD_ADMIN_KEY_FILE`: the file of the first admin key, which such a server creates when it first starts.
- API keys of providers, in the variables that the providers' own tools use: see [Providers](providers.md). Don't write a key into
  `{FILE_NAME}`; set `api_key_env` to the name of the variable instead.
"""


_PLATFORMS: Final = "channels.platforms.NAME"
_SHOWN: Final = {"channels.plugins.NAME": "channels.NAME", _PLATFORMS: "channels.PLATFORM"}
"""Tables that have another name in the file than in the tree of settings."""


def render() -> str:
    """Return the text of docs/reference/configuration.md."""
    return _INTRODUCTION + "".join(_section(path, kind) for path, kind in _tables(Settings, ""))


def settings() -> Iterator[str]:
    """Yield every setting by its dotted key; `NAME` stands for a name that the operator gives."""
    for path, kind in _tables(Settings, ""):
        for field in _fields(kind):
            if _table_of(field) is None:
                yield f"{path}.{field.name}"


def _tables(kind: type[msgspec.Struct], path: str) -> Iterator[tuple[str, type[msgspec.Struct]]]:
    """Yield the tables of a file by their names, in the order of the settings."""
    if any(_table_of(field) is None for field in described(kind)):
        yield _SHOWN.get(path, path), kind
    if path == _PLATFORMS:
        yield from _platforms()
    for field in described(kind):
        inside = _table_of(field)
        if inside is not None:
            name, below = inside
            yield from _tables(below, f"{path}.{name}".lstrip("."))


def _platforms() -> Iterator[tuple[str, type[msgspec.Struct]]]:
    """Yield the tables of the chat platforms that there are."""
    for name in BUILT_IN:
        with suppress(ConfigurationError):
            yield f"channels.{name}", settings_type(name)


def _fields(kind: type[msgspec.Struct]) -> list[Described]:
    """Return the fields of a table; for a chat platform, only its own ones."""
    shared: set[str] = set()
    if kind is not PlatformSettings and issubclass(kind, PlatformSettings):
        shared = set(PlatformSettings.__struct_fields__)
    return [field for field in described(kind) if field.name not in shared]


def _table_of(field: Described) -> tuple[str, type[msgspec.Struct]] | None:
    """Return the name of a table and what stands in it; None for a plain setting."""
    match without_null(field.kind):
        case shapes.StructType(cls=cls):
            return field.name, cls
        case shapes.DictType(value_type=shapes.StructType(cls=cls)):
            return f"{field.name}.NAME", cls
        case _:
            return None


def _section(path: str, kind: type[msgspec.Struct]) -> str:
    text = summary(kind)
    title, colon, rest = text.partition(": ")
    words = rest if colon and title.startswith("`[") else text
    rows = "".join(_row(path, each) for each in _fields(kind) if _table_of(each) is None)
    head = "| key | what it is | allowed | default | environment |\n|---|---|---|---|---|\n"
    return f"\n## `[{path}]`\n\n{words[:1].upper()}{words[1:]}\n\n{head}{rows}"


def _row(path: str, field: Described) -> str:
    allowed = in_words(without_null(field.kind))
    variable = PREFIX + f"{path}__{field.name}".replace(".", "__").upper()
    return (
        f"| `{field.name}` | {cell(field.text)} | {cell(allowed)} | {_default(field)}"
        f" | `{variable}` |\n"
    )


def _default(field: Described) -> str:
    if field.required:
        return "none: must be given"
    if field.default is None:
        return "not set"
    return f"`{json.dumps(msgspec.to_builtins(field.default))}`"
