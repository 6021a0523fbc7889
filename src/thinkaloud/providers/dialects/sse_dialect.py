"""A dialect of JSON over Server-Sent Events, composed of dialect-specific functions."""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import msgspec

from thinkaloud.errors import ProviderError
from thinkaloud.events.model import Origin
from thinkaloud.events.prompt import Effort, ModelRequest
from thinkaloud.ports.model import Decoder, HttpRequest, ListedModel
from thinkaloud.providers.dialects.binding import quirks_of
from thinkaloud.providers.dialects.framing import (
    FormDecoder,
    FramedDecoder,
    Reader,
    SSEFrames,
    WholeFrames,
)
from thinkaloud.providers.dialects.inline import InlineQuirks, inlined
from thinkaloud.providers.target import Family, Target


class DialectQuirks(InlineQuirks, frozen=True, forbid_unknown_fields=True):
    """Quirks of a dialect that can list models."""

    models_path: str | None = None
    """The path at which the host lists its models; None if it does not."""


_Quirks = TypeVar("_Quirks", bound=DialectQuirks)
_List = TypeVar("_List")


class Parts(msgspec.Struct, Generic[_Quirks], frozen=True):
    """The functions that differ between dialects."""

    quirks: type[_Quirks]
    encode: Callable[[ModelRequest, Origin, Family, _Quirks], HttpRequest]
    """Returns the HTTP request for a streamed response."""
    reader: Callable[[Origin], Reader]
    """Creates a reader for the events of one response."""
    error: Callable[[int, Mapping[str, str], bytes], ProviderError]
    """Reads a response whose status is not 2xx."""
    listed: Callable[[bytes], list[ListedModel]]
    """Reads the response of `models_path`."""


class SSEDialect(Generic[_Quirks]):
    """`thinkaloud.ports.model.Dialect` for one model on one host."""

    def __init__(self, target: Target, parts: Parts[_Quirks]) -> None:
        """Raises `ConfigurationError` if the target's quirks are not valid for the dialect."""
        self._target = target
        self._parts = parts
        self._quirks = quirks_of(target, parts.quirks)

    @property
    def origin(self) -> Origin:
        """The identity that native payloads are stamped with."""
        return self._target.origin

    def encode(self, request: ModelRequest) -> HttpRequest:
        """Return the HTTP request for a streamed response."""
        return self._parts.encode(request, self.origin, self._target.family, self._quirks)

    def decoder(self, content_type: str, effort: Effort | None = None) -> Decoder:
        """Return a decoder for an event stream, or for whole JSON."""
        origin, reader = self.origin, self._parts.reader
        decoder = FormDecoder(
            lambda: FramedDecoder(SSEFrames(), reader(origin)),
            lambda: FramedDecoder(WholeFrames(), reader(origin)),
        )
        return inlined(decoder, self._target, self._quirks, effort)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Read a response whose status is not 2xx. `headers` has lower-case names."""
        return self._parts.error(status, headers, body)

    @property
    def models_path(self) -> str | None:
        """The path at which the host lists its models."""
        return self._quirks.models_path

    def listed(self, body: bytes) -> list[ListedModel]:
        """Read the response of `models_path`."""
        return self._parts.listed(body)


def decode_list(body: bytes, kind: type[_List]) -> _List:
    """Decode a list of models. Raises `ProviderError` (`provider_bad_request`) if it is not one."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProviderError(
            "provider_bad_request", f"The host's list of models cannot be read: {error}."
        ) from error
