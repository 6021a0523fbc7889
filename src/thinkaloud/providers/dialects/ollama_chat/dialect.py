"""The `ollama-chat` dialect: Ollama's own chat API."""

from typing import Final

import msgspec
from typing_extensions import override

from thinkaloud.core.parsers.inline_state import Inline
from thinkaloud.events.model import Origin
from thinkaloud.events.prompt import Effort
from thinkaloud.ports.model import Decoder, Dialect, ListedModel
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
from thinkaloud.providers.dialects.sse_dialect import Parts, SSEDialect, decode_list
from thinkaloud.providers.target import Target


class _Model(msgspec.Struct):
    name: str


class _List(msgspec.Struct):
    models: list[_Model]


def listed(body: bytes) -> list[ListedModel]:
    """Read the list of models, which does not include context windows.

    Raises `ProviderError` if it is not a list of models.
    """
    return [ListedModel(model.name) for model in decode_list(body, _List).models]


def _reader(origin: Origin) -> ChatReader:
    return ChatReader(origin, Inline())


_PARTS: Final = Parts(Quirks, encode, _reader, refusal, listed)


def bind(target: Target) -> Dialect:
    """Return the dialect for one model on one host.

    Raises `thinkaloud.errors.ConfigurationError` if the target's quirks are invalid.
    """
    return OllamaChat(target, _PARTS)


class OllamaChat(SSEDialect[Quirks]):
    """The dialect for one model. Responses are streamed as NDJSON."""

    @override
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
