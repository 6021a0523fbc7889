"""Merges the sources of settings into one tree, and knows which source a key came from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

import msgspec

from thinkaloud.errors import ConfigurationError

PREFIX: Final = "THINKALOUD_"
_DEPRECATED: Final = {
    "limits.drain_timeout": "drain_timeout_seconds",
    "limits.idle_timeout": "idle_timeout_seconds",
    "limits.max_retry_wait": "max_retry_wait_seconds",
    "limits.run_timeout": "run_timeout_seconds",
    "limits.stop_detached_after": "stop_detached_after_seconds",
    "store.busy_timeout": "busy_timeout_seconds",
    "store.flush_interval": "flush_interval_seconds",
}
"""Old keys that are still read, and the names that replaced them in the same section."""
_NOT_SETTINGS: Final = (
    "THINKALOUD_DATA_DIR",
    "THINKALOUD_ADMIN_KEY_FILE",
    "THINKALOUD_API_KEY",
    "THINKALOUD_DATABASE_URL",
)
_NAMES_OF_VARIABLES: Final = ("url_env", "listen_url_env")
"""Keys of `[store]` whose value is the name of an environment variable."""


class Sources(msgspec.Struct, frozen=True):
    """Where settings came from."""

    file: Path | None
    variables: Mapping[str, str]
    """The environment variable of each dotted key that has one."""
    renamed: Mapping[str, str]
    """The deprecated dotted key that was used, by the one that replaced it."""
    notices: tuple[str, ...]
    """Sentences for the operator about deprecated keys in use."""

    def of(self, key: str) -> str:
        """Return the source of a dotted key, for messages."""
        variable = next(
            (v for k, v in self.variables.items() if key == k or k.startswith(key + ".")), None
        )
        return variable or (str(self.file) if self.file else "the command line")


def merge_sources(
    tree: dict[str, object],
    file: Path | None,
    environment: Mapping[str, str],
    overrides: Mapping[str, Mapping[str, object]],
) -> Sources:
    """Merge the environment, then `overrides`, into the tree that was read from a file.

    Raises `ConfigurationError` for a variable that is not valid JSON.
    """
    renamed = _rename_deprecated(tree)
    notices = [_notice(str(file), old) for old in renamed.values()]
    variables = _overlay(tree, environment, renamed, notices)
    for section, values in overrides.items():
        _merge(tree, {section: {k: v for k, v in values.items() if v is not None}})
    return Sources(file, variables, renamed, tuple(notices))


def _rename_deprecated(tree: dict[str, object]) -> dict[str, str]:
    """Replace deprecated keys in place; return the old dotted key by the new one.

    A new key in the same tree wins over its old name.
    """
    renamed: dict[str, str] = {}
    for old, name in _DEPRECATED.items():
        section_name, _, old_name = old.partition(".")
        section = tree.get(section_name)
        if isinstance(section, dict) and old_name in section:
            values = cast("dict[str, object]", section)
            values.setdefault(name, values.pop(old_name))
            renamed[f"{section_name}.{name}"] = old
    return renamed


def _notice(source: str, old: str) -> str:
    return f"{source}: `{old}` is deprecated: rename it to `{_DEPRECATED[old]}`."


def _overlay(
    tree: dict[str, object],
    environment: Mapping[str, str],
    renamed: dict[str, str],
    notices: list[str],
) -> dict[str, str]:
    """Merge the environment into the tree; return the variable each dotted key came from.

    Adds deprecated keys to `renamed` and `notices`.
    """
    origin: dict[str, str] = {}
    others = {*_NOT_SETTINGS, *_named_in(tree, environment)}
    for variable, text in sorted(environment.items()):
        if not variable.startswith(PREFIX) or variable in others:
            continue
        keys = variable.removeprefix(PREFIX).lower().split("__")
        value: object = text
        if text[:1] in {"[", "{"}:
            try:
                value = msgspec.json.decode(text)
            except msgspec.DecodeError as error:
                raise ConfigurationError(f"{variable} is not valid JSON: {error}") from error
        branch: object = value
        for key in reversed(keys):
            branch = {key: branch}
        layer = cast("dict[str, object]", branch)
        old_keys = _rename_deprecated(layer)
        notices += [_notice(variable, old) for old in old_keys.values()]
        renamed |= old_keys
        _merge(tree, layer)
        origin[".".join(keys)] = variable
        origin |= dict.fromkeys(old_keys, variable)
    return origin


def _named_in(tree: Mapping[str, object], environment: Mapping[str, str]) -> set[str]:
    """Return the environment variables that are named by a setting."""
    section = tree.get("store")
    store = cast("dict[str, object]", section) if isinstance(section, dict) else {}
    names = {environment.get(f"{PREFIX}STORE__{key.upper()}") for key in _NAMES_OF_VARIABLES}
    names |= {name for key in _NAMES_OF_VARIABLES if isinstance(name := store.get(key), str)}
    return {name for name in names if name is not None}


def _merge(tree: dict[str, object], over: Mapping[str, object]) -> None:
    for key, value in over.items():
        below = tree.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            _merge(cast("dict[str, object]", below), cast("dict[str, object]", value))
        else:
            tree[key] = value
