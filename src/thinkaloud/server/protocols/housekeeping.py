"""Recognizes the requests that front ends send beside the chat: titles, tags, suggestions. Pure.

They should be cheap, and are no part of a conversation. Their output limits are so low that
reasoning would leave nothing for the answer.
"""

from typing import Final

_TINY: Final = 16
"""An output limit in tokens that leaves no room for reasoning."""
_PROMPTS: Final = (
    "### Task:",  # Open WebUI
    "Your task is to reflect the speaker's likely facial expression",  # Open WebUI
    "Provide a concise, 5-word-or-less title",  # LibreChat
    "Please generate a concise, 5-word-or-less title",  # LibreChat
    "Detect user language and write in the same language an extremely concise title",  # LibreChat
)
"""How the default prompts of these front ends begin."""
_STREAMED_PROMPTS: Final = ("Generate a title for this conversation:",)  # opencode
"""The same, of those that stream."""


def is_housekeeping(text: str, *, streams: bool, tools: bool, max_tokens: int | None) -> bool:
    """Whether a request with this last message is housekeeping."""
    if tools:
        return False
    if streams:
        return text.lstrip().startswith(_STREAMED_PROMPTS)
    return text.lstrip().startswith(_PROMPTS) or (max_tokens is not None and max_tokens <= _TINY)
