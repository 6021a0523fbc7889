"""The synchronous Python API, for scripts and notebooks."""

from collections.abc import Generator
from types import TracebackType
from typing import Literal, Unpack, overload

from thinkaloud.agent import Agent
from thinkaloud.agent_options import ChatOptions, OnChunk, check_names, request_of
from thinkaloud.agent_reply import ChatReply, ChatReplyWithReasoning, MessageType
from thinkaloud.agent_run import AgentRun, chunk_of
from thinkaloud.portal import Portal


class SyncAgent:
    """A synchronous wrapper around `Agent`. Use it in a `with` block.

    The agent runs in its own thread, so this also works inside a running event loop, as in a
    notebook. Ctrl-C (or any exception raised by a signal handler) stops the current run, and is
    raised once the run has ended. After a fork, the child process must open its own agent.

        with SyncAgent(Agent()) as agent:
            agent.chat("Why?")["assistant_response"]
    """

    def __init__(self, agent: Agent | None = None) -> None:
        self._agent = agent or Agent()
        self._portal = Portal()

    def __enter__(self) -> "SyncAgent":
        """Open the agent. Raises as `Agent`."""
        self._portal.__enter__()
        try:
            self._portal.enter_context(self._agent)
        except BaseException as error:
            self._portal.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Interrupt active runs and close the agent."""
        self._portal.__exit__(kind, error, traceback)

    @overload
    def chat(
        self,
        text: str,
        *,
        streaming: bool = False,
        on_chunk: OnChunk | None = None,
        include_reasoning: Literal[True],
        **options: Unpack[ChatOptions],
    ) -> ChatReplyWithReasoning: ...
    @overload
    def chat(
        self,
        text: str,
        *,
        streaming: bool = False,
        on_chunk: OnChunk | None = None,
        include_reasoning: bool = False,
        **options: Unpack[ChatOptions],
    ) -> ChatReply: ...
    def chat(
        self,
        text: str,
        *,
        streaming: bool = False,
        on_chunk: OnChunk | None = None,
        include_reasoning: bool = False,
        **options: Unpack[ChatOptions],
    ) -> ChatReply:
        """Send a message and return the complete reply. Arguments and errors as `Agent.chat`.

        `on_chunk` is called in the agent's thread.
        """
        return self._portal.wait(
            self._agent.chat(
                text,
                streaming=streaming,
                on_chunk=on_chunk,
                include_reasoning=include_reasoning,
                **options,
            )
        )

    def stream(
        self, text: str, *, include_reasoning: bool = False, **options: Unpack[ChatOptions]
    ) -> Generator[tuple[MessageType, str]]:
        """Send a message and yield `(message_type, chunk)` as the text arrives.

        Leaving the loop early stops the run. Raises as `chat`, after the text that was streamed.
        """
        check_names("stream", options, "text", "include_reasoning", ChatOptions)
        request = request_of(text, options)
        run = AgentRun(lambda: self._agent.runtime, request, include_reasoning=include_reasoning)
        return self._chunks(run)

    def _chunks(self, run: AgentRun) -> Generator[tuple[MessageType, str]]:
        try:
            self._portal.wait(run.start())
            while events := self._portal.wait(run.batch()):
                for event in events:
                    if (chunk := chunk_of(event)) is not None:
                        yield chunk
            self._portal.wait(run.result())
        finally:
            self._portal.finish(run.close())


@overload
def run_sync(
    text: str,
    *,
    agent: Agent | None = None,
    include_reasoning: Literal[True],
    **options: Unpack[ChatOptions],
) -> ChatReplyWithReasoning: ...
@overload
def run_sync(
    text: str,
    *,
    agent: Agent | None = None,
    include_reasoning: bool = False,
    **options: Unpack[ChatOptions],
) -> ChatReply: ...
def run_sync(
    text: str,
    *,
    agent: Agent | None = None,
    include_reasoning: bool = False,
    **options: Unpack[ChatOptions],
) -> ChatReply:
    """Send a single message and return the complete reply. Arguments and errors as `Agent.chat`.

    Opens `agent`, or a new `Agent`, for this call.
    """
    with SyncAgent(agent) as enter_context:
        return enter_context.chat(text, include_reasoning=include_reasoning, **options)
