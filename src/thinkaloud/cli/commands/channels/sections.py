"""Looks up the sections of chat platforms in the configuration."""

import difflib
from collections.abc import Mapping

from thinkaloud.channels.platform.built_in import BUILT_IN
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.config import Configuration
from thinkaloud.errors import NotFound


def platforms_of(configuration: Configuration) -> Mapping[str, PlatformSettings]:
    """Return the settings of the chat platforms in the configuration."""
    return configuration.settings.channels.platforms


def require_platform(name: str) -> None:
    """Raise `NotFound` if there is no chat platform of this name."""
    if name in BUILT_IN:
        return
    near = difflib.get_close_matches(name, BUILT_IN, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise NotFound(f"There is no chat platform {name!r}.{hint} Available: {', '.join(BUILT_IN)}.")


def section_of(configuration: Configuration, name: str) -> PlatformSettings:
    """Return the settings of a platform. Raises `NotFound` if it isn't configured."""
    require_platform(name)
    found = platforms_of(configuration).get(name)
    if found is None:
        place = configuration.file or "the configuration"
        raise NotFound(
            f"{place} has no [channels.{name}] section. Run: thinkaloud channels add {name}"
        )
    return found
