"""The port for models."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Protocol, cast, runtime_checkable

import msgspec

from thinkaloud.errors import ProviderCode, ProviderError
from thinkaloud.events.model import ModelEvent, ModelFailed, Origin
from thinkaloud.events.prompt import Effort, EffortLevel, ModelRequest


class ReasoningAbility(msgspec.Struct, frozen=True):
    """A model's support for reasoning."""

    supported: bool
    streams: bool
    """Whether the provider streams the reasoning text."""
    efforts: tuple[EffortLevel, ...] = ()
    """The levels that a request may set; empty if the effort cannot be set."""
    budget: bool = False
    """Whether a request may set a token budget instead."""


class ModelInfo(msgspec.Struct, frozen=True):
    """An available model. `id` is `host/model`."""

    id: str
    name: str
    provider: str
    max_tokens: int | None
    """The context window in tokens, if known."""
    reasoning: ReasoningAbility
    images: bool = False
    max_output_tokens: int | None = None


class Model(Protocol):
    """A model that can be called."""

    @property
    def info(self) -> ModelInfo:
        """The model's id, limits and abilities."""
        ...

    def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[ModelEvent]]:
        """Call the model and yield its events, in batches as they arrive.

        The last event is a `ModelFinished` or a `ModelFailed`; provider failures are not raised.
        Closing the iterator closes the upstream connection immediately. A batch may be empty:
        bytes arrived, but nothing that shows the model is working.
        """
        ...


@runtime_checkable
class PushModel(Model, Protocol):
    """A model that can also pass on its events from where it receives them."""

    async def push(
        self, request: ModelRequest, take: Callable[[Sequence[ModelEvent]], bool]
    ) -> None:
        """Call the model like `stream`, but pass each batch to `take`.

        `take` is called as soon as a batch is decoded, on the event loop but not necessarily in
        this task, which saves a task switch per token. It does not wait. Once it returns False,
        the call ends.
        """
        ...


def as_push_model(model: Model) -> PushModel | None:
    """Return the model if it is a `PushModel`. `isinstance` takes as long as two tokens."""
    return cast("PushModel", model) if callable(getattr(model, "push", None)) else None


class Decoder(Protocol):
    """Decodes the bytes of one response to model events. Pure: no I/O, no event loop, no clock."""

    def feed(self, data: bytes) -> list[ModelEvent]:
        """Decode the next bytes, split at any point, and return the events they complete."""
        ...

    def close(self) -> list[ModelEvent]:
        """End the input, for any reason, and return the remaining events.

        Unless `feed` has already returned the last event, it is a `ModelFinished` if the
        dialect's end marker was seen, else a `ModelFailed` with `provider_stream_cut`.
        Further calls return nothing.
        """
        ...


class HttpRequest(msgspec.Struct, frozen=True):
    """An encoded request. `path` is appended to the host's base URL."""

    path: str
    body: bytes
    headers: Mapping[str, str] = {}


class ListedModel(msgspec.Struct, frozen=True):
    """A model in its host's list."""

    name: str
    max_tokens: int | None = None
    """The context window in tokens, if the host reports it."""


class Dialect(Protocol):
    """An API format, bound to one model of one host: pure encoding and decoding."""

    @property
    def origin(self) -> Origin:
        """The origin recorded in the native payloads of this dialect."""
        ...

    def encode(self, request: ModelRequest) -> HttpRequest:
        """Return the HTTP request for a streamed response.

        Raises `thinkaloud.errors.InvalidRequest` if the format doesn't support it (images).
        """
        ...

    def decoder(self, content_type: str, effort: Effort | None = None) -> Decoder:
        """Return a decoder for a response of this content type, to a request with this effort.

        A complete JSON response (`application/json`) is decoded to the same events. The effort
        determines whether a response starts inside reasoning that the prompt template opened.
        """
        ...

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Convert a non-2xx response to an error. `headers` has lower-case names."""
        ...

    @property
    def models_path(self) -> str | None:
        """The path of the host's model list (GET), appended to the base URL; None: no list."""
        ...

    def listed(self, body: bytes) -> list[ListedModel]:
        """Parse the response of `models_path`.

        Raises `thinkaloud.errors.ProviderError` (`provider_bad_request`) if it is not a model list.
        """
        ...


def failed(error: ProviderError) -> ModelFailed:
    """Convert a provider's error to the last event of a model call."""
    return ModelFailed(
        cast("ProviderCode", error.code),
        error.message,
        error.retryable,
        error.retry_after,
    )
