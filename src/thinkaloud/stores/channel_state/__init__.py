"""Implementations of the channel-state port."""

from thinkaloud.stores.channel_state.memory import MemoryChannelState
from thinkaloud.stores.channel_state.sqlite import SqliteChannelState

__all__ = ["MemoryChannelState", "SqliteChannelState"]
