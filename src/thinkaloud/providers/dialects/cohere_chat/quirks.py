"""In what hosts and families differ on Cohere's chat wire."""

import msgspec

from thinkaloud.events.prompt import EffortLevel
from thinkaloud.providers.dialects.sse_dialect import DialectQuirks


class Quirks(DialectQuirks, frozen=True, forbid_unknown_fields=True):
    """The defaults are Cohere's own API."""

    path: str = "/v2/chat"
    """Appended to the base URL."""
    models_path: str | None = "/v1/models?page_size=1000&endpoint=chat"
    """Where the host lists its models; not set: nowhere."""
    budgets: dict[EffortLevel, int] = msgspec.field(default_factory=dict)
    """The `token_budget` of each effort level; a level that is missing only turns thinking on."""
