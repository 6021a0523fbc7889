"""Finish reasons that mean the same in every API format."""

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
MALFORMED: Final = "The model wrote an invalid tool call"


def ending(word: str | None) -> str:
    """Return a provider's finish reason, or `""` if it only means that there is none yet.

    KoboldCpp and others send the text `"null"` until the response is finished.
    """
    return "" if word is None or word.strip().lower() in _NOT_YET else word


def malformed(word: str) -> bool:
    """Return whether the response ended because the model's tool call was unusable."""
    return _MALFORMED.search(word) is not None
