"""How hosts and families differ in Cohere's chat API."""

import msgspec

from thinkaloud.events.prompt import EffortLevel
from thinkaloud.providers.dialects.sse_dialect import DialectQuirks


class Quirks(DialectQuirks, frozen=True, forbid_unknown_fields=True):
    """The defaults suit Cohere's own API."""

    path: str = "/v2/chat"
    """Appended to the base URL."""
    models_path: str | None = "/v1/models?page_size=1000&endpoint=chat"
    """The path at which the host lists its models; None if it does not."""
    budgets: dict[EffortLevel, int] = msgspec.field(default_factory=dict)
    """The `token_budget` of each effort level; a missing level only turns thinking on."""
