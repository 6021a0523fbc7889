"""Explains an invalid or unknown setting."""

from collections.abc import Mapping
from typing import Any, cast, get_args, get_origin, get_type_hints

import msgspec

from thinkaloud.channels.platform.sections import literals
from thinkaloud.config.settings import HostSection, Settings
from thinkaloud.config.sources import Sources
from thinkaloud.errors import ConfigurationError
from thinkaloud.tools.mcp.settings import McpSettings


def explained(
    error: msgspec.ValidationError, tree: Mapping[str, object], sources: Sources
) -> ConfigurationError:
    """Return the error with the source, the key and the allowed values."""
    what, _, path = str(error).partition(" - at `$")
    key = path.rstrip("`").lstrip(".")
    if key.startswith("hosts[...]"):
        key = f"hosts.{_wrong_host(tree)}{key.removeprefix('hosts[...]')}"
    if key.startswith("mcp[...]"):
        key = f"mcp.{_wrong_server(tree)}{key.removeprefix('mcp[...]')}"
    unknown = what.partition("unknown field `")[2].rstrip("`")
    if unknown:
        section = key
        key = f"{key}.{unknown}".lstrip(".")
        what = f"unknown setting. Allowed here: {', '.join(_keys(section))}"
    else:
        allowed = _allowed(key)
        what = what.rstrip(".") + (f". Allowed: {allowed}" if allowed else "")
    return ConfigurationError(f"{sources.of(key)}: {sources.renamed.get(key, key)}: {what}.")


def _wrong_host(tree: Mapping[str, object]) -> str:
    for name, section in cast("dict[str, object]", tree["hosts"]).items():
        try:
            msgspec.convert(section, HostSection, strict=False)
        except msgspec.ValidationError:
            return name
    return "NAME"


def _wrong_server(tree: Mapping[str, object]) -> str:
    for name, section in cast("dict[str, object]", tree["mcp"]).items():
        try:
            msgspec.convert(section, McpSettings, strict=False)
        except msgspec.ValidationError:
            return name
    return "NAME"


def _type_at(key: str) -> Any:  # noqa: ANN401 - a type can be anything
    kind: Any = Settings
    for part in key.split(".") if key else ():
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
        elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            kind = get_type_hints(kind).get(part)
        else:
            return None
    return kind


def _keys(section: str) -> list[str]:
    kind = _type_at(section)
    return list(get_type_hints(kind)) if isinstance(kind, type) else []


def _allowed(key: str) -> str:
    return ", ".join(literals(_type_at(key)))
