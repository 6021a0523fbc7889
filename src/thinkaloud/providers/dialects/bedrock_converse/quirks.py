"""In what families on the Converse wire differ: data."""

from typing import Literal

import msgspec

from thinkaloud.events.prompt import EffortLevel
from thinkaloud.providers.dialects.inline import InlineQuirks

ReasoningStyle = Literal[
    "claude-budget",
    "claude-adaptive",
    "reasoning-effort",
    "reasoning-config",
    "nova",
    "always",
    "none",
]
"""What `additionalModelRequestFields` says about reasoning.

- `claude-budget`: `thinking.type: enabled` with `budget_tokens` (Claude up to 4.5).
- `claude-adaptive`: `thinking.type: adaptive` and `output_config.effort` (Claude 4.6 and later).
- `reasoning-effort`: `reasoning_effort` (gpt-oss).
- `reasoning-config`: `reasoning_config`, a word (Qwen).
- `nova`: `reasoningConfig` with `maxReasoningEffort` (Nova 2).
- `always`: it reasons, and there is nothing to ask for (DeepSeek R1).
- `none`: it does not reason, or only in its text.
"""


class Budgets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many tokens of thinking an effort is worth."""

    minimal: int = 1024
    low: int = 2048
    medium: int = 8192
    high: int = 16384
    xhigh: int = 32768
    max: int = 65536

    def of(self, effort: EffortLevel) -> int:
        """Return the budget in tokens; 0 for `none`."""
        return 0 if effort == "none" else msgspec.structs.asdict(self)[effort]


class Quirks(InlineQuirks, frozen=True, forbid_unknown_fields=True):
    """The defaults are the plain wire with a model that has no reasoning switch."""

    reasoning: ReasoningStyle = "none"
    unasked: bool = True
    """Style `claude-adaptive`: ask for thinking also where the request names no effort."""
    display: str | None = "summarized"
    """Style `claude-adaptive`: `thinking.display`, without which newer models omit the text."""
    budgets: Budgets = Budgets()
    """Style `claude-budget`: the budget for each effort, held within the family's limits."""
    interleaved: bool = False
    """Whether `anthropic_beta` must ask for thinking between tool calls (Claude 4 to 4.5)."""
    answer_tokens: int = 32_000
    """Style `claude-budget`: the room for the answer where a request names no limit."""
    sends_reasoning: bool = True
    """False where the model refuses reasoning in earlier turns (DeepSeek R1)."""
    tool_status: bool = True
    """False where `toolResult.status` is refused; Claude and Nova take it."""
