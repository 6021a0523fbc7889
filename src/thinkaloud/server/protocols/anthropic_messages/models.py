"""The model list of Anthropic's API. Pure."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from thinkaloud.errors import InvalidRequest
from thinkaloud.ports.model import ModelInfo
from thinkaloud.server.protocols.anthropic_messages.requests import ModelsQuery

MAX_LIMIT: Final = 1_000
_UNKNOWN: Final = "1970-01-01T00:00:00Z"


class Model(msgspec.Struct, frozen=True):
    """A model. When it was created is not known: the epoch."""

    id: str
    display_name: str
    max_input_tokens: int | None
    max_tokens: int | None
    """The output limit."""
    created_at: str = _UNKNOWN
    type: Literal["model"] = "model"


class ModelPage(msgspec.Struct, frozen=True):
    """A page of the models."""

    data: tuple[Model, ...]
    has_more: bool
    first_id: str | None
    last_id: str | None


def listed(info: ModelInfo) -> Model:
    """Return a model as Anthropic's clients expect it."""
    return Model(info.id, info.name, info.max_tokens, info.max_output_tokens)


def page(models: Sequence[ModelInfo], query: ModelsQuery) -> ModelPage:
    """Return a page of the models. Raises `InvalidRequest`."""
    if not 1 <= query.limit <= MAX_LIMIT:
        raise InvalidRequest(f"limit must be from 1 to {MAX_LIMIT}.", field="limit")
    found = list(models)
    if query.before_id is not None:
        before = found[: _position(found, query.before_id, "before_id")]
        chosen, more = before[-query.limit :], len(before) > query.limit
    else:
        start = 0
        if query.after_id is not None:
            start = _position(found, query.after_id, "after_id") + 1
        chosen, more = found[start : start + query.limit], len(found) > start + query.limit
    data = tuple([listed(info) for info in chosen])
    first, last = (data[0].id, data[-1].id) if data else (None, None)
    return ModelPage(data, more, first, last)


def _position(models: Sequence[ModelInfo], wanted: str, field: str) -> int:
    for number, info in enumerate(models):
        if info.id == wanted:
            return number
    raise InvalidRequest(f"{field} is no model of the list.", field=field)
