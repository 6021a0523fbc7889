"""Settings of channels. `thinkaloud.config` loads and documents them."""

from collections.abc import Mapping

import msgspec

from thinkaloud.ports.principal import ReasoningPolicy


class ChannelSettings(msgspec.Struct, frozen=True):
    """`[channels.NAME]`: settings that every channel has, and the channel's own options."""

    enabled: bool = True
    """Whether to start the channel."""
    show_reasoning: bool = True
    """Whether the channel gets reasoning. If not, reasoning is dropped, never sent as text."""
    options: Mapping[str, object] = {}
    """All other keys of the section, as they are in the file."""
    reasoning: ReasoningPolicy = "allow"
    """The reasoning policy of the channel: for the runs it starts, and for what it gets. The strictest of this and
    `server.show_reasoning` wins."""

    owner: str | None = None
    """Who owns the channel's conversations. Not set: the owner of the server."""

    @property
    def allows_reasoning(self) -> bool:
        """Whether both of the channel's settings allow reasoning."""
        return self.show_reasoning and self.reasoning != "deny"


class WebSocketSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[channels.websocket]`: the WebSocket of the web UI."""

    enabled: bool = True
    """Whether to serve `/ws`."""
    show_reasoning: bool = True
    """Whether `/ws` carries reasoning."""
    max_chats: int = 256
    """Maximum number of chats that one socket can follow."""
    reasoning: ReasoningPolicy = "allow"
    """The reasoning policy of `/ws`: for the runs it starts, and for what it sends. The strictest of this and
    `server.show_reasoning` wins."""

    @property
    def allows_reasoning(self) -> bool:
        """Whether both of the channel's settings allow reasoning."""
        return self.show_reasoning and self.reasoning != "deny"
