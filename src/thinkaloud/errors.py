"""The exception hierarchy, by who has to act.

ThinkaloudError
├── UserError                 the caller must change the request
│   ├── InvalidRequest            a field has an invalid value
│   ├── BadRequest                the request contradicts itself
│   ├── Unauthorized              the request has no valid credential
│   ├── Forbidden                 the credential does not permit this; names the field
│   ├── RateLimited               a usage limit is reached; says when to try again
│   │   └── BudgetSpent               the tokens of the day are used
│   ├── NotFound                  no such object, or it belongs to another owner
│   │   └── UnknownModel              no such model; has similar model ids
│   ├── UnsupportedEffort         the model does not support this effort; has the valid ones
│   └── Conflict                  the object is busy or already exists
│       └── ApprovalPending           a run of the conversation waits for an approval
├── ConfigurationError        the operator must change a setting
├── ProviderError             the model's provider rejected the request or failed
├── ToolError                 a tool failed; the message is sent to the model
├── RunFailed                 a run ended without an answer; has the partial output
├── StoreError                conversations cannot be saved or read
│   └── UnreadableLog             the events of one conversation cannot be read
├── Unavailable               the server is shutting down; retry later
│   └── Busy                      a limit on runs or messages is reached
└── InternalError             a bug in thinkaloud
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
"""Why a provider returned no complete answer. All dialects and wires use the same codes."""

_PASSING = frozenset(
    {"provider_rate_limit", "provider_overloaded", "provider_stream_cut", "provider_timeout"}
)
_ID_HINT = "Use the form `host/model`; `thinkaloud models` lists the available models."


class ThinkaloudError(Exception):
    """Base class of all exceptions that thinkaloud raises.

    `code` is a stable identifier for programs. `message` is for people and says what to do. All
    errors can be pickled and copied.
    """

    code: str = "internal_error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @override
    def __reduce__(self) -> tuple[object, ...]:
        # By default, unpickling calls the constructor with the message alone, which fails for
        # subclasses whose constructors take more arguments.
        return _rebuilt, (type(self), self.args, self.__dict__.copy())


def _rebuilt(
    kind: type[ThinkaloudError], arguments: tuple[object, ...], state: dict[str, object]
) -> ThinkaloudError:
    """Restore a pickled or copied error without calling its constructor."""
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


class UserError(ThinkaloudError):
    """The request is wrong: the caller must change it."""

    code = "invalid_request"


class InvalidRequest(UserError):
    """A field has an invalid value.

    `field` is the name of the field (`"text"`, `"context.k"`), or None. `valid` lists the allowed
    values, if there is a fixed set of them.
    """

    def __init__(
        self, message: str, *, field: str | None = None, valid: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.field = field
        self.valid = tuple(valid)


class BadRequest(UserError):
    """The request contradicts itself, for example with two different credentials."""

    code = "bad_request"


class Unauthorized(UserError):
    """The request has no valid credential."""

    code = "unauthorized"


class Forbidden(UserError):
    """The credential does not permit this.

    `field` is what it restricts: `model`, `reasoning_effort`, `scope`, or None.
    """

    code = "forbidden"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class RateLimited(UserError):
    """A usage limit is reached. `retry_after` is when the same request can succeed, in seconds."""

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BudgetSpent(RateLimited):
    """The daily token budget is spent. Retrying before the next UTC day fails again."""

    code = "budget_spent"


class NotFound(UserError):
    """The object does not exist, or belongs to another owner."""

    code = "not_found"


class UnknownModel(NotFound):
    """No configured model has this id. `nearest` lists similar ids, best match first."""

    code = "unknown_model"

    def __init__(self, model: str, nearest: Sequence[str] = ()) -> None:
        hint = f"Did you mean {', '.join(nearest)}?" if nearest else _ID_HINT
        super().__init__(f"No model {model!r} is configured. {hint}")
        self.model = model
        self.nearest = tuple(nearest)


class UnsupportedEffort(UserError):
    """The model does not support this reasoning effort. `valid` lists the levels it supports."""

    code = "unsupported_effort"

    def __init__(self, model: str, effort: str | int, valid: Sequence[str]) -> None:
        choices = (
            f"Valid: {', '.join(valid)}."
            if valid
            else "Leave it out: this model has no effort setting."
        )
        super().__init__(f"{model} does not support reasoning effort {effort!r}. {choices}")
        self.field = "reasoning_effort"
        self.valid = tuple(valid)


class Conflict(UserError):
    """The object's current state does not allow this operation."""

    code = "conflict"


class ApprovalPending(Conflict):
    """A run of the conversation waits for an approval, so it accepts no new message."""

    code = "approval_pending"


class ConfigurationError(ThinkaloudError):
    """A setting is invalid or missing. The message has the source, the key and the valid values."""

    code = "configuration"


class ProviderError(ThinkaloudError):
    """The provider returned no complete answer.

    `code` is a `ProviderCode`. `status` is the HTTP status, or None if there was no response.
    `retry_after` is the delay in seconds that the provider asked for, or None. `retryable` is
    whether the same request may succeed later.
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
    """A tool failed. The message is sent to the model as the tool's result."""

    code = "tool_error"


class RunFailed(ThinkaloudError):
    """A run failed.

    `code` says why. `partial` and `reasoning` are the text streamed before the failure, `run_id` is
    the failed run, and `retryable` is whether trying again may help.
    """

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
    """Conversations could not be saved or read: disk full, or the database is locked or missing."""

    code = "store_unavailable"


class UnreadableLog(StoreError):
    """This conversation has an event that cannot be read. Other conversations are not affected."""


class Fenced(StoreError):
    """The other servers on the database consider this one dead, because its heartbeat is overdue."""

    def __init__(self) -> None:
        super().__init__("This server was cut off from the database for too long. Try again.")


class Unavailable(ThinkaloudError):
    """The server is shutting down. The same request may succeed later."""

    code = "shutting_down"
    retry_after: float = 5.0


class Busy(Unavailable):
    """Too many runs are active, or too many messages are waiting. Try again soon."""

    code = "busy"
    retry_after = 2.0


class InternalError(ThinkaloudError):
    """A bug in thinkaloud. The server log has the details, with the request id."""
