"""The dialect `openai-chat`, bound to one model on one host."""

from collections.abc import Mapping

import msgspec

from thinkaloud.errors import ProviderError
from thinkaloud.events.model import Origin
from thinkaloud.events.prompt import Effort, ModelRequest
from thinkaloud.ports.model import Decoder, Dialect, HttpRequest, ListedModel
from thinkaloud.providers.dialects.framing import FormDecoder
from thinkaloud.providers.dialects.inline import InlineDecoder, inline_of
from thinkaloud.providers.dialects.openai_chat import errors, listing
from thinkaloud.providers.dialects.openai_chat.decode import ChatDecoder, WholeDecoder
from thinkaloud.providers.dialects.openai_chat.encode import encode
from thinkaloud.providers.dialects.openai_chat.quirks import quirks_of
from thinkaloud.providers.target import Target


class OpenAIChat:
    """Chat Completions for one host. See `thinkaloud.ports.model.Dialect`."""

    def __init__(self, target: Target) -> None:
        self._origin = target.origin
        self._quirks = quirks_of(target)
        self._target = target

    @property
    def origin(self) -> Origin:
        """The origin stamped on native payloads."""
        return self._origin

    def encode(self, request: ModelRequest) -> HttpRequest:
        """Return the request; see `thinkaloud.providers.dialects.openai_chat.encode.encode`."""
        return encode(request, self._quirks, self._origin)

    def decoder(self, content_type: str, effort: Effort | None = None) -> Decoder:
        """Return a decoder. It detects the body's form itself, as servers mislabel it."""
        inline = inline_of(self._target, self._quirks, effort)
        # `ChatDecoder` parses harmony itself, including its tool calls.
        inline = msgspec.structs.replace(inline, harmony=False)
        quirks, origin = self._quirks, self._origin
        decoder = FormDecoder(
            lambda: ChatDecoder(quirks, origin, inline),
            lambda: WholeDecoder(quirks, origin, inline),
        )
        return InlineDecoder(decoder, inline, drops_cut_tag=False)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Read a response whose status is not 2xx."""
        return errors.http_error(status, headers, body)

    @property
    def models_path(self) -> str | None:
        """The path at which the host lists its models."""
        return self._quirks.models_path

    def listed(self, body: bytes) -> list[ListedModel]:
        """Read the list of models. Raises `ProviderError` if it is invalid."""
        return listing.listed(body)


def bind(target: Target) -> Dialect:
    """Bind the dialect to a model.

    Raises `msgspec.ValidationError`, naming the field, if the target's quirks are invalid.
    """
    return OpenAIChat(target)
