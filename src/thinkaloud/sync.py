"""The Python API for scripts and notebooks that are not asynchronous."""

from collections.abc import Generator
from types import TracebackType
from typing import Literal, Unpack, overload

from thinkaloud.agent import Agent
from thinkaloud.agent_options import ChatOptions, OnChunk, check_names, request_of
from thinkaloud.agent_reply import ChatReply, ChatReplyWithReasoning, MessageType
from thinkaloud.agent_run import AgentRun, chunk_of
from thinkaloud.portal import Portal


class SyncAgent:
    """An `Agent` behind ordinary calls, for use in a `with` block.

    It runs in a thread of its own, so it works where an event loop is already running, as in a
    notebook. Ctrl-C (or any exception that a signal handler raises) stops the run that is waited
    for, and is raised when the run has ended. It belongs to the process that opened it: a forked
    child opens its own.

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
            self._portal.opened(self._agent)
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
        """Interrupt what still runs and close everything."""
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
        """Ask, and return the whole reply, as `Agent.chat` does.

        `on_chunk` is called in the agent's own thread. Raises as `Agent.chat`.
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
        """Ask, and yield `(message_type, chunk)` as it arrives. Leaving early stops the run.

        Raises as `chat`, after what was streamed.
        """
        check_names("stream", options, "text", "include_reasoning", ChatOptions)
        request = request_of(text, options)
        asked = AgentRun(
            lambda: self._agent.runtime.runs, request, include_reasoning=include_reasoning
        )
        return self._chunks(asked)

    def _chunks(self, asked: AgentRun) -> Generator[tuple[MessageType, str]]:
        try:
            self._portal.wait(asked.start())
            while events := self._portal.wait(asked.batch()):
                for event in events:
                    if (chunk := chunk_of(event)) is not None:
                        yield chunk
            self._portal.wait(asked.result())
        finally:
            self._portal.finish(asked.close())


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
    """Ask once, and return the whole reply. For scripts and notebooks."""
    with SyncAgent(agent) as opened:
        return opened.chat(text, include_reasoning=include_reasoning, **options)
