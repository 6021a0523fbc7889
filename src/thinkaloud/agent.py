"""The Python API. It shares everything with the server: the same runs, the same loop."""

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
from thinkaloud.agent_run import LOCAL_OWNER, AgentRun, Home, chunk_of
from thinkaloud.app.runtime import Runtime, open_runtime
from thinkaloud.config import load
from thinkaloud.core.reply import reply
from thinkaloud.errors import InternalError, UserError
from thinkaloud.events.event import Event
from thinkaloud.events.view import ConversationView
from thinkaloud.ports.model import Model, ModelInfo
from thinkaloud.ports.store import Conversation, ConversationCursor
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.version import __version__


class Agent:
    """An agent: a model, tools and conversations. Open it with `async with`.

    `model` is an id (`"anthropic/claude-sonnet-5"`) or a `Model` object; without one the
    configuration decides, as for the server. The other arguments are `AgentOptions`, by keyword.
    """

    def __init__(self, model: str | Model | None = None, **options: Unpack[AgentOptions]) -> None:
        check_names("Agent", options, "model", AgentOptions)
        self._choices = choices_of(model, options)
        self._config = config_of(options)
        self._stack: AsyncExitStack | None = None
        self._runtime: Runtime | None = None
        self._home: Home | None = None

    async def __aenter__(self) -> "Agent":
        """Read the configuration and open everything.

        Raises `ConfigurationError` or `UnknownModel` where that cannot work.
        """
        if self._runtime is not None:
            raise UserError("The agent is open already: leave its `async with` block first.")
        async with AsyncExitStack() as stack:
            opening = open_runtime(load(self._config), self._choices)
            self._runtime = await stack.enter_async_context(opening)
            self._stack = stack.pop_all()
            self._home = Home()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Interrupt what still runs and close everything."""
        if self._home is not None and not self._home.is_this_process:
            return  # A forked child: what is open belongs to its parent.
        stack, self._stack, self._runtime = self._stack, None, None
        if stack is not None:
            await stack.__aexit__(kind, error, traceback)

    @property
    def runtime(self) -> Runtime:
        """Everything that runs.

        Raises `InternalError` where the agent is not open, and `UserError` in another process
        than the one it was opened in.
        """
        if self._runtime is None or self._home is None:
            raise InternalError("The agent is not open: use it in an `async with` block.")
        self._home.check_process()
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
        """Ask, and return the whole reply.

        `on_chunk` is a function or an async function that is handed the text as it arrives; it
        implies `streaming`. Reasoning is handed over only with `include_reasoning`, and only then
        it is in the reply. An exception in `on_chunk` stops the run and is raised. Cancelling the
        call stops the run.

        Raises `RunFailed` with the partial text where the run failed, what a hook raised, and
        `TypeError`, `UserError` or `ConfigurationError` before anything is started.
        """
        own = ("text", "streaming", "on_chunk", "include_reasoning")
        check_names("chat", options, *own, ChatOptions)
        receive = checked_callback(on_chunk)
        async with self._asked(text, options, include_reasoning=include_reasoning) as asked:
            while events := await asked.batch():
                for event in events if receive is not None else ():
                    if receive is not None and (chunk := chunk_of(event)) is not None:
                        await _heard(receive(chunk[1], chunk[0]))
            run = await asked.result()
        answer = reply(run, asked.conversation_id, include_reasoning=include_reasoning)
        body = cast("dict[str, object]", msgspec.json.decode(msgspec.json.encode(answer)))
        body["assistant_response"] = body.pop("response")
        return cast("ChatReply", cast("object", body))

    def stream(
        self, text: str, *, include_reasoning: bool = False, **options: Unpack[ChatOptions]
    ) -> AsyncGenerator[tuple[MessageType, str]]:
        """Ask, and yield `(message_type, chunk)` as the text arrives.

        Leaving the loop early stops the run. Raises as `chat`, after what was streamed.
        """
        check_names("stream", options, "text", "include_reasoning", ChatOptions)
        return _chunks(self._asked(text, options, include_reasoning=include_reasoning))

    def events(
        self, text: str, *, include_reasoning: bool = True, **options: Unpack[ChatOptions]
    ) -> AsyncGenerator[Event]:
        """Ask, and yield the typed events of the run (`thinkaloud.events`), each once, in order.

        Reasoning is left out with `include_reasoning=False`. Leaving the loop early stops the
        run. Raises as `chat`, after the terminal event.
        """
        check_names("events", options, "text", "include_reasoning", ChatOptions)
        return _events(self._asked(text, options, include_reasoning=include_reasoning))

    async def stop(self, run_id: str) -> None:
        """Stop a run; what was streamed is kept. Again, or after its end: nothing happens."""
        await self._here.stop(LOCAL_OWNER, run_id)

    async def list_conversations(self, limit: int = 50) -> Sequence[Conversation]:
        """List conversations, the latest first."""
        return await self._here.conversations.search(LOCAL_OWNER, limit=limit)

    async def search_conversations(
        self, words: str, *, before: ConversationCursor | None = None, limit: int = 50
    ) -> Sequence[Conversation]:
        """List conversations that have all these words in title, questions or answers.

        Reasoning is not searched. `before` is `(updated_at_ms, conversation_id)` of the last one
        of the page before.
        """
        return await self._here.conversations.search(
            LOCAL_OWNER, before=before, limit=limit, words=words
        )

    async def rename_conversation(self, conversation_id: str, title: str) -> Conversation:
        """Give a conversation a title of yours. Raises `NotFound` or `InvalidRequest`."""
        return await self._here.conversations.rename(LOCAL_OWNER, conversation_id, title)

    async def delete_conversation(self, conversation_id: str) -> None:
        """Stop what runs in a conversation and delete all of it. Raises `NotFound`."""
        await self._here.conversations.delete(LOCAL_OWNER, conversation_id)

    async def branch_conversation(self, conversation_id: str, run_id: str) -> Conversation:
        """Make a new conversation of everything up to and with this run.

        Raises `NotFound`, or `Conflict` where the run is still going on.
        """
        return await self._here.conversations.branch(LOCAL_OWNER, conversation_id, run_id)

    async def select_version(self, conversation_id: str, run_id: str) -> ConversationView:
        """Select the version of a message that this run is part of, with what followed it.

        Returns the conversation as it is then; its `versions` name what can be selected. Raises
        `NotFound`, or `Conflict` while a run is going on.
        """
        kept = self._here.conversations
        return (await kept.select(LOCAL_OWNER, conversation_id, run_id)).view()

    async def export_conversation(
        self,
        conversation_id: str,
        form: Literal["json", "markdown"] = "json",
        *,
        include_reasoning: bool = False,
        version: str | None = None,
    ) -> bytes:
        """Return a conversation as a document in UTF-8. JSON has all versions of messages.

        `version` is a run of the version to write instead of the selected one. Raises `NotFound`
        or `InvalidRequest`.
        """
        return await self._here.conversations.export(
            LOCAL_OWNER,
            conversation_id,
            form,
            include_reasoning=include_reasoning,
            version=version,
        )

    async def get_conversation_history(self, conversation_id: str) -> ConversationView:
        """Return a conversation as it is shown, reasoning included. Raises `NotFound`."""
        await self._here.conversations.get(LOCAL_OWNER, conversation_id)
        return (await self._here.hub.fold(conversation_id)).view()

    async def list_available_models(self) -> Sequence[ModelInfo]:
        """List the models that can be chosen, asking the hosts that can list theirs."""
        return await self.runtime.models.models()

    def load_model(self, model_id: str) -> ModelInfo:
        """Make a model the one for new runs. Works offline. Raises `UnknownModel`."""
        return self.runtime.models.switch(model_id)

    def get_system_info(self) -> dict[str, object]:
        """Return what is running: version, model, tools. No secrets."""
        runtime = self.runtime
        return {
            "version": __version__,
            "model": runtime.models.current,
            "demo": runtime.is_demo,
            "tools": list(runtime.tools),
        }

    def get_system_status(self) -> dict[str, object]:
        """Return live counts."""
        runtime = self.runtime
        return {
            "active_runs": len(runtime.runs.active),
            "open_conversations": runtime.runs.hub.open_logs,
            "uptime_ms": runtime.clock.steady_ms() - runtime.started_ms,
        }

    @property
    def _here(self) -> Runs:
        """The runs, for use in the event loop that they belong to."""
        runs = self.runtime.runs
        if self._home is not None:
            self._home.check_loop()
        return runs

    def _asked(self, text: str, options: ChatOptions, *, include_reasoning: bool) -> AgentRun:
        request = request_of(text, options)
        return AgentRun(lambda: self._here, request, include_reasoning=include_reasoning)


# One generator each, with none inside: the garbage collector closes them in any order.


async def _chunks(asked: AgentRun) -> AsyncGenerator[tuple[MessageType, str]]:
    async with asked:
        while events := await asked.batch():
            for event in events:
                if (chunk := chunk_of(event)) is not None:
                    yield chunk
        await asked.result()


async def _events(asked: AgentRun) -> AsyncGenerator[Event]:
    async with asked:
        while events := await asked.batch():
            for event in events:
                yield event
        await asked.result()


async def _heard(result: object) -> None:
    """Wait for a callback that is asynchronous."""
    if inspect.isawaitable(result):
        await result
