"""Stateless encoding of the frames of `/ws`; `encoder.py` adds the state of a stream. Pure."""

from collections.abc import Callable, Collection, Sequence
from typing import Final, assert_never

import msgspec
from typing_extensions import override

from thinkaloud.core.conversations.pagination import Page
from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    IterationStarted,
    LoggedEvent,
    ModelResponded,
    Notice,
    ReasoningDelta,
    ReasoningEnded,
    RunCheckpoint,
    RunEnded,
    RunStarted,
    SegmentReclassified,
    ToolEnded,
    ToolProgress,
    ToolRequested,
    ToolStarted,
    VersionSelected,
)
from thinkaloud.events.view import ConversationView, RunView
from thinkaloud.server.wires.log.encode import shown_event
from thinkaloud.server.wires.page.frames import (
    ChatDelta,
    ChatEarlier,
    ChatError,
    ChatLog,
    ChatMessageAccepted,
    ChatModelEnd,
    ChatNotice,
    ChatProgress,
    ChatReasoningDelta,
    ChatReasoningEnd,
    ChatReclassified,
    ChatSnapshot,
    ChatStreamEnd,
    ChatToolEvent,
    ChatTurnEnd,
    ChatUserMessage,
    ChatVersionSelected,
    Frame,
)
from thinkaloud.server.wires.page.interactions import interaction_frame, place_of
from thinkaloud.server.wires.policy import run_without_reasoning, without_reasoning
from thinkaloud.server.wires.rare_events import RareEvent

_encode: Final = msgspec.json.Encoder().encode


_Rare = RareEvent | RunStarted | RunEnded


class PageFrames:
    """Encodes frames with or without reasoning (P7).

    Each of the two variants has its own `name`, under which each event is encoded once.
    """

    __slots__ = ("_reasoning", "frame", "name")

    def __init__(self, *, reasoning: bool) -> None:
        self.name = f"ws.{'reasoning' if reasoning else 'plain'}"
        self.frame: Callable[[LoggedEvent], bytes | None] = self._frame
        """Encodes an event; None if this wire does not carry it."""
        self._reasoning = reasoning

    def message(
        self, logged: LoggedEvent, client_message_id: str | None, *, accepted: bool = False
    ) -> bytes | None:
        """Encode a run's first event with the client's message id.

        `accepted`: for the socket that sent the message.
        """
        if not isinstance(logged.event, RunStarted):
            return self._frame(logged)
        return _encode(_message(logged, logged.event, client_message_id, accepted=accepted))

    def turn_end(self, logged: LoggedEvent, client_message_id: str | None) -> bytes | None:
        """Encode a run's last event with the client's message id."""
        if not isinstance(logged.event, RunEnded):
            return self._frame(logged)
        return _encode(_turn_end(logged, logged.event, client_message_id))

    def failure(self, logged: LoggedEvent, client_message_id: str | None) -> bytes | None:
        """Return the `error` frame of a failed run; None if it did not fail."""
        event = logged.event
        if not isinstance(event, RunEnded) or event.error is None:
            return None
        return _encode(
            ChatError(
                detail=event.error.message,
                code=event.error.code,
                chat_id=logged.conversation_id,
                run_id=logged.run_id,
                turn_id=client_message_id or logged.run_id,
                client_message_id=client_message_id,
            )
        )

    def snapshot(
        self,
        view: ConversationView,
        seq: int,
        without: Collection[str],
        *,
        earlier: bool = False,
    ) -> bytes:
        """Encode a conversation or its latest runs, without the reasoning of runs in `without`.

        `earlier`: older runs exist.
        """
        attempts = () if view.attempt is None else (view.attempt,)
        shown = msgspec.structs.replace(
            view,
            seq=seq,
            runs=self._shown(view.runs, without),
            attempt=next(iter(self._shown(attempts, without)), None),
        )
        return _encode(ChatSnapshot(view.conversation_id, seq, shown, earlier))

    def earlier(self, chat_id: str, page: Page, before: str, without: Collection[str]) -> bytes:
        """Encode a page of runs, without the reasoning of runs in `without`."""
        runs = self._shown(page.view.runs, without)
        earlier = page.next_before is not None
        frame = ChatEarlier(chat_id, before, runs, earlier, page.view.versions)
        return _encode(frame)

    def _shown(self, runs: Sequence[RunView], without: Collection[str]) -> tuple[RunView, ...]:
        return tuple(
            run if self._reasoning and run.run_id not in without else run_without_reasoning(run)
            for run in runs
        )

    def _frame(self, logged: LoggedEvent) -> bytes | None:
        event = logged.event if self._reasoning else without_reasoning(logged.event)
        match event:
            case None:
                return None
            case AnswerDelta():
                frame: Frame = ChatDelta(
                    **place_of(logged), text=event.text, stream_id=event.segment_id
                )
            case ReasoningDelta():
                frame = ChatReasoningDelta(
                    **place_of(logged),
                    text=event.text,
                    stream_id=event.segment_id,
                    part=event.part,
                )
            case _:
                found = _rare(logged, event)
                if found is None:
                    return None
                frame = found
        return _encode(frame)


class LogFrames(PageFrames):
    """Encodes events as stored in the log. Snapshots are like those of `PageFrames`."""

    __slots__ = ()

    def __init__(self, *, reasoning: bool) -> None:
        super().__init__(reasoning=reasoning)
        self.name = f"ws.log.{'reasoning' if reasoning else 'plain'}"

    @override
    def message(
        self, logged: LoggedEvent, client_message_id: str | None, *, accepted: bool = False
    ) -> bytes | None:
        """Encode a run's first event with the client's message id."""
        del accepted
        return self._log(logged, client_message_id)

    @override
    def turn_end(self, logged: LoggedEvent, client_message_id: str | None) -> bytes | None:
        """Encode a run's last event with the client's message id."""
        return self._log(logged, client_message_id)

    @override
    def failure(self, logged: LoggedEvent, client_message_id: str | None) -> bytes | None:
        """Return None: the run's last event already includes the error."""
        return None

    @override
    def _frame(self, logged: LoggedEvent) -> bytes | None:
        return self._log(logged, None)

    def _log(self, logged: LoggedEvent, client_message_id: str | None) -> bytes | None:
        shown = shown_event(logged, reasoning=self._reasoning)
        if shown is None:
            return None
        return _encode(ChatLog(shown.conversation_id, shown, client_message_id))


_FRAMES: Final = {reasoning: PageFrames(reasoning=reasoning) for reasoning in (False, True)}
_LOG_FRAMES: Final = {reasoning: LogFrames(reasoning=reasoning) for reasoning in (False, True)}


def page_frames(*, reasoning: bool, as_log: bool = False) -> PageFrames:
    """Return the shared encoder, with or without reasoning; `as_log`: for log events."""
    return (_LOG_FRAMES if as_log else _FRAMES)[reasoning]


def encode_frame(frame: Frame) -> bytes:
    """Encode a frame."""
    return _encode(frame)


def _rare(  # noqa: PLR0911 - one case per event type
    logged: LoggedEvent, event: _Rare
) -> Frame | None:
    match event:
        case RunStarted():
            return _message(logged, event, None)
        case IterationStarted():
            return ChatProgress(
                **place_of(logged),
                iteration=event.iteration,
                max_iterations=event.max_iterations,
                message=event.message,
            )
        case ReasoningEnded() | AnswerEnded() | SegmentReclassified():
            return _segment(logged, event)
        case ToolStarted() | ToolProgress() | ToolEnded() | ToolRequested():
            return _tool(logged, event)
        case ModelResponded():
            return _model_end(logged, event)
        case Notice():
            return ChatNotice(**place_of(logged), code=event.code, message=event.message)
        case RunEnded():
            return _turn_end(logged, event, None)
        case VersionSelected():
            return ChatVersionSelected(
                chat_id=logged.conversation_id,
                run_id=event.run_id,
                seq=logged.seq,
                at_ms=logged.at_ms,
            )
        case RunCheckpoint():
            return None
        case _:
            return interaction_frame(logged, event)


def _segment(
    logged: LoggedEvent, event: ReasoningEnded | AnswerEnded | SegmentReclassified
) -> Frame:
    match event:
        case ReasoningEnded():
            return ChatReasoningEnd(
                **place_of(logged),
                stream_id=event.segment_id,
                duration_ms=event.duration_ms,
                interrupted=event.interrupted,
            )
        case AnswerEnded():
            return ChatStreamEnd(
                **place_of(logged),
                stream_id=event.segment_id,
                resuming=event.resuming,
                interrupted=event.interrupted,
            )
        case SegmentReclassified():
            return ChatReclassified(
                **place_of(logged),
                stream_id=event.segment_id,
                to=event.to,
                duration_ms=event.duration_ms,
            )
        case _:
            assert_never(event)


def _message(
    logged: LoggedEvent, event: RunStarted, client_message_id: str | None, *, accepted: bool = False
) -> ChatUserMessage | ChatMessageAccepted:
    given = event.input
    kind = ChatMessageAccepted if accepted else ChatUserMessage
    return kind(
        **place_of(logged),
        turn_id=client_message_id or logged.run_id,
        starts_turn=True,
        text=given.text,
        model=event.model,
        max_iterations=event.max_iterations,
        reasoning_effort=event.reasoning_effort,
        context=given.context,
        context_files=given.context_files,
        image_path=given.image_path,
        tool_results=given.tool_results,
        attachments=tuple(each.file for each in event.attachments),
        replaces=event.replaces,
        client_message_id=client_message_id,
    )


def _tool(
    logged: LoggedEvent, event: ToolStarted | ToolProgress | ToolEnded | ToolRequested
) -> ChatToolEvent:
    if isinstance(event, ToolProgress):
        return ChatToolEvent(
            **place_of(logged),
            phase="progress",
            tool_call_id=event.tool_call_id,
            name=event.name,
            message=event.message,
            progress=event.progress,
            total=event.total,
        )
    if not isinstance(event, ToolEnded):
        return ChatToolEvent(
            **place_of(logged),
            phase="start" if isinstance(event, ToolStarted) else "requested",
            tool_call_id=event.tool_call_id,
            name=event.name,
            arguments=event.arguments,
        )
    return ChatToolEvent(
        **place_of(logged),
        phase="end",
        tool_call_id=event.tool_call_id,
        name=event.name,
        status=event.status,
        result=event.result,
        duration_ms=event.duration_ms,
        truncated=event.truncated,
    )


def _model_end(logged: LoggedEvent, event: ModelResponded) -> ChatModelEnd:
    return ChatModelEnd(
        **place_of(logged),
        iteration=event.iteration,
        reasoning_status=event.reasoning_status,
        usage=event.usage,
    )


def _turn_end(logged: LoggedEvent, event: RunEnded, client_message_id: str | None) -> ChatTurnEnd:
    return ChatTurnEnd(
        **place_of(logged),
        turn_id=client_message_id or logged.run_id,
        status=event.status,
        iterations=event.iterations,
        usage=event.usage,
        timing=event.timing,
        error=event.error,
        outcome=event.outcome,
    )
