"""How hosts and families differ in Ollama's chat API."""

from typing import Literal

import msgspec

from thinkaloud.providers.dialects.sse_dialect import DialectQuirks


class Quirks(DialectQuirks, frozen=True, forbid_unknown_fields=True):
    """The defaults suit a current Ollama on the user's own machine."""

    path: str = "/api/chat"
    """Appended to the base URL."""
    models_path: str | None = "/api/tags"
    """The path at which the host lists its models; None if it does not."""
    think: Literal["flag", "level", "always_flag"] = "flag"
    """How an effort is sent: `think: true|false`, or `think: "low"|"medium"|"high"` (gpt-oss).
    `always_flag` sends `think: true` even if no effort is set; only use it for models known to
    think, as the server rejects it for others."""
    options: dict[str, object] = msgspec.field(default_factory=dict)
    """Sent as `options`, e.g. `num_ctx`: the server silently truncates prompts to its default."""
