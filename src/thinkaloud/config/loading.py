"""Finds and reads the configuration file, and converts everything into settings."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import platformdirs

from thinkaloud.config.channel_sections import group_plugins, take_platforms
from thinkaloud.config.invalid_settings import explained
from thinkaloud.config.settings import Configuration, Settings
from thinkaloud.config.sources import Sources, merge_sources
from thinkaloud.errors import ConfigurationError
from thinkaloud.providers.dialects.registry import dialect_names
from thinkaloud.providers.hosts.host import BUILT_IN_DIALECTS

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
    found = _find(file)
    tree = _read(found) if found else {}
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
    data = environment.get("THINKALOUD_DATA_DIR")
    data_dir = Path(data).expanduser() if data else Path(platformdirs.user_data_dir("thinkaloud"))
    return Configuration(settings, found, data_dir, environment, sources.notices)


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
