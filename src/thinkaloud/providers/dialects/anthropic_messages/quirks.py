"""In what hosts and families of the Messages wire differ: data."""

from typing import Literal

import msgspec

from thinkaloud.events.prompt import EffortLevel
from thinkaloud.providers.dialects.inline import InlineQuirks

ThinkingStyle = Literal["budget", "adaptive", "switch", "always", "none"]
"""How a model's thinking is asked for.

- `budget`: `thinking.type: enabled` with `budget_tokens`; off unless asked (Claude up to 4.5).
- `adaptive`: `thinking.type: adaptive` and `output_config.effort` (Claude 4.6 and later).
- `switch`: `thinking.type: enabled`, without a budget, and `output_config.effort` (DeepSeek).
- `always`: it thinks, and there is nothing to ask for.
- `none`: it does not think.
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
    """The defaults are Anthropic's own API with a model that takes a budget."""

    path: str = "/v1/messages"
    """What follows the base URL. With `{model}` in it, the model stands in the path and not in
    the body: Vertex `/publishers/anthropic/models/{model}:streamRawPredict`, Bedrock
    `/model/{model}/invoke-with-response-stream`."""
    models_path: str | None = "/v1/models?limit=1000"
    """None where the host lists no models in this wire (Vertex, Bedrock)."""
    version: str = "2023-06-01"
    """The `anthropic-version` header."""
    body_version: str | None = None
    """`anthropic_version` in the body instead of the header: `vertex-2023-10-16`,
    `bedrock-2023-05-31`."""
    stream_field: bool = True
    """False where the path says that the response streams and the body must not (Bedrock)."""
    betas: tuple[str, ...] = ()
    """Beta features that every request names."""
    betas_in_body: bool = False
    """True where betas go as `anthropic_beta` in the body instead of the header (Bedrock)."""

    thinking: ThinkingStyle = "budget"
    unasked: bool = True
    """Style `adaptive`: ask for thinking (and its text) also where the request names no effort."""
    thinks_unasked: bool = False
    """Style `budget`: the model thinks also where the request names no effort, and gets its
    thoughts back (every maker's but Anthropic's)."""
    display: str | None = "summarized"
    """Style `adaptive`: `thinking.display`, without which newer models omit the text; None: not
    sent, for those that do not know the field."""
    budgets: Budgets = Budgets()
    """Style `budget`: the budget in tokens for each effort, held within the family's limits."""
    interleaved: bool = False
    """Whether the beta header is needed for thinking between tool calls (Claude 4 to 4.5)."""
    unsigned: bool = False
    """Thinking needs no signature here, and every turn that called a tool must carry a thinking
    block, another model's too (DeepSeek)."""
    max_tokens: int = 32_000
    """The room for the answer where a request names no limit; the wire demands one."""
