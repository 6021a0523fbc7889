"""One model on one host: what a dialect is bound to. Data only."""

from typing import Literal

import msgspec

from thinkaloud.events.model import Origin
from thinkaloud.events.prompt import EffortLevel
from thinkaloud.providers.redaction import identity

Reasons = Literal["never", "optional", "always"]
Shows = Literal["text", "summary", "hidden", "nothing"]


class Family(msgspec.Struct, frozen=True):
    """What a model family can do."""

    name: str
    reasons: Reasons = "never"
    shows: Shows = "nothing"
    """How much of the reasoning the provider sends: the full text, summaries, or only a count."""
    efforts: tuple[EffortLevel, ...] = ()
    """The effort levels that a request may set."""
    budget: tuple[int, int] | None = None
    """The minimum and maximum budget in reasoning tokens, if the model accepts a number."""
    images: bool = False
    max_tokens: int | None = None
    """The context window."""
    max_output_tokens: int | None = None
    preopened: bool = False
    """Whether the chat template opens the reasoning block, so that the response starts inside it
    without a tag. Only applies if the server does not separate the reasoning itself."""
    quirks: dict[str, object] = {}
    """How this family differs from the dialect's defaults: fields of the dialect's quirks."""


class Target(msgspec.Struct, frozen=True):
    """One model on one host.

    Where a host or family differs from its dialect, `quirks` describes the difference as data.
    Each dialect defines a frozen struct for it (`dialects/<name>/quirks.py`) and converts.
    A family's quirks override the host's.
    """

    host: str
    """The host's name in the configuration, e.g. `openrouter`."""
    dialect: str
    base_url: str
    """The base URL you would pass to the official SDK, without a trailing slash."""
    model: str
    """The provider's own name for the model."""
    family: Family = Family(name="unknown", reasons="optional", shows="text", images=True)
    quirks: dict[str, object] = {}
    withholds_reasoning: bool = False
    """Whether reasoning is hidden from all subscribers. If so, text that may be reasoning is never
    treated as answer text."""

    @property
    def origin(self) -> Origin:
        """Identifies the opaque payloads that this target produces."""
        endpoint = identity(self.base_url)
        return Origin(dialect=self.dialect, endpoint=endpoint, model=self.model)
