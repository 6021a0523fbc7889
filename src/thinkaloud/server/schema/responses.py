"""What the look-ups answer with. Everything is read from the one fold (P8)."""

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

State = RunStatus | Literal["queued", "running"]


class RunState(msgspec.Struct, frozen=True, gc=False):
    """A run as it stands. The reasoning members are absent where reasoning was not asked for."""

    run_id: str
    conversation_id: str
    status: State
    """`queued`: it waits for an earlier run of its conversation."""
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
    """The versions of a message and its answer, and which of them this one is."""

    index: int
    """Its place among them, from 1."""
    count: int
    """How many there are."""
    run_ids: tuple[str, ...]
    """All of them, oldest first; `POST /conversations/{conversation_id}/versions` selects one."""


class UserMessage(msgspec.Struct, frozen=True, tag_field="role", tag="user", gc=False):
    """What the user said."""

    run_id: str
    text: str
    context: dict[str, object]
    context_files: tuple[str, ...]
    image_path: str | None
    attachments: tuple[AttachedFile, ...]
    """The files that these two name, in their order."""
    at_ms: int
    versions: MessageVersions
    """Its versions and those of its answer, which are the same."""


class AssistantMessage(msgspec.Struct, frozen=True, tag_field="role", tag="assistant", gc=False):
    """What the model did with it. `blocks` are its segments, tool calls and notices in order."""

    run_id: str
    text: str
    status: RunStatus | Literal["running"]
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
    """Its versions and those of its message, which are the same."""
    reasoning: str | msgspec.UnsetType = msgspec.UNSET
    reasoning_status: ReasoningStatus | msgspec.UnsetType = msgspec.UNSET


Message = UserMessage | AssistantMessage


class Messages(msgspec.Struct, frozen=True, gc=False):
    """The messages of a conversation, oldest first, as they stand at `seq`."""

    conversation_id: str
    seq: int
    """Follow the conversation's events after this number to stay up to date."""
    messages: tuple[Message, ...]
    """Of the selected versions."""
    attempt: tuple[Message, ...] = ()
    """The message and the answer of a replacement that has given no answer text: it is running,
    or the last try came to nothing. What it is to replace stays selected until it answers."""
    next_before: str | msgspec.UnsetType | None = msgspec.UNSET
    """Where a page was asked for: `before` of the one with what is older; null where nothing is."""


class Position(msgspec.Struct, frozen=True, gc=False):
    """A place in a conversation that has several versions."""

    after: str | None
    """The run that they follow; null: they begin the conversation."""
    run_ids: tuple[str, ...]
    """The versions, oldest first."""
    selected: str
    """Which of them is selected."""
    current: bool
    """Whether the selected one is part of the conversation as it is shown."""


class VersionList(msgspec.Struct, frozen=True, gc=False):
    """The versions of a conversation, as they stand at `seq`."""

    conversation_id: str
    seq: int
    path: tuple[str, ...]
    """The runs of the conversation as it is shown, oldest first."""
    positions: tuple[Position, ...]
    """Where there is more than one version, oldest first."""
    found: str | None = None
    """A run with all the words that were searched for; select it where `path` does not have it."""


class ConversationState(msgspec.Struct, frozen=True, gc=False):
    """A conversation. `active_runs` go on or wait, the oldest first; `seq` is its last event."""

    conversation_id: str
    title: str
    created_at_ms: int
    updated_at_ms: int
    seq: int
    active_runs: tuple[str, ...]
    temporary: bool
    """It is kept in memory only, and stands in no list."""


class ConversationSummary(msgspec.Struct, frozen=True, gc=False):
    """A conversation in a list."""

    conversation_id: str
    title: str
    created_at_ms: int
    updated_at_ms: int


class ConversationList(msgspec.Struct, frozen=True, gc=False):
    """A page of conversations, the latest changed first."""

    conversations: tuple[ConversationSummary, ...]
    next_before: str | None
    """`before` of the next page; null where this was the last."""


class ModelView(msgspec.Struct, frozen=True, gc=False):
    """A model that can be chosen."""

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
    """The model for new runs."""

    ok: bool
    model: ModelView
    reasoning_effort: Effort | None


def run_state(record: RunRecord, fold: RunFold | None, *, reasoning: bool) -> RunState:
    """Return a run as it stands; without a fold it has not begun."""
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
    """Return the versions of a conversation, and what was found in them."""
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
    """Return what the user said to begin a run."""
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
    """Return what came of a run; without `reasoning` no block of it is left."""
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
    """Return what was said in the runs of a view, in order."""
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
    said: list[Message] = []
    for run in runs:
        known = _versions(run.run_id, versions)
        said.append(user_message(run, known))
        said.append(assistant_message(run, known, reasoning=reasoning))
    return tuple(said)


def summary(found: Conversation) -> ConversationSummary:
    """Return a conversation as it stands in a list."""
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
