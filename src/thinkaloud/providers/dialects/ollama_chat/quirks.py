"""In what hosts and families differ on Ollama's chat wire."""

from typing import Literal

import msgspec

from thinkaloud.providers.dialects.sse_dialect import DialectQuirks


class Quirks(DialectQuirks, frozen=True, forbid_unknown_fields=True):
    """The defaults are a current Ollama on its own machine."""

    path: str = "/api/chat"
    """Appended to the base URL."""
    models_path: str | None = "/api/tags"
    """Where the host lists its models; not set: nowhere."""
    think: Literal["flag", "level", "always_flag"] = "flag"
    """What an effort becomes: `think: true|false`, or `think: "low"|"medium"|"high"` (gpt-oss).
    `always_flag` sends `think: true` even where no effort was named; the server refuses that for
    models that do not think, so it must be known that this one does."""
    options: dict[str, object] = msgspec.field(default_factory=dict)
    """Sent as `options`, e.g. `num_ctx`: a server cuts long prompts to its default silently."""
