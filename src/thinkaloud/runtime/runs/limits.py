"""What a run may take."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds on one run. Times are seconds, sizes are characters where they are not bytes."""

    max_iterations: int = 25
    """Model calls of a run that names no number of its own."""
    idle_timeout: float = 300.0
    """How long a model may say nothing at all; any event of its stream starts it anew."""
    run_timeout: float = 3600.0
    """How long a run may take in all."""
    max_retry_wait: float = 60.0
    """The longest Retry-After that is waited for."""
    max_response_chars: int = 8_000_000
    """What one model call may say: reasoning, answer and arguments of tool calls together."""
    max_tool_calls: Annotated[int, Meta(ge=1)] = 128
    """Tool calls that one answer of the model may hold; an answer with more fails, and none is run."""
    max_tool_result_chars: int = 100_000
    """Where a tool's result is cut."""
    max_attachment_bytes: int = 20 * 2**20
    """Bytes that the files of one message may have together."""
    max_parallel_tools: int = 8
    """How many tools of one response run at once."""
    max_output_tokens: int | None = None
    """What a model is asked to stay under; None leaves it to the provider."""
    stop_detached_after: Annotated[float, Meta(ge=0)] | None = None
    """A run that nobody has followed for so long is stopped; None: it goes on to its end."""
    busy_conversation: Literal["queue", "refuse"] = "queue"
    """What a message gets in a conversation where a run goes on."""
    drain_timeout: Annotated[float, Meta(ge=0)] = 20.0
    """How long running runs may go on when the server is told to stop."""
