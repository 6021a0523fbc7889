"""Determines the reasoning effort of a run. Pure."""

from thinkaloud.errors import InvalidRequest, UnsupportedEffort
from thinkaloud.events.prompt import EFFORT_LEVELS, Effort
from thinkaloud.ports.model import ModelInfo


def effective_effort(
    asked: Effort | None, default: Effort | None, model: ModelInfo
) -> Effort | None:
    """Return the effort for a run; None means the provider's default.

    Raises `UnsupportedEffort` with the valid levels if the model doesn't support what the request
    asks for, and `InvalidRequest` if it is not a valid effort. An unsupported server default is
    ignored. A model that never reasons supports `none`.
    """
    if asked is None:
        return default if default is not None and _supports(default, model) else None
    asked = checked_effort(asked)
    if not _supports(asked, model):
        raise UnsupportedEffort(model.id, asked, model.reasoning.efforts)
    return asked


def checked_effort(asked: object) -> Effort:
    """Validate a requested effort. Raises `InvalidRequest`."""
    if isinstance(asked, int) and not isinstance(asked, bool):
        if asked < 1:
            raise InvalidRequest(
                "A reasoning budget must be at least 1 token.", field="reasoning_effort"
            )
        return asked
    for level in EFFORT_LEVELS:
        if asked == level:
            return level
    raise InvalidRequest(
        f"reasoning_effort must be one of {', '.join(EFFORT_LEVELS)}, or a number of tokens.",
        field="reasoning_effort",
        valid=EFFORT_LEVELS,
    )


def _supports(effort: Effort, model: ModelInfo) -> bool:
    if isinstance(effort, int):
        return model.reasoning.budget
    if effort == "none" and not model.reasoning.supported:
        return True
    return effort in model.reasoning.efforts
