"""How hosts and model families differ in the generateContent API."""

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
    """The defaults are for Google AI with Gemini 3."""

    path: str = "/v1beta/models/{model}:streamGenerateContent?alt=sse"
    """Appended to the base URL, with `{model}`, `{project}` and `{location}` replaced. Vertex:
    `/v1/projects/{project}/locations/{location}/publishers/google/models/{model}:streamGenerateContent?alt=sse`."""
    project: str = ""
    """The Google Cloud project, if the path has one."""
    location: str = ""
    """The Google Cloud location, if the path has one."""
    models_path: str | None = "/v1beta/models?pageSize=1000"
    """The path of the model list. Not set: none."""
    thinking: Literal["level", "budget"] = "level"
    """The field for the effort: `thinkingLevel` (Gemini 3 and later) or `thinkingBudget` (2.5)."""
    levels: dict[EffortLevel, str] = msgspec.field(default_factory=_levels)
    """The `thinkingLevel` of each effort level."""
    budgets: dict[EffortLevel, int] = msgspec.field(default_factory=_budgets)
    """The `thinkingBudget` of each effort level, in tokens; -1 lets the model decide."""
    foreign_signature: str | None = "skip_thought_signature_validator"
    """The signature for the first call of a turn that another model wrote. Gemini 3 rejects such a
    turn without one, and Google documents this value for it. None: no signature (2.5)."""
    tool_schema: Literal["json_schema", "openapi"] = "json_schema"
    """How to send a tool's parameters: unchanged in `parametersJsonSchema`, or reduced to Google's
    OpenAPI subset in `parameters`, for hosts that support only that."""
    call_ids: bool = True
    """Whether to send ids for calls of other models and their results."""
