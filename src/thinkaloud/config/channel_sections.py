"""The sections `[channels.NAME]`: of built-in chat platforms, and of channels from packages."""

from typing import Final, cast

from thinkaloud.channels.platform.built_in import BUILT_IN
from thinkaloud.channels.platform.sections import InvalidSetting, nearest, read_settings
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.channels.plugins import installed
from thinkaloud.config.sources import Sources
from thinkaloud.errors import ConfigurationError
from thinkaloud.server.websocket_channel import NAME as WEBSOCKET

_SHARED: Final = ("enabled", "show_reasoning", "reasoning", "owner")


def take_platforms(tree: dict[str, object], sources: Sources) -> dict[str, PlatformSettings]:
    """Remove the sections of built-in chat platforms from the tree and convert them.

    Raises `ConfigurationError`.
    """
    sections = tree.get("channels")
    if not isinstance(sections, dict):
        return {}
    channels = cast("dict[str, object]", sections)
    found: dict[str, PlatformSettings] = {}
    for name in [each for each in channels if each in BUILT_IN]:
        try:
            found[name] = read_settings(name, channels.pop(name))
        except InvalidSetting as error:
            place = sources.of(error.key)
            raise ConfigurationError(f"{place}: {error.key}: {error.message}") from error
    return found


def group_plugins(tree: dict[str, object], sources: Sources) -> None:
    """Move the sections of channels from packages to `plugins`.

    Raises `ConfigurationError` for unknown channels.
    """
    sections = tree.get("channels")
    if not isinstance(sections, dict):
        return
    channels = cast("dict[str, object]", sections)
    plugins: dict[str, object] = {}
    for name in [each for each in channels if each != WEBSOCKET]:
        key = f"channels.{name}"
        available = [*sorted({WEBSOCKET, *installed()}), *sorted(BUILT_IN)]
        if name not in available:
            raise ConfigurationError(
                f"{sources.of(key)}: {key}: unknown channel. Available: {', '.join(available)}."
                f"{nearest(name, available)}"
            )
        section = channels.pop(name)
        if not isinstance(section, dict):
            raise ConfigurationError(f"{sources.of(key)}: {key}: expected a table of settings.")
        options = dict(cast("dict[str, object]", section))
        shared = {each: options.pop(each) for each in _SHARED if each in options}
        plugins[name] = {**shared, "options": options}
    channels["plugins"] = plugins
