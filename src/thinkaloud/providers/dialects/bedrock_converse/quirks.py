"""How families differ in the Converse API. Data only."""

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
"""How `additionalModelRequestFields` configures reasoning.

- `claude-budget`: `thinking.type: enabled` with `budget_tokens` (Claude up to 4.5).
- `claude-adaptive`: `thinking.type: adaptive` and `output_config.effort` (Claude 4.6 and later).
- `reasoning-effort`: `reasoning_effort` (gpt-oss).
- `reasoning-config`: `reasoning_config`, a string (Qwen).
- `nova`: `reasoningConfig` with `maxReasoningEffort` (Nova 2).
- `always`: the model always reasons; nothing is sent (DeepSeek R1).
- `none`: the model does not reason, or only in its text.
"""


class Budgets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The thinking budget in tokens for each effort."""

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
    """The defaults suit the plain API and a model without a reasoning switch."""

    reasoning: ReasoningStyle = "none"
    unasked: bool = True
    """Style `claude-adaptive`: request thinking even if the request sets no effort."""
    display: str | None = "summarized"
    """Style `claude-adaptive`: `thinking.display`, without which newer models omit the text."""
    budgets: Budgets = Budgets()
    """Style `claude-budget`: the budget for each effort, clamped to the family's limits."""
    interleaved: bool = False
    """Whether `anthropic_beta` must enable thinking between tool calls (Claude 4 to 4.5)."""
    answer_tokens: int = 32_000
    """Style `claude-budget`: tokens for the answer if a request sets no limit."""
    sends_reasoning: bool = True
    """False if the model rejects reasoning in earlier turns (DeepSeek R1)."""
    tool_status: bool = True
    """False if `toolResult.status` is rejected; Claude and Nova accept it."""
