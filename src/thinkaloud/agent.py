"""The asynchronous Python API. It uses the same runtime as the server."""

import inspect
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Literal, Unpack, cast, overload

import msgspec

from thinkaloud.agent_options import (
    AgentOptions,
    ChatOptions,
    OnChunk,
    check_names,
    checked_callback,
    choices_of,
    config_of,
    request_of,
)
from thinkaloud.agent_reply import ChatReply, ChatReplyWithReasoning, MessageType
from thinkaloud.agent_run import AgentRun, LoopGuard, chunk_of, run_result
from thinkaloud.app.runtime import Runtime, open_runtime
from thinkaloud.config import load
from thinkaloud.core.reply import reply
from thinkaloud.errors import InternalError, InvalidRequest, UserError
from thinkaloud.events.event import Event
from thinkaloud.events.view import ConversationView, RunView
from thinkaloud.ports.model import Model, ModelInfo
from thinkaloud.ports.store import Conversation, ConversationCursor
from thinkaloud.runtime.runs.waiting.approvals import Verdict
from thinkaloud.version import __version__


class Agent:
    """An agent: a model, tools and conversations. Open it with `async with`.

    `model` is a model id (`"anthropic/claude-sonnet-5"`) or a `Model` object; None uses the
    configured default model. The keyword arguments are described by `AgentOptions`.

    Raises `TypeError` or `InvalidRequest` if an argument is unknown or has the wrong type.
    """

    def __init__(self, model: str | Model | None = None, **options: Unpack[AgentOptions]) -> None:
        check_names("Agent", options, "model", AgentOptions)
        self._choices = choices_of(model, options)
        self._config = config_of(options)
        self._stack: AsyncExitStack | None = None
        self._runtime: Runtime | None = None
        self._loop_guard: LoopGuard | None = None

    async def __aenter__(self) -> "Agent":
        """Load the configuration and open the store, the model and the tools.

        Raises `ConfigurationError` or `UnknownModel` if the configuration is unusable, and
        `UserError` if the agent is already open.
        """
        if self._runtime is not None:
            raise UserError("The agent is already open: leave its `async with` block first.")
        async with AsyncExitStack() as stack:
            opening = open_runtime(load(self._config), self._choices)
            self._runtime = await stack.enter_async_context(opening)
            self._stack = stack.pop_all()
            self._loop_guard = LoopGuard()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Interrupt active runs and close the agent."""
        if self._loop_guard is not None and not self._loop_guard.is_this_process:
            return  # A forked child: open resources belong to the parent.
        stack, self._stack, self._runtime = self._stack, None, None
        if stack is not None:
            await stack.__aexit__(kind, error, traceback)

    @property
    def runtime(self) -> Runtime:
        """The runtime of the open agent, for advanced use.

        Raises `InternalError` if the agent is not open, and `UserError` in a forked process.
        """
        if self._runtime is None or self._loop_guard is None:
            raise InternalError("The agent is not open: use it in an `async with` block.")
        self._loop_guard.check_process()
        return self._runtime

    @overload
    async def chat(
        self,
        text: str,
        *,
        streaming: bool = False,
        on_chunk: OnChunk | None = None,
        include_reasoning: Literal[True],
        **options: Unpack[ChatOptions],
    ) -> ChatReplyWithReasoning: ...
    @overload
    async def chat(
        self,
        text: str,
        *,
        streaming: bool = False,
        on_chunk: OnChunk | None = None,
        include_reasoning: bool = False,
        **options: Unpack[ChatOptions],
    ) -> ChatReply: ...
    async def chat(
        self,
        text: str,
        *,
        streaming: bool = False,
        on_chunk: OnChunk | None = None,
        include_reasoning: bool = False,
        **options: Unpack[ChatOptions],
    ) -> ChatReply:
        """Send a message and return the complete reply, a dictionary (see `ChatReply`).

        `on_chunk(chunk, message_type)` is a function or an async function that is called with each
        piece of text as it arrives; `message_type` is `"reasoning"` or `"assistant"`. It implies
        `streaming`. Reasoning is passed to it and included in the reply only with
        `include_reasoning=True`. The keyword arguments are described by `ChatOptions`.

        If `on_chunk` raises, the run is stopped and the exception is raised from here. Cancelling
        the call stops the run.

        If a tool call has to be approved, the reply has the `status` `"waiting"` and `approvals`:
        decide about them with `resolve_approval`.

        Raises `RunFailed` with the partial text if the run fails, and any exception that a hook
        raised. Raises `TypeError`, `UserError` or `ConfigurationError` if the run cannot start.
        """
        own = ("text", "streaming", "on_chunk", "include_reasoning")
        check_names("chat", options, *own, ChatOptions)
        receive = checked_callback(on_chunk)
        async with self._agent_run(text, options, include_reasoning=include_reasoning) as handle:
            while events := await handle.batch(or_waiting=True):
                for event in events if receive is not None else ():
                    if receive is not None and (chunk := chunk_of(event)) is not None:
                        await _await_if_needed(receive(chunk[1], chunk[0]))
            run = await handle.result()
        return _reply(run, handle.conversation_id, include_reasoning=include_reasoning)

    def stream(
        self, text: str, *, include_reasoning: bool = False, **options: Unpack[ChatOptions]
    ) -> AsyncGenerator[tuple[MessageType, str]]:
        """Send a message and yield `(message_type, chunk)` as the text arrives.

        `message_type` is `"reasoning"` or `"assistant"`; reasoning is yielded only with
        `include_reasoning=True`. The chunks of a type add up to its full text. Leaving the loop
        early stops the run. Raises as `chat`, after the text that was streamed.
        """
        check_names("stream", options, "text", "include_reasoning", ChatOptions)
        return _chunks(self._agent_run(text, options, include_reasoning=include_reasoning))

    def events(
        self, text: str, *, include_reasoning: bool = True, **options: Unpack[ChatOptions]
    ) -> AsyncGenerator[Event]:
        """Send a message and yield the events of the run (`thinkaloud.events`), in order.

        Reasoning events are left out with `include_reasoning=False`. Leaving the loop early stops
        the run. Raises as `chat`, after the terminal event.
        """
        check_names("events", options, "text", "include_reasoning", ChatOptions)
        return _events(self._agent_run(text, options, include_reasoning=include_reasoning))

    async def stop(self, run_id: str) -> None:
        """Stop a run and keep its output so far. Does nothing if the run has ended.

        Raises `NotFound` if there is no such run.
        """
        await self._checked_runtime.runs.stop(self.runtime.owner, run_id)

    async def resolve_approval(
        self,
        run_id: str,
        approval_id: str,
        decision: Literal["approve", "deny"],
        *,
        arguments: dict[str, object] | None = None,
        reason: str | None = None,
        remember: Literal["run", "conversation", "always"] | None = None,
    ) -> ChatReply:
        """Decide about a tool call, and return the reply once the run has ended or waits again.

        `arguments` replace those of the model, `reason` is passed to the model, and `remember`
        also approves later calls of the tool. Raises `NotFound`, `Conflict` if it has been decided,
        `InvalidRequest`, and what `chat` raises.
        """
        runtime = self._checked_runtime
        verdict = _verdict(decision, arguments, reason, remember)
        runs = runtime.runs
        await runs.approvals.decide(runtime.principal, run_id, approval_id, verdict, "python")
        await runs.active.wait(run_id, or_waiting=True)
        record = await runs.record(runtime.owner, run_id)
        run = await run_result(runtime, record)
        return _reply(run, record.conversation_id, include_reasoning=False)

    async def list_conversations(self, limit: int = 50) -> Sequence[Conversation]:
        """Return up to `limit` conversations, most recently changed first."""
        return await self._checked_runtime.runs.conversations.search(
            self.runtime.owner, limit=limit
        )

    async def search_conversations(
        self, words: str, *, before: ConversationCursor | None = None, limit: int = 50
    ) -> Sequence[Conversation]:
        """Return conversations with all these words in their title, questions or answers.

        Reasoning is not searched. The result has up to `limit` conversations, most recently changed
        first. For the next page, pass the `(updated_at_ms, conversation_id)` of the last one as
        `before`.
        """
        return await self._checked_runtime.runs.conversations.search(
            self.runtime.owner, before=before, limit=limit, words=words
        )

    async def rename_conversation(self, conversation_id: str, title: str) -> Conversation:
        """Set the title of a conversation, 1 to 200 characters, and return the conversation.

        Raises `NotFound` or `InvalidRequest`.
        """
        return await self._checked_runtime.runs.conversations.rename(
            self.runtime.owner, conversation_id, title
        )

    async def delete_conversation(self, conversation_id: str) -> None:
        """Stop the active runs of a conversation and delete it. Raises `NotFound`."""
        await self._checked_runtime.runs.conversations.delete(self.runtime.owner, conversation_id)

    async def branch_conversation(self, conversation_id: str, run_id: str) -> Conversation:
        """Copy everything up to and including this run into a new conversation, and return that.

        Raises `NotFound`, or `Conflict` if the run is still active.
        """
        return await self._checked_runtime.runs.conversations.branch(
            self.runtime.owner, conversation_id, run_id
        )

    async def select_version(self, conversation_id: str, run_id: str) -> ConversationView:
        """Select the version of a message that this run belongs to, and what followed it.

        Returns the conversation with that version selected; its `versions` list the alternatives.
        Raises `NotFound`, or `Conflict` while a run is active.
        """
        kept = self._checked_runtime.runs.conversations
        fold = await kept.select(self.runtime.owner, conversation_id, run_id)
        return self._checked_runtime.runs.reader().fold(fold).view()

    async def export_conversation(
        self,
        conversation_id: str,
        form: Literal["json", "markdown"] = "json",
        *,
        include_reasoning: bool = False,
        version: str | None = None,
    ) -> bytes:
        """Return a conversation as a UTF-8 document in JSON or Markdown.

        JSON includes all versions of every message. `version` is a run in the version to export
        instead of the selected one. Raises `NotFound` or `InvalidRequest`.
        """
        return await self._checked_runtime.runs.conversations.export(
            self.runtime.owner,
            conversation_id,
            form,
            include_reasoning=include_reasoning,
            version=version,
            reader=self._checked_runtime.runs.reader(),
        )

    async def get_conversation_history(self, conversation_id: str) -> ConversationView:
        """Return a conversation with its runs, including reasoning. Raises `NotFound`."""
        found = await self._checked_runtime.runs.conversations.get(
            self.runtime.owner, conversation_id
        )
        runs = self._checked_runtime.runs
        return runs.reader().fold(await runs.hub.fold(found.owner, conversation_id)).view()

    async def list_available_models(self) -> Sequence[ModelInfo]:
        """Return the available models. Requests the model lists of the hosts that have one."""
        return await self.runtime.models.models()

    def load_model(self, model_id: str) -> ModelInfo:
        """Make a model the default for new runs, and return its description.

        Works offline for any configured model. Raises `UnknownModel`.
        """
        return self.runtime.models.switch(model_id)

    def get_system_info(self) -> dict[str, object]:
        """Return the `version`, the default `model`, whether it is the `demo`, and the `tools`."""
        runtime = self.runtime
        return {
            "version": __version__,
            "model": runtime.models.current,
            "demo": runtime.is_demo,
            "tools": list(runtime.tools),
        }

    def get_system_status(self) -> dict[str, object]:
        """Return `active_runs`, `open_conversations` and `uptime_ms`."""
        runtime = self.runtime
        return {
            "active_runs": len(runtime.runs.active),
            "open_conversations": runtime.runs.hub.open_logs,
            "uptime_ms": runtime.clock.steady_ms() - runtime.started_ms,
        }

    @property
    def _checked_runtime(self) -> Runtime:
        """The runtime. Raises `UserError` in another event loop than the agent was opened in."""
        runtime = self.runtime
        if self._loop_guard is not None:
            self._loop_guard.check_loop()
        return runtime

    def _agent_run(self, text: str, options: ChatOptions, *, include_reasoning: bool) -> AgentRun:
        request = request_of(text, options)
        return AgentRun(lambda: self._checked_runtime, request, include_reasoning=include_reasoning)


def _reply(run: RunView, conversation_id: str, *, include_reasoning: bool) -> ChatReply:
    answer = reply(run, conversation_id, include_reasoning=include_reasoning)
    body = cast("dict[str, object]", msgspec.json.decode(msgspec.json.encode(answer)))
    body["assistant_response"] = body.pop("response")
    return cast("ChatReply", cast("object", body))


def _verdict(decision: object, arguments: object, reason: object, remember: object) -> Verdict:
    try:
        given = {
            "decision": decision,
            "arguments": arguments,
            "reason": reason,
            "remember": remember,
        }
        return msgspec.convert(given, Verdict)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"{error}.") from error


# No nested generators: the garbage collector closes generators in any order.


async def _chunks(handle: AgentRun) -> AsyncGenerator[tuple[MessageType, str]]:
    async with handle:
        while events := await handle.batch():
            for event in events:
                if (chunk := chunk_of(event)) is not None:
                    yield chunk
        await handle.result()


async def _events(handle: AgentRun) -> AsyncGenerator[Event]:
    async with handle:
        while events := await handle.batch():
            for event in events:
                yield event
        await handle.result()


async def _await_if_needed(result: object) -> None:
    """Wait for the result of a callback if it is asynchronous."""
    if inspect.isawaitable(result):
        await result
