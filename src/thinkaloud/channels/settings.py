"""What the operator may set of a channel. Composed and documented by `thinkaloud.config`."""

from collections.abc import Mapping

import msgspec


class ChannelSettings(msgspec.Struct, frozen=True):
    """`[channels.NAME]` of a plugin: what every channel has, and what only this one knows."""

    enabled: bool = True
    """Whether it is started."""
    show_reasoning: bool = True
    """Whether it gets reasoning; where not, reasoning is dropped, never sent as text."""
    options: Mapping[str, object] = {}
    """Every other key of the section, as it stands in the file."""


class WebSocketSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[channels.websocket]`: the socket of the web page."""

    enabled: bool = True
    """Whether `/ws` is there."""
    show_reasoning: bool = True
    """Whether it carries reasoning; `server.show_reasoning = "deny"` beats it."""
    max_chats: int = 256
    """Chats that one socket may follow at once."""
