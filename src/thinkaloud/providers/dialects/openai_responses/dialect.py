"""The dialect `openai-responses`, bound to one model on one host."""

from collections.abc import Mapping
from typing import cast

import msgspec

from thinkaloud.errors import ProviderError
from thinkaloud.events.model import Origin
from thinkaloud.events.prompt import Effort, ModelRequest
from thinkaloud.ports.model import Decoder, HttpRequest, ListedModel
from thinkaloud.providers.dialects.framing import FormDecoder
from thinkaloud.providers.dialects.inline import inlined
from thinkaloud.providers.dialects.openai_responses.decode import StreamDecoder, WholeDecoder
from thinkaloud.providers.dialects.openai_responses.encode import RequestEncoder
from thinkaloud.providers.dialects.openai_responses.errors import http_error
from thinkaloud.providers.dialects.openai_responses.quirks import quirks_of
from thinkaloud.providers.target import Target

_WINDOWS = ("context_length", "context_window", "max_context_length", "max_model_len")


class ResponsesDialect:
    """OpenAI's Responses API for one host. See `thinkaloud.ports.model.Dialect`."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._origin = target.origin
        self._quirks = quirks_of(target)
        self._encoder = RequestEncoder(target.origin, target.family, self._quirks)

    @property
    def origin(self) -> Origin:
        """The origin stamped on native payloads."""
        return self._origin

    def encode(self, request: ModelRequest) -> HttpRequest:
        """Return the HTTP request for a streamed response.

        Raises `InvalidRequest` for images if the model does not accept them, and for a token
        budget if the host does not.
        """
        return self._encoder.encode(request)

    def decoder(self, content_type: str, effort: Effort | None = None) -> Decoder:
        """Return a decoder. It detects the body's form itself, as gateways mislabel it."""
        origin, quirks = self._origin, self._quirks
        decoder = FormDecoder(
            lambda: StreamDecoder(origin, quirks), lambda: WholeDecoder(origin, quirks)
        )
        return inlined(decoder, self._target, self._quirks, effort)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Read a response whose status is not 2xx. `headers` has lower-case names."""
        return http_error(status, headers, body)

    @property
    def models_path(self) -> str | None:
        """The path of the model list (GET), appended to the base URL; None if there is none."""
        return self._quirks.models_path

    def listed(self, body: bytes) -> list[ListedModel]:
        """Read the response of `models_path`: a list under `data` or `models`, or a bare list.

        Raises `ProviderError` (`provider_bad_request`) if it is not a list of models.
        """
        try:
            found: object = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = None
        if isinstance(found, dict):
            fields = cast("dict[str, object]", found)
            found = fields.get("data", fields.get("models"))
        if not isinstance(found, list):
            raise ProviderError(
                "provider_bad_request",
                "The provider's list of models is invalid: check base_url.",
            )
        return [model for item in cast("list[object]", found) if (model := _listed(item))]


def bind(target: Target) -> ResponsesDialect:
    """Return the dialect for a target.

    Raises `msgspec.ValidationError` if the target's quirks are invalid for this dialect.
    """
    return ResponsesDialect(target)


def _listed(item: object) -> ListedModel | None:
    if not isinstance(item, dict):
        return None
    fields = cast("dict[str, object]", item)
    name = next((value for key in ("id", "slug", "name") if (value := fields.get(key))), None)
    windows = (fields.get(key) for key in _WINDOWS)
    window = next((value for value in windows if type(value) is int and value > 0), None)
    return ListedModel(name, window) if isinstance(name, str) else None
