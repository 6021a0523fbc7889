"""Files and environment → one frozen tree of settings, read once.

`THINKALOUD_SERVER__PORT=9000` lies over `[server] port`, which lies over the default. Nothing
else in the package reads the environment.
"""

import os
import tomllib
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, cast, get_args, get_origin, get_type_hints

import msgspec
import platformdirs
from msgspec import Meta

from thinkaloud.channels.plugins import installed
from thinkaloud.channels.settings import ChannelSettings, WebSocketSettings
from thinkaloud.errors import ConfigurationError
from thinkaloud.events.prompt import Effort
from thinkaloud.providers.hosts.host import DialectName
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.server.settings import ServerSettings
from thinkaloud.server.websocket_channel import NAME as WEBSOCKET

FILE_NAME: Final = "thinkaloud.toml"
PREFIX: Final = "THINKALOUD_"
_SHARED: Final = ("enabled", "show_reasoning")
_NOT_SETTINGS: Final = frozenset({"THINKALOUD_DATA_DIR"})


class ServerSection(ServerSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[server]`: where it listens, whom it answers, what it takes."""

    workspace: str | None = None
    """The folder that file tools, `context_files` and `image_path` may see; none by default."""
    workspace_hard_links: bool = False
    """Whether files of the workspace that have a second name somewhere are there too. A hard link cannot be
    told from the file itself, so it may lead out of the workspace."""


class ModelSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[model]`: which model runs get that name none."""

    default: str | None = None
    """`host/model`. Without it: the first key found, else a local server, else the demo model."""
    reasoning_effort: Effort | None = None
    """The effort for requests that name none; left out for models that do not know it."""
    system_prompt: str | None = None
    """What every model is told first; nothing by default."""


class HostSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[hosts.NAME]`: a host of your own, or changes to a known one."""

    dialect: DialectName | None = None
    """How it speaks; needed for a name that is not known."""
    base_url: str | None = None
    """What the official client of the wire takes; needed for a name that is not known."""
    api_key_env: str | None = None
    """The environment variable that holds the key."""
    models: tuple[str, ...] = ()
    """The models to offer; by default the host is asked."""
    headers: dict[str, str] = {}
    """Headers for every request."""
    quirks: dict[str, object] = {}
    """Where it differs from its dialect; see the reference of providers."""


class ToolsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[tools]`: what a model may do."""

    enabled: bool = True
    """Whether models get the built-in tools at all."""
    fetch: bool = False
    """Whether models may fetch public URLs."""


class StoreSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[store]`: where the server keeps conversations."""

    kind: Literal["sqlite", "memory"] = "sqlite"
    """`sqlite`: one file in the data directory. `memory`: nothing outlives the process."""
    durability: Literal["full", "relaxed"] = "full"
    """`full` survives a power cut; `relaxed` may lose the last seconds to one, and costs less."""
    flush_interval: Annotated[float, Meta(ge=0)] = 0.25
    """Seconds that events may wait to be written; what a crash can lose at most."""
    busy_timeout: Annotated[float, Meta(ge=0)] = 5.0
    """Seconds to wait where another program holds the file."""
    max_bytes: int | None = None
    """The size that the file never exceeds."""
    retention_days: Annotated[float, Meta(gt=0)] | None = None
    """Conversations that were not touched for so long are deleted; by default none is."""


class ChannelsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[channels.NAME]`: the ways out to where people read and write."""

    websocket: WebSocketSettings = WebSocketSettings()
    plugins: dict[str, ChannelSettings] = {}
    """The channels of installed packages; in the file they stand beside `websocket`."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings."""

    server: ServerSection = ServerSection()
    model: ModelSection = ModelSection()
    hosts: dict[str, HostSection] = {}
    limits: Limits = Limits()
    tools: ToolsSection = ToolsSection()
    store: StoreSection = StoreSection()
    channels: ChannelsSection = ChannelsSection()


class Configuration(msgspec.Struct, frozen=True):
    """The settings, and what else was read with them."""

    settings: Settings
    file: Path | None
    """The file that they came from."""
    data_dir: Path
    environment: Mapping[str, str]
    """The environment as it was; provider keys are looked up here."""


def load(
    file: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Mapping[str, object]] | None = None,
) -> Configuration:
    """Read the configuration.

    `file` must exist; without it `thinkaloud.toml` is taken from the working directory, else
    from the user's configuration directory, else there is none. `overrides` lie over all
    (command-line options). Raises `ConfigurationError` naming the place, the key and what is
    allowed.
    """
    environment = dict(os.environ) if environment is None else environment
    found = _find(file)
    tree = _read(found) if found else {}
    from_environment = _overlay(tree, environment)
    for section, values in (overrides or {}).items():
        _merge(tree, {section: {k: v for k, v in values.items() if v is not None}})
    _sort_channels(tree, found, from_environment)
    try:
        settings = msgspec.convert(tree, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise _explained(error, tree, found, from_environment) from error
    data = environment.get("THINKALOUD_DATA_DIR")
    data_dir = Path(data).expanduser() if data else Path(platformdirs.user_data_dir("thinkaloud"))
    return Configuration(settings, found, data_dir, environment)


def _find(file: Path | None) -> Path | None:
    if file is not None:
        if not file.is_file():
            raise ConfigurationError(f"There is no configuration file {file}.")
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


def _overlay(tree: dict[str, object], environment: Mapping[str, str]) -> dict[str, str]:
    """Lay the environment over the tree; return which dotted key came from which variable."""
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
        _merge(tree, cast("dict[str, object]", branch))
        origin[".".join(keys)] = variable
    return origin


def _merge(tree: dict[str, object], over: Mapping[str, object]) -> None:
    for key, value in over.items():
        below = tree.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            _merge(cast("dict[str, object]", below), cast("dict[str, object]", value))
        else:
            tree[key] = value


def _sort_channels(
    tree: dict[str, object], file: Path | None, from_environment: Mapping[str, str]
) -> None:
    """Put the sections of plugins where the settings have them. Unknown names are refused."""
    sections = tree.get("channels")
    if not isinstance(sections, dict):
        return
    channels = cast("dict[str, object]", sections)
    plugins: dict[str, object] = {}
    for name in [each for each in channels if each != WEBSOCKET]:
        key = f"channels.{name}"
        available = sorted({WEBSOCKET, *installed()})
        if name not in available:
            place = _place(key, file, from_environment)
            raise ConfigurationError(
                f"{place}: {key}: There is no such channel. Available: {', '.join(available)}."
            )
        section = channels.pop(name)
        if not isinstance(section, dict):
            place = _place(key, file, from_environment)
            raise ConfigurationError(f"{place}: {key}: This is a section of settings.")
        options = dict(cast("dict[str, object]", section))
        shared = {each: options.pop(each) for each in _SHARED if each in options}
        plugins[name] = {**shared, "options": options}
    channels["plugins"] = plugins


def _explained(
    error: msgspec.ValidationError,
    tree: Mapping[str, object],
    file: Path | None,
    from_environment: Mapping[str, str],
) -> ConfigurationError:
    what, _, path = str(error).partition(" - at `$")
    key = path.rstrip("`").lstrip(".")
    if key.startswith("hosts[...]"):
        key = f"hosts.{_wrong_host(tree)}{key.removeprefix('hosts[...]')}"
    unknown = what.partition("unknown field `")[2].rstrip("`")
    if unknown:
        section = key
        key = f"{key}.{unknown}".lstrip(".")
        what = f"There is no such setting. Allowed here: {', '.join(_keys(section))}"
    else:
        allowed = _allowed(key)
        what = what.rstrip(".") + (f". Allowed: {allowed}" if allowed else "")
    place = _place(key, file, from_environment)
    return ConfigurationError(f"{place}: {key}: {what}.")


def _place(key: str, file: Path | None, from_environment: Mapping[str, str]) -> str:
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
    kind = _type_at(key)
    members = get_args(kind) if get_origin(kind) in {Union, types.UnionType} else (kind,)
    choices = [
        str(value)
        for member in members
        if get_origin(member) is Literal
        for value in get_args(member)
    ]
    return ", ".join(choices)
