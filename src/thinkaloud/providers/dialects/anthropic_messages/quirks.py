"""How hosts and families differ in their Messages API. Data only."""

from typing import Literal

import msgspec

from thinkaloud.events.prompt import EffortLevel
from thinkaloud.providers.dialects.inline import InlineQuirks

ThinkingStyle = Literal["budget", "adaptive", "switch", "always", "none"]
"""How thinking is requested.

- `budget`: `thinking.type: enabled` with `budget_tokens`; off by default (Claude up to 4.5).
- `adaptive`: `thinking.type: adaptive` and `output_config.effort` (Claude 4.6 and later).
- `switch`: `thinking.type: enabled`, without a budget, and `output_config.effort` (DeepSeek).
- `always`: the model always thinks; nothing is sent.
- `none`: the model does not think.
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
    """The defaults suit Anthropic's own API and a model that accepts a budget."""

    path: str = "/v1/messages"
    """The path after the base URL. If it contains `{model}`, the model is sent in the path instead
    of the body: Vertex `/publishers/anthropic/models/{model}:streamRawPredict`, Bedrock
    `/model/{model}/invoke-with-response-stream`."""
    models_path: str | None = "/v1/models?limit=1000"
    """None if the host does not list models in this format (Vertex, Bedrock)."""
    version: str = "2023-06-01"
    """The `anthropic-version` header."""
    body_version: str | None = None
    """`anthropic_version` in the body instead of the header: `vertex-2023-10-16`,
    `bedrock-2023-05-31`."""
    stream_field: bool = True
    """False if the path selects streaming and the body must not contain `stream` (Bedrock)."""
    betas: tuple[str, ...] = ()
    """Beta features enabled in every request."""
    betas_in_body: bool = False
    """True if betas are sent as `anthropic_beta` in the body instead of the header (Bedrock)."""

    thinking: ThinkingStyle = "budget"
    unasked: bool = True
    """Style `adaptive`: request thinking (and its text) even if the request sets no effort."""
    thinks_unasked: bool = False
    """Style `budget`: the model thinks even if the request sets no effort, and its thinking is sent
    back (models of all makers except Anthropic)."""
    display: str | None = "summarized"
    """Style `adaptive`: `thinking.display`, without which newer models omit the text; None: not
    sent, for models that do not support the field."""
    budgets: Budgets = Budgets()
    """Style `budget`: the budget in tokens for each effort, clamped to the family's limits."""
    interleaved: bool = False
    """Whether the beta header is needed for thinking between tool calls (Claude 4 to 4.5)."""
    unsigned: bool = False
    """Whether thinking needs no signature, and every turn with a tool call must include a thinking
    block, even another model's (DeepSeek)."""
    max_tokens: int = 32_000
    """Tokens for the answer if a request sets no limit, as the API requires one."""
