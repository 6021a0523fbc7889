"""Response bodies, all computed by the same fold (P8)."""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from thinkaloud.core.reply import ActionResult, ReasoningSegment, reply
from thinkaloud.events.event import AttachedFile, Outcome, RunError, RunStatus, Timing
from thinkaloud.events.fold import Fold, RunFold
from thinkaloud.events.model import ReasoningStatus, Usage
from thinkaloud.events.prompt import Effort
from thinkaloud.events.view import Block, ConversationView, ReasoningBlock, RunView
from thinkaloud.ports.model import ModelInfo, ReasoningAbility
from thinkaloud.ports.store import Conversation, RunRecord

State = RunStatus | Literal["queued", "running", "waiting"]


class RunState(msgspec.Struct, frozen=True, gc=False):
    """The state of a run. The reasoning fields are absent unless reasoning was requested."""

    run_id: str
    conversation_id: str
    status: State
    """`queued`: it is waiting for an earlier run of its conversation."""
    model: str | None = None
    response: str = ""
    """The answer so far."""
    action_results: tuple[ActionResult, ...] = ()
    iterations: int = 0
    max_iterations: int | None = None
    started_at_ms: int | None = None
    ended_at_ms: int | None = None
    reasoning_effort: Effort | None = None
    usage: Usage | None = None
    timing: Timing | None = None
    error: RunError | None = None
    outcome: Outcome | None = None
    reasoning: str | msgspec.UnsetType = msgspec.UNSET
    reasoning_status: ReasoningStatus | msgspec.UnsetType = msgspec.UNSET
    reasoning_segments: tuple[ReasoningSegment, ...] | msgspec.UnsetType = msgspec.UNSET


class MessageVersions(msgspec.Struct, frozen=True, gc=False):
    """The versions of a message and its answer, and the position of this one."""

    index: int
    """The position of this version, from 1."""
    count: int
    """Number of versions."""
    run_ids: tuple[str, ...]
    """All versions, oldest first; `POST /conversations/{conversation_id}/versions` selects one."""


class UserMessage(msgspec.Struct, frozen=True, tag_field="role", tag="user", gc=False):
    """A message of the user."""

    run_id: str
    text: str
    context: dict[str, object]
    context_files: tuple[str, ...]
    image_path: str | None
    attachments: tuple[AttachedFile, ...]
    """The files named by these two fields, in order."""
    at_ms: int
    versions: MessageVersions
    """The versions of the message, which are also those of its answer."""


class AssistantMessage(msgspec.Struct, frozen=True, tag_field="role", tag="assistant", gc=False):
    """The model's response. `blocks` are its segments, tool calls and notices, in order."""

    run_id: str
    text: str
    status: RunStatus | Literal["running", "waiting"]
    model: str
    blocks: tuple[Block, ...]
    at_ms: int
    ended_at_ms: int | None
    iterations: int
    max_iterations: int
    reasoning_effort: Effort | None
    usage: Usage | None
    timing: Timing | None
    error: RunError | None
    outcome: Outcome | None
    versions: MessageVersions
    """The versions of the answer, which are also those of its message."""
    reasoning: str | msgspec.UnsetType = msgspec.UNSET
    reasoning_status: ReasoningStatus | msgspec.UnsetType = msgspec.UNSET


Message = UserMessage | AssistantMessage


class Messages(msgspec.Struct, frozen=True, gc=False):
    """The messages of a conversation at `seq`, oldest first."""

    conversation_id: str
    seq: int
    """To receive later events, follow the conversation after this number."""
    messages: tuple[Message, ...]
    """The messages of the selected versions."""
    attempt: tuple[Message, ...] = ()
    """The message and answer of a replacement without answer text: it is still running, or the last
    attempt produced none. The version that it would replace stays selected until it answers."""
    next_before: str | msgspec.UnsetType | None = msgspec.UNSET
    """For a page: the `before` of the next older page; null if there is none."""


class Position(msgspec.Struct, frozen=True, gc=False):
    """A position in a conversation that has several versions."""

    after: str | None
    """The run before this position; null at the start of the conversation."""
    run_ids: tuple[str, ...]
    """The versions, oldest first."""
    selected: str
    """The selected version."""
    current: bool
    """Whether the selected version is on the current path of the conversation."""


class VersionList(msgspec.Struct, frozen=True, gc=False):
    """The versions in a conversation at `seq`."""

    conversation_id: str
    seq: int
    path: tuple[str, ...]
    """The runs on the current path, oldest first."""
    positions: tuple[Position, ...]
    """The positions with more than one version, oldest first."""
    found: str | None = None
    """A run that contains all the search words; select it if it is not in `path`."""


class ConversationState(msgspec.Struct, frozen=True, gc=False):
    """A conversation. `active_runs`: running or queued, oldest first; `seq`: its last event."""

    conversation_id: str
    title: str
    created_at_ms: int
    updated_at_ms: int
    seq: int
    active_runs: tuple[str, ...]
    temporary: bool
    """Kept in memory only, and in no list."""


class ConversationSummary(msgspec.Struct, frozen=True, gc=False):
    """A conversation in a list."""

    conversation_id: str
    title: str
    created_at_ms: int
    updated_at_ms: int


class ConversationList(msgspec.Struct, frozen=True, gc=False):
    """A page of conversations, most recently changed first."""

    conversations: tuple[ConversationSummary, ...]
    next_before: str | None
    """The `before` of the next page; null on the last page."""


class ModelView(msgspec.Struct, frozen=True, gc=False):
    """An available model."""

    id: str
    """`host/model`."""
    name: str
    provider: str
    current: bool
    max_tokens: int | None
    reasoning: ReasoningAbility
    images: bool
    max_output_tokens: int | None


class Switched(msgspec.Struct, frozen=True, gc=False):
    """The default model for new runs."""

    ok: bool
    model: ModelView
    reasoning_effort: Effort | None


def run_state(record: RunRecord, fold: RunFold | None, *, reasoning: bool) -> RunState:
    """Return the state of a run; without a fold, it has not started."""
    if fold is None:
        return RunState(record.run_id, record.conversation_id, "queued")
    view = fold.view()
    body = reply(view, record.conversation_id, include_reasoning=reasoning)
    return RunState(
        run_id=record.run_id,
        conversation_id=record.conversation_id,
        status=view.status,
        model=view.model,
        response=body.response,
        action_results=body.action_results,
        iterations=view.iteration,
        max_iterations=view.max_iterations,
        started_at_ms=view.started_at_ms,
        ended_at_ms=view.ended_at_ms,
        reasoning_effort=view.reasoning_effort,
        usage=view.usage,
        timing=view.timing,
        error=view.error,
        outcome=view.outcome,
        reasoning=body.reasoning,
        reasoning_status=body.reasoning_status,
        reasoning_segments=body.reasoning_segments,
    )


def version_list(fold: Fold, found: str | None = None) -> VersionList:
    """Return the versions of a conversation and the search result."""
    groups = dict.fromkeys(fold.tree.versions_of(fold.tree.all.values()).values())
    positions = [_position(fold, versions) for versions in groups]
    return VersionList(fold.conversation_id, fold.seq, tuple(fold.runs), tuple(positions), found)


def _position(fold: Fold, versions: tuple[str, ...]) -> Position:
    selected = next(run_id for run_id in versions if fold.tree.is_selected(run_id))
    return Position(fold.tree.before(selected), versions, selected, selected in fold.runs)


def _versions(run_id: str, versions: Mapping[str, tuple[str, ...]]) -> MessageVersions:
    run_ids = versions.get(run_id, (run_id,))
    return MessageVersions(run_ids.index(run_id) + 1, len(run_ids), run_ids)


def user_message(run: RunView, versions: MessageVersions) -> UserMessage:
    """Return the message that started a run."""
    given = run.input
    return UserMessage(
        run_id=run.run_id,
        text=given.text,
        context=given.context,
        context_files=given.context_files,
        image_path=given.image_path,
        attachments=run.attachments,
        at_ms=run.started_at_ms,
        versions=versions,
    )


def assistant_message(
    run: RunView, versions: MessageVersions, *, reasoning: bool
) -> AssistantMessage:
    """Return the response of a run; without `reasoning`, reasoning blocks are left out."""
    blocks = (
        run.blocks
        if reasoning
        else tuple(block for block in run.blocks if not isinstance(block, ReasoningBlock))
    )
    return AssistantMessage(
        run_id=run.run_id,
        text=run.response,
        status=run.status,
        model=run.model,
        blocks=blocks,
        at_ms=run.started_at_ms,
        ended_at_ms=run.ended_at_ms,
        iterations=run.iteration,
        max_iterations=run.max_iterations,
        reasoning_effort=run.reasoning_effort,
        usage=run.usage,
        timing=run.timing,
        error=run.error,
        outcome=run.outcome,
        versions=versions,
        reasoning=run.reasoning if reasoning else msgspec.UNSET,
        reasoning_status=run.reasoning_status if reasoning else msgspec.UNSET,
    )


def messages_in(
    view: ConversationView,
    seq: int,
    *,
    reasoning: bool,
    next_before: str | msgspec.UnsetType | None = msgspec.UNSET,
) -> Messages:
    """Return the messages of the runs of a view, in order."""
    return Messages(
        view.conversation_id,
        seq,
        _messages(view.runs, view.versions, reasoning=reasoning),
        ()
        if view.attempt is None
        else _messages([view.attempt], view.versions, reasoning=reasoning),
        next_before,
    )


def _messages(
    runs: Iterable[RunView], versions: Mapping[str, tuple[str, ...]], *, reasoning: bool
) -> tuple[Message, ...]:
    messages: list[Message] = []
    for run in runs:
        known = _versions(run.run_id, versions)
        messages.append(user_message(run, known))
        messages.append(assistant_message(run, known, reasoning=reasoning))
    return tuple(messages)


def summary(found: Conversation) -> ConversationSummary:
    """Return a conversation as an item of a list."""
    return ConversationSummary(
        found.conversation_id, found.title, found.created_at_ms, found.updated_at_ms
    )


def model_view(info: ModelInfo, current: str) -> ModelView:
    """Return a model as clients see it."""
    return ModelView(
        id=info.id,
        name=info.name,
        provider=info.provider,
        current=info.id == current,
        max_tokens=info.max_tokens,
        reasoning=info.reasoning,
        images=info.images,
        max_output_tokens=info.max_output_tokens,
    )
