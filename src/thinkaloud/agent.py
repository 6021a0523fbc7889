"""The Python API. It shares everything with the server: the same runs, the same loop."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Literal, TypedDict, Unpack, cast

import msgspec

from thinkaloud.app.runtime import Choices, Runtime, open_runtime
from thinkaloud.config import load
from thinkaloud.core.reply import reply
from thinkaloud.errors import InternalError, RunFailed
from thinkaloud.events.event import AnswerDelta, Event, ReasoningDelta, ReasoningEnded
from thinkaloud.events.prompt import Effort
from thinkaloud.events.view import ConversationView, RunView
from thinkaloud.ports.model import Model, ModelInfo
from thinkaloud.ports.store import Before, Conversation, RunRecord, Store
from thinkaloud.ports.tool import Tool
from thinkaloud.runtime.follower import Follower, Snapshot
from thinkaloud.runtime.hooks import HookSource
from thinkaloud.runtime.runs import RunRequest
from thinkaloud.tools.function import as_tool
from thinkaloud.version import __version__

LOCAL_OWNER = "local"
"""Who owns everything, until there are keys."""
MessageType = Literal["reasoning", "assistant"]
OnChunk = Callable[[str, MessageType], Awaitable[None]]
"""Called with each piece of text and what it is: `(chunk, message_type)`."""


class ChatReply(TypedDict, total=False):
    """What `Agent.chat` returns. The reasoning members are there only where asked for."""

    assistant_response: str
    action_results: list[dict[str, object]]
    iterations: int
    max_iterations: int
    conversation_id: str
    run_id: str
    status: Literal["completed", "stopped", "max_iterations"]
    model: str
    usage: dict[str, object] | None
    timing: dict[str, object] | None
    outcome: dict[str, object] | None
    reasoning_effort: Effort | None
    reasoning: str
    reasoning_status: Literal["none", "shown", "hidden_by_provider"]
    reasoning_segments: list[dict[str, object]]


class ChatOptions(TypedDict, total=False):
    """What a request may say beside its text; see `POST /chat/message` in the reference."""

    conversation_id: str | None
    context: dict[str, object] | None
    context_files: Sequence[str] | None
    image_path: str | None
    max_iterations: int | None
    model: str | None
    reasoning_effort: Effort | None
    replaces: str | None
    """A run of this conversation whose place the new one takes: regenerate with the same text, or
    edit it. That run and all that came after it leave the conversation."""
    temporary: bool
    """Whether the conversation that this request makes is kept in memory only, and in no list."""


class AgentOptions(TypedDict, total=False):
    """What an `Agent` may be given beside its model."""

    tools: Sequence[Tool | Callable[..., object]] | None
    """Functions or `Tool` objects; without them the built-in ones. An empty list: none at all."""
    system_prompt: str | None
    store: Store | None
    """Keeps conversations; without one they live as long as the agent."""
    hooks: Sequence[HookSource] | None
    """They see and steer every run."""
    reasoning_effort: Effort | None
    """For requests that name none."""
    config: str | Path | None
    """A configuration file; without one it is looked for as the server does."""


class Agent:
    """An agent: a model, tools and conversations. Open it with `async with`.

    `model` is an id (`"anthropic/claude-sonnet-5"`) or a `Model` object; without one the
    configuration decides, as for the server. The other arguments are `AgentOptions`, by keyword.
    """

    def __init__(self, model: str | Model | None = None, **options: Unpack[AgentOptions]) -> None:
        tools = options.get("tools")
        config = options.get("config")
        self._choices = Choices(
            model=model,
            tools=None if tools is None else [as_tool(tool) for tool in tools],
            system_prompt=options.get("system_prompt"),
            store=options.get("store"),
            hooks=tuple(options.get("hooks") or ()),
            reasoning_effort=options.get("reasoning_effort"),
        )
        self._config = None if config is None else Path(config)
        self._stack: AsyncExitStack | None = None
        self._runtime: Runtime | None = None

    async def __aenter__(self) -> "Agent":
        """Read the configuration and open everything.

        Raises `ConfigurationError` or `UnknownModel` where that cannot work.
        """
        async with AsyncExitStack() as stack:
            opening = open_runtime(load(self._config), self._choices)
            self._runtime = await stack.enter_async_context(opening)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Interrupt what still runs and close everything."""
        stack, self._stack, self._runtime = self._stack, None, None
        if stack is not None:
            await stack.__aexit__(kind, error, traceback)

    @property
    def runtime(self) -> Runtime:
        """Everything that runs. Raises `InternalError` where the agent is not open."""
        if self._runtime is None:
            raise InternalError("The agent is not open: use it in an `async with` block.")
        return self._runtime

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

        With `streaming` and `on_chunk` the text is handed over as it arrives; reasoning only
        with `include_reasoning`, and only then it is in the reply. An exception in `on_chunk`
        stops the run and is raised. Cancelling the call stops the run.

        Raises `RunFailed` with the partial text where the run failed, what a hook raised, and
        `UserError` or `ConfigurationError` before anything is started.
        """
        async with self._run(text, options) as record, self.runtime.runs.follow(record) as follower:
            async for event in _events(follower):
                if on_chunk is not None and streaming:
                    match event:
                        case ReasoningDelta(text=chunk) if include_reasoning:
                            await on_chunk(chunk, "reasoning")
                        case AnswerDelta(text=chunk):
                            await on_chunk(chunk, "assistant")
                        case _:
                            # The text is all that a callback is for.
                            continue
            run = await self._ended(record)
        answer = reply(run, record.conversation_id, include_reasoning=include_reasoning)
        body = cast("dict[str, object]", msgspec.json.decode(msgspec.json.encode(answer)))
        body["assistant_response"] = body.pop("response")
        return cast("ChatReply", body)

    async def stream(
        self, text: str, *, include_reasoning: bool = False, **options: Unpack[ChatOptions]
    ) -> AsyncGenerator[tuple[MessageType, str]]:
        """Ask, and yield `(message_type, chunk)` as the text arrives.

        Leaving the loop early stops the run. Raises as `chat`, after what was streamed.
        """
        events = self.events(text, include_reasoning=include_reasoning, **options)
        async with aclosing(events):
            async for event in events:
                if isinstance(event, ReasoningDelta):
                    yield "reasoning", event.text
                elif isinstance(event, AnswerDelta):
                    yield "assistant", event.text

    async def events(
        self, text: str, *, include_reasoning: bool = True, **options: Unpack[ChatOptions]
    ) -> AsyncGenerator[Event]:
        """Ask, and yield the typed events of the run (`thinkaloud.events`), each once, in order.

        Reasoning is left out with `include_reasoning=False`. Leaving the loop early stops the
        run. Raises as `chat`, after the terminal event.
        """
        async with self._run(text, options) as record, self.runtime.runs.follow(record) as follower:
            async for event in _events(follower):
                if include_reasoning or not isinstance(event, ReasoningDelta | ReasoningEnded):
                    yield event
            await self._ended(record)

    async def stop(self, run_id: str) -> None:
        """Stop a run; what was streamed is kept. Again, or after its end: nothing happens."""
        await self.runtime.runs.stop(LOCAL_OWNER, run_id)

    async def list_conversations(self, limit: int = 50) -> Sequence[Conversation]:
        """List conversations, the latest first."""
        return await self.runtime.runs.conversations.search(LOCAL_OWNER, limit=limit)

    async def search_conversations(
        self, words: str, *, before: Before | None = None, limit: int = 50
    ) -> Sequence[Conversation]:
        """List conversations that have all these words in title, questions or answers.

        Reasoning is not searched. `before` is `(updated_at_ms, conversation_id)` of the last one
        of the page before.
        """
        return await self.runtime.runs.conversations.search(
            LOCAL_OWNER, before=before, limit=limit, words=words
        )

    async def rename_conversation(self, conversation_id: str, title: str) -> Conversation:
        """Give a conversation a title of yours. Raises `NotFound` or `InvalidRequest`."""
        return await self.runtime.runs.conversations.rename(LOCAL_OWNER, conversation_id, title)

    async def delete_conversation(self, conversation_id: str) -> None:
        """Stop what runs in a conversation and delete all of it. Raises `NotFound`."""
        await self.runtime.runs.conversations.delete(LOCAL_OWNER, conversation_id)

    async def branch_conversation(self, conversation_id: str, run_id: str) -> Conversation:
        """Make a new conversation of everything up to and with this run.

        Raises `NotFound`, or `Conflict` where the run is still going on.
        """
        return await self.runtime.runs.conversations.branch(LOCAL_OWNER, conversation_id, run_id)

    async def export_conversation(
        self,
        conversation_id: str,
        form: Literal["json", "markdown"] = "json",
        *,
        include_reasoning: bool = False,
    ) -> bytes:
        """Return a conversation as a document in UTF-8. Raises `NotFound`."""
        return await self.runtime.runs.conversations.export(
            LOCAL_OWNER, conversation_id, form, include_reasoning=include_reasoning
        )

    async def get_conversation_history(self, conversation_id: str) -> ConversationView:
        """Return a conversation with all its runs, reasoning included. Raises `NotFound`."""
        await self.runtime.runs.conversations.get(LOCAL_OWNER, conversation_id)
        return (await self.runtime.runs.hub.fold(conversation_id)).view()

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

    @asynccontextmanager
    async def _run(self, text: str, options: ChatOptions) -> AsyncGenerator[RunRecord]:
        """Start a run, and stop it where the block is left before its end."""
        runs = self.runtime.runs
        files = options.get("context_files")
        record = await runs.start(
            LOCAL_OWNER,
            RunRequest(
                text=text,
                conversation_id=options.get("conversation_id"),
                context=options.get("context") or {},
                context_files=None if files is None else tuple(files),
                image_path=options.get("image_path"),
                max_iterations=options.get("max_iterations"),
                model=options.get("model"),
                reasoning_effort=options.get("reasoning_effort"),
                replaces=options.get("replaces"),
                temporary=options.get("temporary", False),
            ),
        )
        try:
            yield record
        finally:
            if record.run_id in runs.active:
                await runs.stop(LOCAL_OWNER, record.run_id)

    async def _ended(self, record: RunRecord) -> RunView:
        runs = self.runtime.runs
        fold = await runs.fold(record)
        if fold is None:
            raise InternalError(f"{record.run_id} left no events.")
        run = fold.view()
        hook_error = runs.active.take_error(record.run_id)
        if hook_error is not None:
            raise hook_error
        if run.error is not None:
            raise RunFailed(
                run.error.code,
                run.error.message,
                run_id=record.run_id,
                retryable=run.error.retryable,
                partial=run.response,
                reasoning=run.reasoning,
            )
        return run


async def _events(follower: Follower) -> AsyncGenerator[Event]:
    """Yield what a follower from the first event on sees: it needs no snapshot."""
    while batch := await follower.batch():
        if isinstance(batch, Snapshot):
            if batch.exact:
                continue
            raise InternalError("The log of a run that was just started has a gap.")
        for entry in batch:
            yield entry.recorded.event
