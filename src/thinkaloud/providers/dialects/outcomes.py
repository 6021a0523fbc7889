"""Words for the end of a response that mean the same on every wire."""

import re
from typing import Final

_NOT_YET: Final = frozenset(
    {
        "",
        "null",
        "none",
        "nil",
        "undefined",
        "unspecified",
        "finish_reason_unspecified",
        "not_finished",
        "in_progress",
    }
)
_MALFORMED: Final = re.compile(
    r"malformed"
    r"|(?:invalid|unexpected|broken|failed|bad)[ _-]?(?:tool|function)"
    r"|(?:tool|function)[ _-]?(?:call|use)[ _-]?(?:failed|failure|error|filter|invalid)"
    r"|too[ _-]many[ _-](?:tool|function)",
    re.IGNORECASE,
)
MALFORMED: Final = "The model wrote a tool call that cannot be read"


def ending(word: str | None) -> str:
    """Return a provider's word for the end; `""` where it only says that there is none yet.

    KoboldCpp and others write the text `"null"` while the response goes on.
    """
    return "" if word is None or word.strip().lower() in _NOT_YET else word


def malformed(word: str) -> bool:
    """Tell whether the response ended because the model's tool call was unusable."""
    return _MALFORMED.search(word) is not None
