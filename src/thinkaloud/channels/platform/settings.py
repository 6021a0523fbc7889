"""The settings that all chat platforms share. `thinkaloud.config` loads and documents them."""

from typing import Annotated, Literal

import msgspec

from thinkaloud.events.prompt import Effort
from thinkaloud.ports.principal import ReasoningPolicy

ThinkingMode = Literal["off", "live", "folded", "on_request"]
"""How a chat shows reasoning. `off`: never. `live`: while it streams, folded when it is done.
`folded`: folded, when it is done. `on_request`: only for somebody who asks with `/why`."""

THINKING_MODES: tuple[ThinkingMode, ...] = ("off", "live", "folded", "on_request")


class PlatformSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[channels.PLATFORM]`: the settings that every chat platform has, beside its own.

    `PLATFORM` is `telegram`, `slack`, `discord`, `feishu`, `wechat`, `wecom` or `matrix`.
    """

    enabled: bool = True
    """Whether to start the channel."""
    show_reasoning: bool = True
    """Whether the channel gets reasoning. If not, reasoning is dropped, whatever the mode."""
    reasoning: ReasoningPolicy = "allow"
    """The reasoning policy of the channel: for the runs it starts, and for what it shows. The strictest of this and
    `server.show_reasoning` wins."""
    thinking: ThinkingMode = "live"
    """How direct messages show reasoning, until `/thinking` changes it for a chat."""
    group_thinking: ThinkingMode = "off"
    """The same in groups."""
    allow_from: tuple[str, ...] = ()
    """The stable ids of the people who may use the channel; `["*"]` for everybody. People who were
    paired may always use it."""
    allow_groups: tuple[str, ...] = ()
    """The stable ids of the groups where these people are answered; `["*"]` for all groups. For
    Discord, also ids of servers, for all their channels."""
    mention_only: bool = True
    """Whether messages in groups are ignored unless they mention the bot or reply to it."""
    pairing: bool = True
    """Whether a stranger who writes a direct message gets a code, which
    `thinkaloud channels pair CODE` approves."""
    model: str | None = None
    """The model of the channel's conversations, as `host/model`. Not set: the server's."""
    reasoning_effort: Effort | None = None
    """The reasoning effort of the channel's conversations. Not set: the server's."""
    answer_messages: Annotated[int, msgspec.Meta(ge=1, le=100)] = 16
    """About how many messages an answer may take. A longer one is cut there, and also sent completely as a Markdown
    document, on platforms where the bot can send files."""
    system_prompt: str | None = None
    """The system prompt of the channel's conversations. Not set: the server's."""
    owner: str | None = None
    """Who owns the channel's conversations. Not set: the owner of the server."""

    @property
    def allows_reasoning(self) -> bool:
        """Whether both of the channel's settings allow reasoning."""
        return self.show_reasoning and self.reasoning != "deny"
