"""In what hosts and families differ on the Interactions wire."""

import msgspec

from thinkaloud.events.prompt import EffortLevel
from thinkaloud.providers.dialects.sse_dialect import DialectQuirks


def _levels() -> dict[EffortLevel, str]:
    return {
        "none": "minimal",
        "minimal": "minimal",
        "low": "low",
        "medium": "medium",
        "high": "high",
        "xhigh": "high",
        "max": "high",
    }


class Quirks(DialectQuirks, frozen=True, forbid_unknown_fields=True):
    """The defaults are Google AI."""

    path: str = "/v1beta/interactions"
    """Appended to the base URL."""
    models_path: str | None = "/v1beta/models?pageSize=1000"
    """Where the host lists its models; not set: nowhere."""
    api_revision: str | None = "2026-05-20"
    """The `Api-Revision` header: responses are made of steps since then."""
    levels: dict[EffortLevel, str] = msgspec.field(default_factory=_levels)
    """The `thinking_level` of each effort level. The wire has no word for no thinking at all."""
    foreign_signature: str | None = None
    """The signature put on the first call of a turn that this model did not write."""
