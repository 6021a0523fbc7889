"""Finds and reads the configuration file, and converts everything into settings."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import platformdirs

from thinkaloud.config import trust
from thinkaloud.config.channel_sections import group_plugins, take_platforms
from thinkaloud.config.invalid_settings import explained
from thinkaloud.config.settings import Configuration, Settings
from thinkaloud.config.sources import Sources, merge_sources
from thinkaloud.errors import ConfigurationError
from thinkaloud.providers.dialects.registry import dialect_names
from thinkaloud.providers.hosts.host import BUILT_IN_DIALECTS
from thinkaloud.tools.mcp.settings import fault

FILE_NAME: Final = "thinkaloud.toml"


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
    data_dir = _data_dir(environment)
    found = _find(file)
    text = _text(found) if found else b""
    tree = _parsed(found, text) if found else {}
    withheld: list[str] = []
    if found is not None and file is None and _is_in_working_directory(found):
        withheld = trust.withhold(tree, found, text, data_dir)
    sources = merge_sources(tree, found, environment, overrides or {})
    platforms = take_platforms(tree, sources)
    group_plugins(tree, sources)
    try:
        settings = msgspec.convert(tree, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise explained(error, tree, sources) from error
    channels = msgspec.structs.replace(settings.channels, platforms=platforms)
    settings = msgspec.structs.replace(settings, channels=channels)
    _check_dialects(settings, sources)
    _check_servers(settings, sources)
    notices = (*sources.notices, *withheld)
    return Configuration(settings, found, data_dir, environment, notices)


def trust_file(file: Path, environment: Mapping[str, str] | None = None) -> list[str]:
    """Trust a configuration file, and return its sections that start code.

    Raises `ConfigurationError` if it cannot be read or the trust cannot be stored.
    """
    if not file.is_file():
        raise ConfigurationError(f"Configuration file not found: {file}.")
    content = _text(file)
    tree = _parsed(file, content)
    data_dir = _data_dir(os.environ if environment is None else environment)
    try:
        trust.trust(file, content, data_dir)
    except OSError as error:
        raise ConfigurationError(f"{data_dir} cannot be written: {error.strerror}.") from error
    return [section for section in trust.SECTIONS if section in tree]


def _data_dir(environment: Mapping[str, str]) -> Path:
    chosen = environment.get("THINKALOUD_DATA_DIR")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_data_dir("thinkaloud"))


def _find(file: Path | None) -> Path | None:
    if file is not None:
        if not file.is_file():
            raise ConfigurationError(f"Configuration file not found: {file}.")
        return file
    places = (Path.cwd(), Path(platformdirs.user_config_dir("thinkaloud")))
    return next((place / FILE_NAME for place in places if (place / FILE_NAME).is_file()), None)


def _is_in_working_directory(file: Path) -> bool:
    """Whether the file may belong to a project that somebody else wrote."""
    return file.parent == Path.cwd() != Path(platformdirs.user_config_dir("thinkaloud"))


def _text(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.") from error


def _parsed(file: Path, text: bytes) -> dict[str, object]:
    try:
        return tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not valid TOML: {error}") from error


def _check_servers(settings: Settings, sources: Sources) -> None:
    """Raise `ConfigurationError` for an MCP server that lacks or mixes settings."""
    for name, section in settings.mcp.items():
        if (wrong := fault(name, section)) is not None:
            key = f"mcp.{name}"
            raise ConfigurationError(f"{sources.of(key)}: {key}: {wrong}.")


def _check_dialects(settings: Settings, sources: Sources) -> None:
    """Raise `ConfigurationError` for a dialect that neither thinkaloud nor a package has."""
    for name, section in settings.hosts.items():
        if section.dialect is None or section.dialect in BUILT_IN_DIALECTS:
            continue
        available = dialect_names()
        if section.dialect not in available:
            key = f"hosts.{name}.dialect"
            raise ConfigurationError(
                f"{sources.of(key)}: {key}: There is no dialect"
                f" {section.dialect}. Available: {', '.join(available)}."
            )
