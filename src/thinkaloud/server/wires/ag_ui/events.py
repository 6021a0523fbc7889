"""The events of the AG-UI protocol 1.0, as far as this server sends them.

Source: https://docs.ag-ui.com/concepts/events, and the schemas in the packages `@ag-ui/core` and
`ag-ui-protocol`. Clients of 0.0.59 ignore fields of an event that they don't know. A null in an optional field is an error for 1.0, so an unset field is omitted.
"""

from typing import Literal

import msgspec

from thinkaloud.events.event import Outcome, RunStatus
from thinkaloud.events.model import Usage

PROTOCOL_VERSION = "1.0"


class AgUiEvent(msgspec.Struct, frozen=True, tag_field="type", rename="camel", omit_defaults=True):
    """The base of all events."""


class RunDetails(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What the events of a run say beyond the protocol, as `metadata.thinkaloud`."""

    run_id: str
    """The run's id on this server; the one in the event is the client's."""
    model: str | None = None
    """`host/model`."""
    status: RunStatus | None = None
    outcome: Outcome | None = None
    reasoning_ms: int | None = None
    total_ms: int | None = None


class RunMetadata(msgspec.Struct, frozen=True):
    """The metadata of the first and last event of a run."""

    thinkaloud: RunDetails


class SegmentDetails(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What the end of a reasoning segment says beyond the protocol."""

    duration_ms: int
    """From the first delta to the end, by the server's clock."""
    interrupted: bool = False


class SegmentMetadata(msgspec.Struct, frozen=True):
    """The metadata of the end of a reasoning segment."""

    thinkaloud: SegmentDetails


class Started(AgUiEvent, frozen=True, tag="RUN_STARTED"):
    """The first event. Both ids are those of the request."""

    thread_id: str
    run_id: str
    metadata: RunMetadata | None = None
    """None: of a response without a run of ours."""
    protocol_version: str | None = None


class StepStarted(AgUiEvent, frozen=True, tag="STEP_STARTED"):
    """A model call begins."""

    step_name: str


class StepFinished(AgUiEvent, frozen=True, tag="STEP_FINISHED"):
    """A model call and its tools have ended."""

    step_name: str


class ReasoningStart(AgUiEvent, frozen=True, tag="REASONING_START"):
    """A reasoning segment begins."""

    message_id: str


class ReasoningMessageStart(AgUiEvent, frozen=True, tag="REASONING_MESSAGE_START"):
    """A block of the provider in a reasoning segment begins."""

    message_id: str
    role: Literal["reasoning"]


class ReasoningContent(AgUiEvent, frozen=True, tag="REASONING_MESSAGE_CONTENT", gc=False):
    """A reasoning delta."""

    message_id: str
    delta: str


class ReasoningMessageEnd(AgUiEvent, frozen=True, tag="REASONING_MESSAGE_END"):
    """A block in a reasoning segment has ended."""

    message_id: str


class ReasoningEnd(AgUiEvent, frozen=True, tag="REASONING_END"):
    """A reasoning segment has ended."""

    message_id: str
    metadata: SegmentMetadata | None = None


class TextStart(AgUiEvent, frozen=True, tag="TEXT_MESSAGE_START"):
    """An answer segment begins."""

    message_id: str
    role: Literal["assistant"]


class TextContent(AgUiEvent, frozen=True, tag="TEXT_MESSAGE_CONTENT", gc=False):
    """An answer delta."""

    message_id: str
    delta: str


class TextEnd(AgUiEvent, frozen=True, tag="TEXT_MESSAGE_END"):
    """An answer segment has ended."""

    message_id: str


class ToolCallStart(AgUiEvent, frozen=True, tag="TOOL_CALL_START"):
    """A tool call begins."""

    tool_call_id: str
    tool_call_name: str


class ToolCallArgs(AgUiEvent, frozen=True, tag="TOOL_CALL_ARGS"):
    """The arguments of a tool call, as the model wrote them."""

    tool_call_id: str
    delta: str


class ToolCallEnd(AgUiEvent, frozen=True, tag="TOOL_CALL_END"):
    """The arguments are complete."""

    tool_call_id: str


class ToolCallResult(AgUiEvent, frozen=True, tag="TOOL_CALL_RESULT"):
    """The result of a tool that the server has run."""

    message_id: str
    tool_call_id: str
    content: str
    role: Literal["tool"]


class NoticeValue(msgspec.Struct, frozen=True):
    """Information for the user."""

    code: str
    message: str


class Change(msgspec.Struct, frozen=True, rename="camel"):
    """A closed segment turned out to be something else."""

    message_id: str
    to: Literal["reasoning", "withdrawn"]


class Custom(AgUiEvent, frozen=True, tag="CUSTOM"):
    """`thinkaloud.notice`: information for the user. `thinkaloud.reclassified`: rare, a message
    that was already sent is not what it was sent as, and should not be shown so."""

    name: Literal["thinkaloud.notice", "thinkaloud.reclassified"]
    value: NoticeValue | Change


class TokenUsage(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The tokens of a run. The totals include their parts."""

    provider: str
    model: str
    input_tokens: int
    output_tokens: int
    total_tokens: int
    reasoning_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None


class RunOutcome(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Why a run ended. `pending_tool_call_ids`: the calls that wait for a result of the client."""

    type: Literal["success", "cancelled"]
    pending_tool_call_ids: tuple[str, ...] = ()


class Finished(AgUiEvent, frozen=True, tag="RUN_FINISHED"):
    """The last event of a run that did not fail."""

    thread_id: str
    run_id: str
    metadata: RunMetadata | None = None
    outcome: RunOutcome | None = None
    """Not sent to clients of 0.0.59, which refuse `cancelled` and pending calls."""
    usage: tuple[TokenUsage, ...] = ()


class Failed(AgUiEvent, frozen=True, tag="RUN_ERROR"):
    """The last event of a failed run. The client shows the message, so it contains no secrets."""

    message: str
    code: str
    usage: tuple[TokenUsage, ...] = ()


def token_usage(usage: Usage, model_id: str) -> TokenUsage:
    """Return the tokens of a run in the protocol's terms. `model_id` is `host/model`."""
    provider, _, model = model_id.partition("/")
    return TokenUsage(
        provider,
        model,
        usage.input_tokens,
        usage.output_tokens,
        usage.input_tokens + usage.output_tokens,
        usage.reasoning_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
    )
