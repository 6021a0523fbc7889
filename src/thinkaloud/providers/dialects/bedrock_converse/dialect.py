"""The dialect `bedrock-converse`, bound to one model on one host."""

from collections.abc import Mapping

from thinkaloud.errors import ProviderError
from thinkaloud.events.model import Origin
from thinkaloud.events.prompt import Effort, ModelRequest
from thinkaloud.ports.model import Decoder, HttpRequest, ListedModel
from thinkaloud.providers.dialects.bedrock_converse.decode import StreamDecoder, WholeDecoder
from thinkaloud.providers.dialects.bedrock_converse.encode import encode
from thinkaloud.providers.dialects.bedrock_converse.quirks import Quirks
from thinkaloud.providers.dialects.bedrock_converse.refused import http_error
from thinkaloud.providers.dialects.binding import check_images, quirks_of
from thinkaloud.providers.dialects.inline import inlined
from thinkaloud.providers.target import Target


class BedrockConverse:
    """`thinkaloud.ports.model.Dialect` for the Converse API.

    Native payloads are the response's content blocks in the format of a whole message: the JSON
    array that is sent back as the `content` of an assistant message.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._quirks = quirks_of(target, Quirks)

    @property
    def origin(self) -> Origin:
        """The origin recorded in native payloads."""
        return self._target.origin

    def encode(self, request: ModelRequest) -> HttpRequest:
        """Return the unsigned HTTP request for a streamed response.

        Raises `InvalidRequest` for an image if the family does not accept images.
        """
        check_images(request, self._target)
        return encode(request, self._target, self._quirks)

    def decoder(self, content_type: str, effort: Effort | None = None) -> Decoder:
        """Return a decoder for a response of this content type."""
        if content_type.partition(";")[0].strip().lower() == "application/json":
            decoder: Decoder = WholeDecoder(self.origin)
        else:
            decoder = StreamDecoder(self.origin)
        return inlined(decoder, self._target, self._quirks, effort)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Parse an HTTP response with an error status. `headers` has lower-case names."""
        return http_error(status, headers, body)

    @property
    def models_path(self) -> str | None:
        """None, as the runtime endpoint does not list models."""
        return None

    def listed(self, body: bytes) -> list[ListedModel]:
        """Raises `ProviderError`, as the API does not list models."""
        raise ProviderError("provider_bad_request", "The Converse API cannot list models.")


def bind(target: Target) -> BedrockConverse:
    """Return the dialect for one model on one host.

    Raises `thinkaloud.errors.ConfigurationError` if the target's quirks are invalid.
    """
    return BedrockConverse(target)
