"""Settings of channels. `thinkaloud.config` loads and documents them."""

from collections.abc import Mapping
from typing import Literal

import msgspec


class ChannelSettings(msgspec.Struct, frozen=True):
    """`[channels.NAME]`: settings that every channel has, and the channel's own options."""

    enabled: bool = True
    """Whether to start the channel."""
    show_reasoning: bool = True
    """Whether the channel gets reasoning. If not, reasoning is dropped, never sent as text."""
    options: Mapping[str, object] = {}
    """All other keys of the section, as they are in the file."""
    reasoning: Literal["allow", "deny"] = "allow"
    """The reasoning policy of the channel. Reasoning is sent only if this, `show_reasoning` and
    `server.show_reasoning` all allow it."""

    @property
    def allows_reasoning(self) -> bool:
        """Whether both of the channel's settings allow reasoning."""
        return self.show_reasoning and self.reasoning == "allow"


class WebSocketSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[channels.websocket]`: the WebSocket of the web UI."""

    enabled: bool = True
    """Whether to serve `/ws`."""
    show_reasoning: bool = True
    """Whether `/ws` carries reasoning."""
    max_chats: int = 256
    """Maximum number of chats that one socket can follow."""
    reasoning: Literal["allow", "deny"] = "allow"
    """The reasoning policy of `/ws`. Reasoning is sent only if this, `show_reasoning` and
    `server.show_reasoning` all allow it."""

    @property
    def allows_reasoning(self) -> bool:
        """Whether both of the channel's settings allow reasoning."""
        return self.show_reasoning and self.reasoning == "allow"
