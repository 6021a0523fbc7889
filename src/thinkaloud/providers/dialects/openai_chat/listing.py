"""The list of models: `GET /models`. Source: OpenAI API reference, "List models"."""

from typing import Final

import msgspec

from thinkaloud.errors import ProviderError
from thinkaloud.ports.model import ListedModel

_WINDOWS: Final = (
    "context_length",
    "context_window",
    "max_model_len",
    "max_context_length",
    "max_context_window_tokens",
    "max_input_tokens",
)
"""Field names of the context window: OpenRouter and Together, Groq, vLLM, Mistral, others."""


class _Page(msgspec.Struct):
    data: list[dict[str, object]]


def listed(body: bytes) -> list[ListedModel]:
    """Read the list: `{"data": [{"id": …}]}`, or a bare list (Together).

    Raises `ProviderError` (`provider_bad_request`) if it is not a list of models.
    """
    try:
        read = msgspec.json.decode(body, type=_Page | list[dict[str, object]])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProviderError(
            "provider_bad_request",
            "The provider's list of models cannot be read: base_url is probably wrong.",
        ) from error
    found: list[ListedModel] = []
    for model in read.data if isinstance(read, _Page) else read:
        name = model.get("id") or model.get("name")
        if isinstance(name, str):
            found.append(ListedModel(name=name, max_tokens=_window(model)))
    return found


def _window(model: dict[str, object]) -> int | None:
    for name in _WINDOWS:
        value = model.get(name)
        if isinstance(value, int) and value > 0:
            return value
    return None
