"""Channels from other packages, found by entry point (group `thinkaloud.channels`)."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from thinkaloud.channels.bus import ChannelConfig, MessageBus, takes_bus
from thinkaloud.channels.channel import BaseChannel
from thinkaloud.channels.host import Exchange
from thinkaloud.channels.settings import ChannelSettings
from thinkaloud.errors import ConfigurationError

GROUP: Final = "thinkaloud.channels"


def installed() -> Mapping[str, EntryPoint]:
    """Return the channels of installed packages by name, without importing them."""
    return {found.name: found for found in entry_points(group=GROUP)}


def make(found: EntryPoint, settings: ChannelSettings, exchange: Exchange) -> BaseChannel:
    """Import and create a channel. Raises `ConfigurationError` if that fails."""
    place = f"channels.{found.name}: {found.value}"
    try:
        loaded: object = found.load()
    except Exception as error:
        raise ConfigurationError(f"{place} cannot be imported: {error!r}.") from error
    if not (isinstance(loaded, type) and issubclass(loaded, BaseChannel)):
        raise ConfigurationError(f"{place} is not a subclass of BaseChannel.")
    try:
        if takes_bus(loaded):
            return loaded(ChannelConfig(found.name, settings, exchange), MessageBus(exchange))
        return loaded(found.name, settings, exchange)
    except Exception as error:
        raise ConfigurationError(f"{place} could not be created: {error!r}.") from error
