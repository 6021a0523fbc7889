"""Channels: connections to the chat platforms where people talk to the agent.

Plugins import from here.
"""

from thinkaloud.channels.channel import BaseChannel
from thinkaloud.channels.host import Exchange, InboundMessage
from thinkaloud.channels.message import OutboundMessage, StreamMetadata
from thinkaloud.channels.routing import ChannelManager
from thinkaloud.channels.settings import ChannelSettings

__all__ = [
    "BaseChannel",
    "ChannelManager",
    "ChannelSettings",
    "Exchange",
    "InboundMessage",
    "OutboundMessage",
    "StreamMetadata",
]
