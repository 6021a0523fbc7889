"""How hosts and families differ in their generateContent API."""

from typing import Literal

import msgspec

from thinkaloud.events.prompt import EffortLevel
from thinkaloud.providers.dialects.sse_dialect import DialectQuirks


def _levels() -> dict[EffortLevel, str]:
    return {
        "minimal": "minimal",
        "low": "low",
        "medium": "medium",
        "high": "high",
        "xhigh": "high",
        "max": "high",
    }


def _budgets() -> dict[EffortLevel, int]:
    return {
        "minimal": 512,
        "low": 2048,
        "medium": 8192,
        "high": 16384,
        "xhigh": 24576,
        "max": 24576,
    }


class Quirks(DialectQuirks, frozen=True, forbid_unknown_fields=True):
    """The defaults suit Google AI with Gemini 3."""

    path: str = "/v1beta/models/{model}:streamGenerateContent?alt=sse"
    """Appended to the base URL, with `{model}`, `{project}` and `{location}` replaced. Vertex:
    `/v1/projects/{project}/locations/{location}/publishers/google/models/{model}:streamGenerateContent?alt=sse`."""
    project: str = ""
    """The Google Cloud project, if the path contains one."""
    location: str = ""
    """The Google Cloud location, if the path contains one."""
    models_path: str | None = "/v1beta/models?pageSize=1000"
    """The path at which the host lists its models; None if it does not."""
    thinking: Literal["level", "budget"] = "level"
    """How an effort is sent: as `thinkingLevel` (Gemini 3 and later) or `thinkingBudget` (2.5)."""
    levels: dict[EffortLevel, str] = msgspec.field(default_factory=_levels)
    """The `thinkingLevel` of each effort level."""
    budgets: dict[EffortLevel, int] = msgspec.field(default_factory=_budgets)
    """The `thinkingBudget` of each effort level, in tokens; -1 lets the model decide."""
    foreign_signature: str | None = "skip_thought_signature_validator"
    """The signature set on the first call of a turn from another model. Gemini 3 rejects such a
    turn without one, and Google documents this value for it; None (2.5): not sent."""
    tool_schema: Literal["json_schema", "openapi"] = "json_schema"
    """How a tool's parameters are sent: unchanged in `parametersJsonSchema`, or reduced to
    Google's OpenAPI subset in `parameters`, for hosts that only support that."""
    call_ids: bool = True
    """Whether calls from other models, and their results, have ids."""
