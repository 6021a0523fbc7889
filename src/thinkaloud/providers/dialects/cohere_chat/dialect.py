"""The `cohere-chat` dialect: version 2 of Cohere's chat API."""

from typing import Final

import msgspec

from thinkaloud.ports.model import Dialect, ListedModel
from thinkaloud.providers.dialects.cohere_chat.decode import ChatReader
from thinkaloud.providers.dialects.cohere_chat.encode import encode
from thinkaloud.providers.dialects.cohere_chat.quirks import Quirks
from thinkaloud.providers.dialects.http_errors import refusal
from thinkaloud.providers.dialects.sse_dialect import Parts, SSEDialect, decode_list
from thinkaloud.providers.target import Target


class _Model(msgspec.Struct):
    name: str
    context_length: float | None = None

    @property
    def window(self) -> int | None:
        return None if self.context_length is None else int(self.context_length)


class _List(msgspec.Struct):
    models: list[_Model]


def listed(body: bytes) -> list[ListedModel]:
    """Parse the model list. Raises `ProviderError` if it is invalid."""
    return [ListedModel(model.name, model.window) for model in decode_list(body, _List).models]


_PARTS: Final = Parts(Quirks, encode, ChatReader, refusal, listed)


def bind(target: Target) -> Dialect:
    """Return the dialect for one model on one host.

    Raises `thinkaloud.errors.ConfigurationError` if the target's quirks are invalid.
    """
    return SSEDialect(target, _PARTS)
