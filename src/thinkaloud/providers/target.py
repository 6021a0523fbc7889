"""One model of one host: what a dialect is bound to. Data, no code."""

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
    """What of its reasoning the provider sends: all text, summaries, or only a count."""
    efforts: tuple[EffortLevel, ...] = ()
    """The levels that a request may name."""
    budget: tuple[int, int] | None = None
    """The least and the greatest budget in reasoning tokens, where a number may be named."""
    images: bool = False
    max_tokens: int | None = None
    """The context window."""
    max_output_tokens: int | None = None
    preopened: bool = False
    """Whether the chat template opens the thought, so that the response begins inside it without
    a tag. Only where a server does not split reasoning off itself."""
    quirks: dict[str, object] = {}
    """In which way this family differs from its dialect's default: fields of the dialect's quirks."""


class Target(msgspec.Struct, frozen=True):
    """One model of one host.

    Where a host or a family differs from its dialect, the difference is data in `quirks`:
    each dialect defines a frozen struct of that (`dialects/<name>/quirks.py`) and converts.
    A family's quirks are laid over the host's.
    """

    host: str
    """The host's name in the configuration, e.g. `openrouter`."""
    dialect: str
    base_url: str
    """The base URL you would give the official SDK, without a slash at the end."""
    model: str
    """The provider's own name of the model."""
    family: Family = Family(name="unknown", reasons="optional", shows="text", images=True)
    quirks: dict[str, object] = {}
    withholds_reasoning: bool = False
    """Whether reasoning is kept from every reader: what may be reasoning is then not answer."""

    @property
    def origin(self) -> Origin:
        """The identity of everything opaque that comes from here."""
        endpoint = identity(self.base_url)
        return Origin(dialect=self.dialect, endpoint=endpoint, model=self.model)
