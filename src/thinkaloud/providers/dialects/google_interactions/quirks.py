"""How hosts and families differ in their Interactions API."""

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
    """The defaults suit Google AI."""

    path: str = "/v1beta/interactions"
    """Appended to the base URL."""
    models_path: str | None = "/v1beta/models?pageSize=1000"
    """The path at which the host lists its models; None if it does not."""
    api_revision: str | None = "2026-05-20"
    """The `Api-Revision` header. Responses consist of steps since this revision."""
    levels: dict[EffortLevel, str] = msgspec.field(default_factory=_levels)
    """The `thinking_level` of each effort level. The API cannot turn thinking off completely."""
    foreign_signature: str | None = None
    """The signature set on the first call of a turn from another model."""
