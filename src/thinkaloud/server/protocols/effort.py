"""Maps the reasoning effort that a client asks for to one that the model supports. Pure.

Clients of other protocols don't know which efforts a model has, and send what they always send.
"""

from typing import Final

from thinkaloud.events.prompt import EFFORT_LEVELS, Effort, EffortLevel
from thinkaloud.ports.model import ModelInfo
from thinkaloud.runtime.runs.effort import checked_effort

_LOW_BUDGET: Final = 2_048
_MEDIUM_BUDGET: Final = 8_192
"""The highest budgets in tokens that count as these levels."""


def supported_effort(asked: Effort | str | None, model: ModelInfo) -> Effort | None:
    """Return the nearest effort that a model supports; None for the default.

    Raises `InvalidRequest` if `asked` is not an effort at all.
    """
    if asked is None:
        return None
    effort = checked_effort(asked)
    ability = model.reasoning
    if isinstance(effort, int) and ability.budget:
        return effort
    level = _level(effort)
    if level in ability.efforts or (level == "none" and not ability.supported):
        return level
    place = EFFORT_LEVELS.index(level)
    return min(
        (each for each in ability.efforts if each != "none"),
        key=lambda each: abs(EFFORT_LEVELS.index(each) - place),
        default=None,
    )


def _level(effort: Effort) -> EffortLevel:
    if not isinstance(effort, int):
        return effort
    if effort <= _LOW_BUDGET:
        return "low"
    return "medium" if effort <= _MEDIUM_BUDGET else "high"
