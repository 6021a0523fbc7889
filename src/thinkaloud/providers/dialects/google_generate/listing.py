"""Reading Google AI's list of models, which both of its wires share.

Source: https://ai.google.dev/api/models#method:-models.list
"""

import msgspec

from thinkaloud.errors import ProviderError
from thinkaloud.ports.model import ListedModel


class _Model(msgspec.Struct, rename="camel"):
    name: str
    input_token_limit: int | None = None
    supported_generation_methods: list[str] | None = None


class _List(msgspec.Struct):
    models: list[_Model]


def listed(body: bytes) -> list[ListedModel]:
    """Return the models that generate content.

    Raises `thinkaloud.errors.ProviderError` where the body is no such list.
    """
    try:
        found = msgspec.json.decode(body, type=_List).models
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProviderError(
            "provider_bad_request", f"The host's list of models cannot be read: {error}."
        ) from error
    return [
        ListedModel(name=model.name.removeprefix("models/"), max_tokens=model.input_token_limit)
        for model in found
        if "generateContent" in (model.supported_generation_methods or ["generateContent"])
    ]
