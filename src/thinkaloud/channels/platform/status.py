"""The state of a channel, for `/health`, `/system-info` and `thinkaloud doctor`."""

from typing import Literal

import msgspec

ChannelCondition = Literal["starting", "running", "retrying", "failed"]
"""`retrying`: it lost its connection and tries again. `failed`: the operator has to act."""


class ChannelStatus(msgspec.Struct, frozen=True):
    """The state of a channel, for `/health`, `/system-info` and `doctor`. No secrets."""

    name: str
    condition: ChannelCondition
    detail: str
    """Why it isn't running, and what to do."""
    since_ms: int
    """When it got into this condition: Unix milliseconds."""
    restarts: int = 0
    pending: int = 0
    """How many answers are on their way."""

    @property
    def healthy(self) -> bool:
        """Whether the channel works as far as it is known."""
        return self.condition in {"starting", "running"}
