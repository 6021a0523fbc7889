"""Limits on a single run, and on the number of runs."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits on a single run."""

    max_iterations: int = 25
    """Maximum model calls in a run, unless the request sets its own limit."""
    idle_timeout_seconds: float = 300.0
    """How long to wait for the next event from a model before the run fails."""
    run_timeout_seconds: float = 3600.0
    """Maximum duration of a run."""
    max_retry_wait_seconds: float = 60.0
    """The longest `Retry-After` to wait for; the run fails if a provider asks for more."""
    max_response_chars: int = 8_000_000
    """Maximum output of one model call: reasoning, answer and tool call arguments together."""
    max_tool_calls: Annotated[int, Meta(ge=1)] = 128
    """Maximum tool calls in one model response. A response with more fails, and no tool runs."""
    max_tool_result_chars: int = 100_000
    """Tool results longer than this are truncated."""
    max_attachment_bytes: int = 20 * 2**20
    """Maximum total size of the files attached to a message."""
    max_parallel_tools: int = 8
    """How many tools of one model response can run at the same time."""
    max_output_tokens: int | None = None
    """The output token limit to send to the model. Not set: the provider's default."""
    stop_detached_after_seconds: Annotated[float, Meta(ge=0)] | None = None
    """Stop a run that has had no followers for this long. Not set: it continues to its end."""
    busy_conversation: Literal["queue", "refuse"] = "queue"
    """What happens to a message sent while another run is active in its conversation."""
    drain_timeout_seconds: Annotated[float, Meta(ge=0)] = 20.0
    """How long active runs can continue when the server is shutting down."""


class AdmissionLimits(msgspec.Struct, frozen=True):
    """Limits on the number of runs."""

    max_active_runs: int = 500
    """Maximum number of runs that are active or queued, from all entry points."""
    max_waiting_messages: int = 16
    """Maximum number of messages queued in one conversation, or on one socket."""


class Lease(msgspec.Struct, frozen=True):
    """How a replica introduces itself, and how long it may be silent."""

    name: str = "thinkaloud"
    version: str = ""
    seconds: float = 10.0
    """A replica whose beat stands still for this long is declared dead."""
