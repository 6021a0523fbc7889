"""The Python API for scripts and notebooks that are not asynchronous."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Coroutine, Generator
from concurrent.futures import Future
from types import TracebackType
from typing import TypeVar, Unpack

from thinkaloud.agent import Agent, ChatOptions, ChatReply, MessageType
from thinkaloud.errors import InternalError

R = TypeVar("R")


class SyncAgent:
    """An `Agent` behind ordinary calls, for use in a `with` block.

    It runs in a thread of its own, so it works where an event loop is already running, as in a
    notebook.

        with SyncAgent(Agent()) as agent:
            agent.chat("Why?")["assistant_response"]
    """

    def __init__(self, agent: Agent | None = None) -> None:
        self._agent = agent or Agent()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closing: asyncio.Event | None = None

    def __enter__(self) -> "SyncAgent":
        """Open the agent. Raises as `Agent`."""
        opened: Future[None] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._live(opened)), name="thinkaloud", daemon=True
        )
        self._thread.start()
        opened.result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Interrupt what still runs and close everything."""
        if self._loop is not None and self._closing is not None:
            self._loop.call_soon_threadsafe(self._closing.set)
        if self._thread is not None:
            self._thread.join()
        self._loop = self._thread = self._closing = None

    def chat(
        self, text: str, *, include_reasoning: bool = False, **options: Unpack[ChatOptions]
    ) -> ChatReply:
        """Ask, and return the whole reply. Raises as `Agent.chat`."""
        return self._wait(self._agent.chat(text, include_reasoning=include_reasoning, **options))

    def stream(
        self, text: str, *, include_reasoning: bool = False, **options: Unpack[ChatOptions]
    ) -> Generator[tuple[MessageType, str]]:
        """Ask, and yield `(message_type, chunk)` as it arrives. Leaving early stops the run."""
        chunks = self._agent.stream(text, include_reasoning=include_reasoning, **options)
        try:
            while (chunk := self._wait(_next(chunks))) is not None:
                yield chunk
        finally:
            self._wait(chunks.aclose())

    def _wait(self, work: Coroutine[object, object, R]) -> R:
        if self._loop is None:
            work.close()
            raise InternalError("The agent is not open: use it in a `with` block.")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _live(self, opened: "Future[None]") -> None:
        closing = asyncio.Event()
        try:
            async with self._agent:
                self._loop, self._closing = asyncio.get_running_loop(), closing
                opened.set_result(None)
                await closing.wait()
        except Exception as error:
            if opened.done():
                raise
            opened.set_exception(error)


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


async def _next(chunks: AsyncGenerator[tuple[MessageType, str]]) -> tuple[MessageType, str] | None:
    return await anext(chunks, None)
