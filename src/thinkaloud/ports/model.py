"""The seam to a model, however it is reached."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol, cast

import msgspec

from thinkaloud.errors import ProviderCode, ProviderError
from thinkaloud.events.model import ModelEvent, ModelFailed, Origin
from thinkaloud.events.prompt import Effort, EffortLevel, ModelRequest


class ReasoningAbility(msgspec.Struct, frozen=True):
    """What a model can do about reasoning."""

    supported: bool
    streams: bool
    """Whether the provider sends its text as it thinks."""
    efforts: tuple[EffortLevel, ...] = ()
    """The levels that a request may name; empty where there is no switch."""
    budget: bool = False
    """Whether a request may name a number of tokens instead."""


class ModelInfo(msgspec.Struct, frozen=True):
    """A model that can be chosen. `id` is `host/model`."""

    id: str
    name: str
    provider: str
    max_tokens: int | None
    """The context window in tokens, where known."""
    reasoning: ReasoningAbility
    images: bool = False
    max_output_tokens: int | None = None


class Model(Protocol):
    """A model that can be called."""

    @property
    def info(self) -> ModelInfo:
        """What the model is and can do."""
        ...

    def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[ModelEvent]]:
        """Call the model and yield what it says, in batches as they arrive.

        The last event is a `ModelFinished` or a `ModelFailed`; nothing is raised for a
        provider's failure. Closing the iterator closes the upstream connection at once.
        A batch may be empty: bytes came, but nothing that says the model is at work.
        """
        ...


class Decoder(Protocol):
    """Bytes of one response in, model events out. Pure: no I/O, no event loop, no clock."""

    def feed(self, data: bytes) -> list[ModelEvent]:
        """Take the next bytes, cut anywhere, and return what they complete."""
        ...

    def close(self) -> list[ModelEvent]:
        """Say that no more bytes come, for whatever reason, and return what is left.

        Unless `feed` has already returned it, the last event is a `ModelFinished` where an
        end mark of the dialect was seen, else a `ModelFailed` with `provider_stream_cut`.
        Called again, it returns nothing.
        """
        ...


class HttpRequest(msgspec.Struct, frozen=True):
    """What an encoder wants sent. `path` is appended to the host's base URL."""

    path: str
    body: bytes
    headers: Mapping[str, str] = {}


class ListedModel(msgspec.Struct, frozen=True):
    """A model as its host lists it."""

    name: str
    max_tokens: int | None = None
    """The context window in tokens, where the host says."""


class Dialect(Protocol):
    """How a wire speaks, bound to one model of one host: pure encode and decode."""

    @property
    def origin(self) -> Origin:
        """What this dialect stamps on the native payloads that it issues."""
        ...

    def encode(self, request: ModelRequest) -> HttpRequest:
        """Return the HTTP request for a streamed response.

        Raises `thinkaloud.errors.InvalidRequest` where the wire cannot carry it (images).
        """
        ...

    def decoder(self, content_type: str, effort: Effort | None = None) -> Decoder:
        """Return a decoder for a response of this content type, to a request with this effort.

        A whole JSON response (`application/json`) is decoded to the same events. The effort
        tells where a response begins, with prompt templates that open the reasoning themselves.
        """
        ...

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Read a response that is no 2xx. `headers` has lower-case names."""
        ...

    @property
    def models_path(self) -> str | None:
        """Where the host lists its models by GET, appended to the base URL; None: nowhere."""
        ...

    def listed(self, body: bytes) -> list[ListedModel]:
        """Read the answer of `models_path`.

        Raises `thinkaloud.errors.ProviderError` (`provider_bad_request`) where it is no such list.
        """
        ...


def failed(error: ProviderError) -> ModelFailed:
    """Return a provider's error as the last event of a model call."""
    return ModelFailed(
        cast("ProviderCode", error.code),
        error.message,
        error.retryable,
        error.retry_after,
    )
