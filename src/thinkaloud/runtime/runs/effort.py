"""Determines the reasoning effort of a run. Pure."""

from thinkaloud.errors import Forbidden, InvalidRequest, UnsupportedEffort
from thinkaloud.events.prompt import EFFORT_LEVELS, Effort, EffortLevel
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


def permitted_effort(
    asked: Effort | None, default: Effort | None, highest: Effort | None, model: ModelInfo
) -> Effort | None:
    """Like `effective_effort`, but never above the highest permitted effort. None: any is permitted.

    Instead of a default that is above it, or unknown, this returns the highest permitted level that
    the model supports. Raises `Forbidden` if the request asks for more, or if the model supports
    no permitted level. A model whose effort cannot be set is not restricted.
    """
    effort = effective_effort(asked, default, model)
    if highest is None or not model.reasoning.supported:
        return effort
    if effort is not None and not _exceeds(effort, highest):
        return effort
    if asked is not None:
        raise Forbidden(
            f"The highest permitted reasoning effort is {highest}.", field="reasoning_effort"
        )
    levels: list[EffortLevel] = [each for each in EFFORT_LEVELS if each in model.reasoning.efforts]
    permitted: list[EffortLevel] = [each for each in levels if not _exceeds(each, highest)]
    if permitted:
        return permitted[-1]
    if model.reasoning.budget and isinstance(highest, int):
        return highest
    if levels:
        raise Forbidden(
            f"{model.id} supports no reasoning effort up to {highest}.", field="reasoning_effort"
        )
    return None


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


def _exceeds(effort: Effort, highest: Effort) -> bool:
    """Whether an effort is above another. A level and a budget can't be compared: it is, then."""
    if effort == "none":
        return False
    if isinstance(effort, int) or isinstance(highest, int):
        return not (isinstance(effort, int) and isinstance(highest, int) and effort <= highest)
    return EFFORT_LEVELS.index(effort) > EFFORT_LEVELS.index(highest)


def _supports(effort: Effort, model: ModelInfo) -> bool:
    if isinstance(effort, int):
        return model.reasoning.budget
    if effort == "none" and not model.reasoning.supported:
        return True
    return effort in model.reasoning.efforts
