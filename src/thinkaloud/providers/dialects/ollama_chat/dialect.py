"""Ollama's chat wire as a `thinkaloud.ports.model.Dialect`."""

from collections.abc import Mapping

import msgspec

from thinkaloud.errors import ProviderError
from thinkaloud.events.model import Origin
from thinkaloud.events.prompt import Effort, ModelRequest
from thinkaloud.ports.model import Decoder, Dialect, HttpRequest, ListedModel
from thinkaloud.providers.dialects.binding import quirks_of
from thinkaloud.providers.dialects.framing import (
    FormDecoder,
    FramedDecoder,
    Frames,
    LineFrames,
    WholeFrames,
)
from thinkaloud.providers.dialects.http_errors import refusal
from thinkaloud.providers.dialects.inline import InlineDecoder, inline_of
from thinkaloud.providers.dialects.ollama_chat.decode import ChatReader
from thinkaloud.providers.dialects.ollama_chat.encode import encode
from thinkaloud.providers.dialects.ollama_chat.quirks import Quirks
from thinkaloud.providers.target import Target


class _Model(msgspec.Struct):
    name: str


class _List(msgspec.Struct):
    models: list[_Model]


def bind(target: Target) -> Dialect:
    """Return the dialect for this model of this host.

    Raises `thinkaloud.errors.ConfigurationError` where the target's quirks are wrong.
    """
    return OllamaChat(target, quirks_of(target, Quirks))


class OllamaChat:
    """Pure encode and decode for one model."""

    def __init__(self, target: Target, quirks: Quirks) -> None:
        self._target = target
        self._quirks = quirks

    @property
    def origin(self) -> Origin:
        """What stands on the native payloads."""
        return self._target.origin

    def encode(self, request: ModelRequest) -> HttpRequest:
        """Return the HTTP request for a streamed response."""
        return encode(request, self.origin, self._target.family, self._quirks)

    def decoder(self, content_type: str, effort: Effort | None = None) -> Decoder:
        """Return a decoder for NDJSON, or for one JSON object."""
        inline = inline_of(self._target, self._quirks, effort)
        origin = self.origin

        def decoder(frames: Frames) -> Decoder:
            return FramedDecoder(frames, ChatReader(origin, inline))

        if content_type.startswith("application/json"):
            whole = FormDecoder(lambda: decoder(LineFrames()), lambda: decoder(WholeFrames()))
            return InlineDecoder(whole, inline, drops_cut_tag=False)
        return InlineDecoder(decoder(LineFrames()), inline, drops_cut_tag=False)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Read a response that is no 2xx. `headers` has lower-case names."""
        return refusal(status, headers, body)

    @property
    def models_path(self) -> str | None:
        """Where the host lists its models."""
        return self._quirks.models_path

    def listed(self, body: bytes) -> list[ListedModel]:
        """Read the answer of `models_path`; it does not tell how much context a model has."""
        try:
            found = msgspec.json.decode(body, type=_List).models
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ProviderError(
                "provider_bad_request", f"The host's list of models cannot be read: {error}."
            ) from error
        return [ListedModel(name=model.name) for model in found]
