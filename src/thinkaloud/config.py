"""Loads the configuration file and the environment into one frozen tree of settings.

`THINKALOUD_SERVER__PORT=9000` overrides `port` under `[server]`, which overrides the default.
Nothing else in the package reads the environment. Keys end in their unit: `_seconds`, `_days`,
`_bytes`, `_chars`.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast, get_args, get_origin, get_type_hints

import msgspec
import platformdirs
from msgspec import Meta

from thinkaloud.auth.settings import AuthSettings
from thinkaloud.channels.platform.built_in import BUILT_IN
from thinkaloud.channels.platform.sections import (
    InvalidSetting,
    literals,
    nearest,
    read_settings,
)
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.channels.plugins import installed
from thinkaloud.channels.settings import ChannelSettings, WebSocketSettings
from thinkaloud.errors import ConfigurationError
from thinkaloud.events.prompt import Effort
from thinkaloud.providers.dialects.registry import dialect_names
from thinkaloud.providers.hosts.host import BUILT_IN_DIALECTS
from thinkaloud.runtime.reasoning.settings import RedactionSettings
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.server.settings import ServerSettings
from thinkaloud.server.websocket_channel import NAME as WEBSOCKET
from thinkaloud.server.wire_settings import WireSettings

FILE_NAME: Final = "thinkaloud.toml"
DEFAULT_OWNER: Final = "local"
PREFIX: Final = "THINKALOUD_"
_SHARED: Final = ("enabled", "show_reasoning", "reasoning")
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
_NOT_SETTINGS: Final = ("THINKALOUD_DATA_DIR", "THINKALOUD_ADMIN_KEY_FILE", "THINKALOUD_API_KEY")


class ServerSection(ServerSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[server]`: address, access, limits and files."""

    workspace: str | None = None
    """The folder that file tools, `context_files` and `image_path` can read. Not set: none."""
    workspace_hard_links: bool = False
    """Whether to allow workspace files that have more than one hard link. The other link may be
    outside the workspace, which cannot be detected."""


class ModelSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[model]`: the default model and its options."""

    default: str | None = None
    """The default model, as `host/model`. Not set: the first host with an API key, else a local
    model server, else the demo model."""
    reasoning_effort: Effort | None = None
    """The effort for requests that don't set one. Ignored by models that don't support it."""
    system_prompt: str | None = None
    """The system prompt for every model. Not set: none."""


class HostSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[hosts.NAME]`: a custom host, or overrides for a built-in one."""

    dialect: str | None = None
    """The host's API format: its [dialect](providers.md#dialects). Required for a custom host."""
    base_url: str | None = None
    """The base URL you would give the official SDK. Required for a custom host."""
    api_key_env: str | None = None
    """The environment variable that holds the API key."""
    models: tuple[str, ...] = ()
    """The models to offer. Empty: all models that the host lists."""
    headers: dict[str, str] = {}
    """Extra headers for every request."""
    quirks: dict[str, object] = {}
    """How the host deviates from its dialect; see the providers reference."""


class ToolsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[tools]`: the built-in tools."""

    enabled: bool = True
    """Whether models can use the built-in tools."""
    fetch: bool = False
    """Whether models can fetch public URLs."""


class StoreSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[store]`: where conversations are stored."""

    kind: Literal["sqlite", "memory"] = "sqlite"
    """`sqlite`: a file in the data directory. `memory`: conversations are lost when the process
    ends."""
    durability: Literal["full", "relaxed"] = "full"
    """`full` survives a power failure. `relaxed` is faster, but can lose the last few seconds."""
    flush_interval_seconds: Annotated[float, Meta(ge=0)] = 0.25
    """How long events can wait before they are written; a crash loses at most this much."""
    busy_timeout_seconds: Annotated[float, Meta(ge=0)] = 5.0
    """How long to wait for a database that another program has locked."""
    max_bytes: int | None = None
    """The maximum size of the database. Not set: 16 GiB, or twice its size at the start if more."""
    retention_days: Annotated[float, Meta(gt=0)] | None = None
    """Delete conversations that have not changed for this long. Not set: keep them."""


class ChannelsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[channels.NAME]`: the channels that connect chats to the server."""

    websocket: WebSocketSettings = WebSocketSettings()
    plugins: dict[str, ChannelSettings] = {}
    """Channels from installed packages. In the file they are siblings of `websocket`."""
    platforms: dict[str, PlatformSettings] = {}
    """The built-in chat platforms. In the file they are siblings of `websocket`."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings, by section."""

    server: ServerSection = ServerSection()
    model: ModelSection = ModelSection()
    hosts: dict[str, HostSection] = {}
    limits: Limits = Limits()
    tools: ToolsSection = ToolsSection()
    store: StoreSection = StoreSection()
    wires: WireSettings = WireSettings()
    channels: ChannelsSection = ChannelsSection()
    auth: AuthSettings = AuthSettings()
    redaction: RedactionSettings = RedactionSettings()


class Configuration(msgspec.Struct, frozen=True):
    """The settings and where they came from."""

    settings: Settings
    file: Path | None
    """The configuration file; None if there was none."""
    data_dir: Path
    environment: Mapping[str, str]
    """A copy of the environment; provider keys are looked up here."""
    notices: tuple[str, ...] = ()
    """Sentences for the operator about deprecated keys in use."""
    owner: str = DEFAULT_OWNER
    """The owner of what this process creates; of what a running server creates only if chosen."""
    owner_is_chosen: bool = False


def load(
    file: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Mapping[str, object]] | None = None,
) -> Configuration:
    """Load the configuration.

    `file` must exist if given. By default, use `thinkaloud.toml` from the working directory, or
    else from the user's configuration directory, if there is one. `environment` defaults to
    `os.environ`. `overrides` (command-line options, by section) take precedence over both; None
    values in it are ignored.

    Raises `ConfigurationError` with the source, the key and the allowed values.
    """
    environment = dict(os.environ) if environment is None else environment
    found = _find(file)
    tree = _read(found) if found else {}
    renamed = _rename_deprecated(tree)
    notices = [_notice(str(found), old) for old in renamed.values()]
    from_environment = _overlay(tree, environment, renamed, notices)
    for section, values in (overrides or {}).items():
        _merge(tree, {section: {k: v for k, v in values.items() if v is not None}})
    platforms = _take_platforms(tree, found, from_environment)
    _sort_channels(tree, found, from_environment)
    try:
        settings = msgspec.convert(tree, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise _validation_error(error, tree, found, from_environment, renamed) from error
    channels = msgspec.structs.replace(settings.channels, platforms=platforms)
    settings = msgspec.structs.replace(settings, channels=channels)
    _check_dialects(settings, found, from_environment)
    data = environment.get("THINKALOUD_DATA_DIR")
    data_dir = Path(data).expanduser() if data else Path(platformdirs.user_data_dir("thinkaloud"))
    return Configuration(settings, found, data_dir, environment, tuple(notices))


def _find(file: Path | None) -> Path | None:
    if file is not None:
        if not file.is_file():
            raise ConfigurationError(f"Configuration file not found: {file}.")
        return file
    places = (Path.cwd(), Path(platformdirs.user_config_dir("thinkaloud")))
    return next((place / FILE_NAME for place in places if (place / FILE_NAME).is_file()), None)


def _read(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.") from error


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
    for variable, text in sorted(environment.items()):
        if not variable.startswith(PREFIX) or variable in _NOT_SETTINGS:
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


def _merge(tree: dict[str, object], over: Mapping[str, object]) -> None:
    for key, value in over.items():
        below = tree.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            _merge(cast("dict[str, object]", below), cast("dict[str, object]", value))
        else:
            tree[key] = value


def _check_dialects(
    settings: Settings, file: Path | None, from_environment: Mapping[str, str]
) -> None:
    """Raise `ConfigurationError` for a dialect that neither thinkaloud nor a package has."""
    for name, section in settings.hosts.items():
        if section.dialect is None or section.dialect in BUILT_IN_DIALECTS:
            continue
        available = dialect_names()
        if section.dialect not in available:
            key = f"hosts.{name}.dialect"
            raise ConfigurationError(
                f"{_source_of(key, file, from_environment)}: {key}: There is no dialect"
                f" {section.dialect}. Available: {', '.join(available)}."
            )


def _take_platforms(
    tree: dict[str, object], file: Path | None, from_environment: Mapping[str, str]
) -> dict[str, PlatformSettings]:
    """Remove the sections of built-in chat platforms from the tree and convert them."""
    sections = tree.get("channels")
    if not isinstance(sections, dict):
        return {}
    channels = cast("dict[str, object]", sections)
    found: dict[str, PlatformSettings] = {}
    for name in [each for each in channels if each in BUILT_IN]:
        try:
            found[name] = read_settings(name, channels.pop(name))
        except InvalidSetting as error:
            place = _source_of(error.key, file, from_environment)
            raise ConfigurationError(f"{place}: {error.key}: {error.message}") from error
    return found


def _sort_channels(
    tree: dict[str, object], file: Path | None, from_environment: Mapping[str, str]
) -> None:
    """Move the sections of plugin channels to `plugins`. Raises for unknown channels."""
    sections = tree.get("channels")
    if not isinstance(sections, dict):
        return
    channels = cast("dict[str, object]", sections)
    plugins: dict[str, object] = {}
    for name in [each for each in channels if each != WEBSOCKET]:
        key = f"channels.{name}"
        available = [*sorted({WEBSOCKET, *installed()}), *sorted(BUILT_IN)]
        if name not in available:
            place = _source_of(key, file, from_environment)
            raise ConfigurationError(
                f"{place}: {key}: unknown channel. Available: {', '.join(available)}."
                f"{nearest(name, available)}"
            )
        section = channels.pop(name)
        if not isinstance(section, dict):
            place = _source_of(key, file, from_environment)
            raise ConfigurationError(f"{place}: {key}: expected a table of settings.")
        options = dict(cast("dict[str, object]", section))
        shared = {each: options.pop(each) for each in _SHARED if each in options}
        plugins[name] = {**shared, "options": options}
    channels["plugins"] = plugins


def _validation_error(
    error: msgspec.ValidationError,
    tree: Mapping[str, object],
    file: Path | None,
    from_environment: Mapping[str, str],
    renamed: Mapping[str, str],
) -> ConfigurationError:
    what, _, path = str(error).partition(" - at `$")
    key = path.rstrip("`").lstrip(".")
    if key.startswith("hosts[...]"):
        key = f"hosts.{_wrong_host(tree)}{key.removeprefix('hosts[...]')}"
    unknown = what.partition("unknown field `")[2].rstrip("`")
    if unknown:
        section = key
        key = f"{key}.{unknown}".lstrip(".")
        what = f"unknown setting. Allowed here: {', '.join(_keys(section))}"
    else:
        allowed = _allowed(key)
        what = what.rstrip(".") + (f". Allowed: {allowed}" if allowed else "")
    place = _source_of(key, file, from_environment)
    return ConfigurationError(f"{place}: {renamed.get(key, key)}: {what}.")


def _source_of(key: str, file: Path | None, from_environment: Mapping[str, str]) -> str:
    variable = next(
        (v for k, v in from_environment.items() if key == k or k.startswith(key + ".")), None
    )
    return variable or (str(file) if file else "the command line")


def _wrong_host(tree: Mapping[str, object]) -> str:
    for name, section in cast("dict[str, object]", tree["hosts"]).items():
        try:
            msgspec.convert(section, HostSection, strict=False)
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
