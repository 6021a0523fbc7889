"""One tree of errors, by who must act.

ThinkaloudError
├── UserError                 the caller: bad input, an unknown name
│   ├── InvalidRequest            a field has a wrong value
│   ├── NotFound                  no such object, or not the caller's (never told apart)
│   ├── UnknownModel              no such model; carries the nearest names
│   ├── UnsupportedEffort         the model has no such effort; carries the valid ones
│   └── Conflict                  the object is busy, or already exists
├── ConfigurationError        the operator: a setting is wrong or missing
├── ProviderError             the model's provider: refused, failed, broke off
├── ToolError                 a tool: goes back to the model as a result
├── RunFailed                 a run ended without an answer; carries what was streamed
└── InternalError             us
"""

from collections.abc import Sequence
from typing import Literal

from typing_extensions import override

ProviderCode = Literal[
    "provider_auth",
    "provider_rate_limit",
    "provider_overloaded",
    "provider_bad_request",
    "provider_stream_cut",
    "provider_timeout",
    "provider_refusal",
    "provider_content_filter",
]
"""Why a provider gave no finished answer, as it stands on every wire."""

_PASSING = frozenset(
    {"provider_rate_limit", "provider_overloaded", "provider_stream_cut", "provider_timeout"}
)
_ID_HINT = "Its form is `host/model`; `thinkaloud models` lists those that there are."


class ThinkaloudError(Exception):
    """Anything that thinkaloud itself raises.

    `code` is a stable word for programs; the message is for people and says what to do. Every
    error can be pickled and copied, so it can cross a process boundary.
    """

    code: str = "internal_error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @override
    def __reduce__(self) -> tuple[object, ...]:
        # By default an exception is rebuilt from its message alone, which fails for every
        # subclass whose constructor takes more than that.
        return _rebuilt, (type(self), self.args, self.__dict__.copy())


def _rebuilt(
    kind: type[ThinkaloudError], arguments: tuple[object, ...], state: dict[str, object]
) -> ThinkaloudError:
    """Restore a pickled or copied error without calling its constructor."""
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


class UserError(ThinkaloudError):
    """The caller must change the request."""

    code = "invalid_request"


class InvalidRequest(UserError):
    """A field has a value that is not allowed. `field` names it (`"text"`, `"context.k"`).

    `valid` lists the values that are allowed, where they can be listed.
    """

    def __init__(
        self, message: str, *, field: str | None = None, valid: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.field = field
        self.valid = tuple(valid)


class NotFound(UserError):
    """No such object for this caller. Whether another owner has one of that id is not told."""

    code = "not_found"


class UnknownModel(NotFound):
    """No configured model has this id. `nearest` lists ids that look like it."""

    code = "unknown_model"

    def __init__(self, model: str, nearest: Sequence[str] = ()) -> None:
        hint = f"Did you mean {', '.join(nearest)}?" if nearest else _ID_HINT
        super().__init__(f"No model {model!r} is configured. {hint}")
        self.model = model
        self.nearest = tuple(nearest)


class UnsupportedEffort(UserError):
    """The model cannot reason at this effort. `valid` lists what it can."""

    code = "unsupported_effort"

    def __init__(self, model: str, effort: str | int, valid: Sequence[str]) -> None:
        choices = (
            f"Valid: {', '.join(valid)}." if valid else "Leave it out: no effort can be set here."
        )
        super().__init__(f"{model} has no reasoning effort {effort!r}. {choices}")
        self.field = "reasoning_effort"
        self.valid = tuple(valid)


class Conflict(UserError):
    """The object is in a state that does not allow this."""

    code = "conflict"


class ConfigurationError(ThinkaloudError):
    """The operator must change a setting; the message names file, key and what is allowed."""

    code = "configuration"


class ProviderError(ThinkaloudError):
    """The provider gave no finished answer.

    `status` is its HTTP status where there was one, `retry_after` its wish in seconds,
    `retryable` whether the same request may succeed later.
    """

    def __init__(
        self,
        code: ProviderCode,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.retry_after = retry_after
        self.retryable = code in _PASSING if retryable is None else retryable


class ToolError(ThinkaloudError):
    """A tool could not do its work. The message goes to the model as the tool's result."""

    code = "tool_error"


class RunFailed(ThinkaloudError):
    """A run ended in failure. What was streamed before is in `partial` and `reasoning`."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        run_id: str,
        retryable: bool = False,
        partial: str = "",
        reasoning: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.run_id = run_id
        self.retryable = retryable
        self.partial = partial
        self.reasoning = reasoning


class StoreError(ThinkaloudError):
    """What lasts could not be written or read. The operator must look: disk full, locked, gone."""

    code = "store_unavailable"


class UnreadableLog(StoreError):
    """An event of this conversation cannot be read, now or later. Others can."""


class Unavailable(ThinkaloudError):
    """Not now: the server is shutting down. The same request may succeed later, or elsewhere."""

    code = "shutting_down"


class InternalError(ThinkaloudError):
    """A fault of ours. The log has the details under the request id."""
