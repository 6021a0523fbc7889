"""How hosts and model families differ in Ollama's chat API."""

from typing import Literal

import msgspec

from thinkaloud.providers.dialects.sse_dialect import DialectQuirks


class Quirks(DialectQuirks, frozen=True, forbid_unknown_fields=True):
    """The defaults are for a current local Ollama."""

    path: str = "/api/chat"
    """Appended to the base URL."""
    models_path: str | None = "/api/tags"
    """The path of the model list. Not set: none."""
    think: Literal["flag", "level", "always_flag"] = "flag"
    """How to send an effort: `think: true|false`, or `think: "low"|"medium"|"high"` (gpt-oss).
    `always_flag` sends `think: true` even without an effort; use it only for models that think,
    because the server rejects it for others."""
    options: dict[str, object] = msgspec.field(default_factory=dict)
    """Sent as `options`, e.g. `num_ctx`: by default, a server silently truncates long prompts."""
