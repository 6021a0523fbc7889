"""The chat platforms that come with thinkaloud. Nothing here is imported before it is needed."""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Final, Protocol, cast

import msgspec

from thinkaloud.channels.platform.platform import Platform, PlatformContext
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.errors import ConfigurationError


class MakePlatform(Protocol):
    """Creates a platform: the class that a `BuiltIn` names, or a function."""

    def __call__(self, settings: PlatformSettings, context: PlatformContext, /) -> Platform:
        """Create it without connecting. Raises `Misconfigured`."""
        ...


class BuiltIn(msgspec.Struct, frozen=True):
    """Where a platform's parts are, as `module:name`."""

    settings: str
    """A subclass of `PlatformSettings`. Its module imports no library."""
    platform: str
    """A `MakePlatform` for these settings. Its module may import the library."""
    extra: str
    """The pip extra with its library; empty if it needs none."""
    library: str = ""
    """The module of that library; empty if it needs none."""

    def is_installed(self) -> bool:
        """Whether the library is there. Doesn't import it, but reads the disk."""
        return not self.library or find_spec(self.library) is not None


def _of(name: str, title: str, library: str = "") -> BuiltIn:
    package = f"thinkaloud.channels.{name}"
    return BuiltIn(
        f"{package}.settings:{title}Settings",
        f"{package}.client:{title}Platform",
        name if library else "",
        library,
    )


BUILT_IN: Final[Mapping[str, BuiltIn]] = {
    "telegram": _of("telegram", "Telegram", "aiogram"),
    "slack": _of("slack", "Slack", "slack_bolt"),
    "discord": _of("discord", "Discord", "discord"),
    "feishu": _of("feishu", "Feishu"),
    "wechat": _of("wechat", "WeChat", "cryptography"),
    "wecom": _of("wecom", "WeCom", "aibot"),
    "matrix": _of("matrix", "Matrix", "nio"),
}
"""By channel name. No plugin can use these names."""


class MissingExtra(ConfigurationError):
    """The library of a channel is not installed. The message says how to install it."""


def install_command(extra: str) -> str:
    """How an operator installs an extra: with pip, or in a checkout, whose environment has no pip."""
    return f"pip install 'thinkaloud[{extra}]' (in a checkout: make channels)"


def settings_type(name: str, table: Mapping[str, BuiltIn] = BUILT_IN) -> type[PlatformSettings]:
    """Import the settings of a platform. Raises `ConfigurationError` if this version has none."""
    try:
        return cast("type[PlatformSettings]", _load(table[name].settings))
    except ModuleNotFoundError as error:
        message = "this version of thinkaloud has no such channel."
        raise ConfigurationError(message) from error


def load_platform(name: str, table: Mapping[str, BuiltIn] = BUILT_IN) -> MakePlatform:
    """Import a platform with its library, which may take seconds. Raises `MissingExtra`."""
    found = table[name]
    try:
        return cast("MakePlatform", _load(found.platform))
    except ImportError as error:
        if not found.extra or (error.name or "").startswith("thinkaloud"):
            raise
        message = (
            f"{error.name or 'its library'} is not installed. Run: {install_command(found.extra)}"
        )
        raise MissingExtra(message) from error


def _load(place: str) -> object:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
