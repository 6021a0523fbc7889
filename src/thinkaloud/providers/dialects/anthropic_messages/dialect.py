"""The dialect `anthropic-messages`, bound to one model on one host."""

from collections.abc import Mapping

import msgspec

from thinkaloud.errors import ProviderError
from thinkaloud.events.model import Origin
from thinkaloud.events.prompt import Effort, ModelRequest
from thinkaloud.ports.model import Decoder, HttpRequest, ListedModel
from thinkaloud.providers.dialects.anthropic_messages.decode import (
    FrameDecoder,
    SSEDecoder,
    WholeDecoder,
)
from thinkaloud.providers.dialects.anthropic_messages.encode import encode
from thinkaloud.providers.dialects.anthropic_messages.errors import http_error
from thinkaloud.providers.dialects.anthropic_messages.quirks import Quirks
from thinkaloud.providers.dialects.anthropic_messages.wire import UNREADABLE
from thinkaloud.providers.dialects.binding import check_images, quirks_of
from thinkaloud.providers.dialects.framing import FormDecoder
from thinkaloud.providers.dialects.inline import inlined
from thinkaloud.providers.target import Target


class _Listed(msgspec.Struct):
    id: str
    max_input_tokens: int | None = None


class _List(msgspec.Struct):
    data: list[_Listed]


class AnthropicMessages:
    """`thinkaloud.ports.model.Dialect` for the Messages API.

    Native payloads are the response's content blocks: the JSON array that is sent back as the
    `content` of an assistant message.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._quirks = quirks_of(target, Quirks)

    @property
    def origin(self) -> Origin:
        """The identity that native payloads are stamped with."""
        return self._target.origin

    def encode(self, request: ModelRequest) -> HttpRequest:
        """Return the HTTP request for a streamed response.

        Raises `InvalidRequest` for an image if the family does not accept images.
        """
        check_images(request, self._target)
        return encode(request, self._target, self._quirks)

    def decoder(self, content_type: str, effort: Effort | None = None) -> Decoder:
        """Return a decoder. Except for AWS frames, it detects the body's form itself."""
        origin = self.origin
        if content_type.partition(";")[0].strip().lower() == "application/vnd.amazon.eventstream":
            decoder: Decoder = FrameDecoder(origin)
        else:
            decoder = FormDecoder(lambda: SSEDecoder(origin), lambda: WholeDecoder(origin))
        return inlined(decoder, self._target, self._quirks, effort)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Read a response whose status is not 2xx. `headers` has lower-case names."""
        return http_error(status, headers, body)

    @property
    def models_path(self) -> str | None:
        """The path at which the host lists its models; None if it does not in this format."""
        return self._quirks.models_path

    def listed(self, body: bytes) -> list[ListedModel]:
        """Read the list of models.

        Raises `ProviderError` (`provider_bad_request`) if it is not a list of models.
        """
        try:
            found = msgspec.json.decode(body, type=_List)
        except UNREADABLE as reason:
            raise ProviderError(
                "provider_bad_request", f"The list of models cannot be read: {reason}"
            ) from reason
        return [ListedModel(model.id, model.max_input_tokens) for model in found.data]


def bind(target: Target) -> AnthropicMessages:
    """Return the dialect for one model on one host.

    Raises `thinkaloud.errors.ConfigurationError` if the target's quirks are invalid.
    """
    return AnthropicMessages(target)
