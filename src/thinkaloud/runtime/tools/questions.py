"""Questions of running tool calls to a person."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import msgspec

from thinkaloud.errors import ToolError
from thinkaloud.events.event import Event
from thinkaloud.events.interaction import QuestionRequested, QuestionResolved
from thinkaloud.events.model import ToolCall
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.tool import Answer, ToolScope

_MAX_MESSAGE: Final = 4_000
_MAX_SCHEMA_BYTES: Final = 64_000
_MAX_URL: Final = 4_000


class Questions:
    """The open questions of all runs of this process, and how they are answered."""

    def __init__(self, timeout_seconds: float) -> None:
        self.timeout_seconds = timeout_seconds
        self._open: dict[tuple[str, str], asyncio.Future[Answer]] = {}

    def answer(self, run_id: str, question_id: str, answer: Answer) -> bool:
        """Answer a question. False: it is not open any more."""
        waiting = self._open.get((run_id, question_id))
        if waiting is None or waiting.done():
            return False
        waiting.set_result(answer)
        return True

    async def ask(
        self,
        scope: ToolScope,
        asked: QuestionRequested,
        record: Callable[[Event], None],
    ) -> Answer:
        """Record a question, and wait for its answer. It expires as `cancel`."""
        key = (scope.run_id, asked.question_id)
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._open[key] = waiting
        answer = Answer("cancel")
        record(asked)
        try:
            done, _ = await asyncio.wait([waiting], timeout=self.timeout_seconds)
            if done:
                answer = waiting.result()
            return answer
        finally:
            waiting.cancel()
            del self._open[key]
            record(QuestionResolved(asked.question_id, answer.action))


def question(
    call: ToolCall,
    message: str,
    schema: dict[str, object] | None,
    url: str | None,
    clock: Clock,
    timeout_seconds: float,
) -> QuestionRequested:
    """Return a question of a call. Raises `ToolError` if it cannot be asked."""
    if url is not None and (len(url) > _MAX_URL or urlsplit(url).scheme not in {"http", "https"}):
        raise ToolError("A question can only open an http or https address.")
    if schema is not None and len(msgspec.json.encode(schema)) > _MAX_SCHEMA_BYTES:
        raise ToolError("The form of the question is too large.")
    return QuestionRequested(
        question_id=f"qst_{secrets.token_hex(12)}",
        tool_call_id=call.tool_call_id,
        mode="form" if url is None else "url",
        message=message.encode("utf-8", "replace").decode()[:_MAX_MESSAGE],
        expires_at_ms=clock.unix_ms() + int(timeout_seconds * 1000),
        schema=schema if url is None else None,
        url=url,
    )
