"""Parses Google AI's list of models, shared by both of its dialects.

Source: https://ai.google.dev/api/models#method:-models.list
"""

import msgspec

from thinkaloud.ports.model import ListedModel
from thinkaloud.providers.dialects.sse_dialect import decode_list


class _Model(msgspec.Struct, rename="camel"):
    name: str
    input_token_limit: int | None = None
    supported_generation_methods: list[str] | None = None


class _List(msgspec.Struct):
    models: list[_Model]


def listed(body: bytes) -> list[ListedModel]:
    """Return the models that can generate content.

    Raises `thinkaloud.errors.ProviderError` if the body is not a model list.
    """
    return [
        ListedModel(name=model.name.removeprefix("models/"), max_tokens=model.input_token_limit)
        for model in decode_list(body, _List).models
        if "generateContent" in (model.supported_generation_methods or ["generateContent"])
    ]
