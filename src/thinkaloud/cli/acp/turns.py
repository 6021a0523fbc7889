"""Answers prompts: each is a run, whose events are sent as updates."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

from thinkaloud.cli.acp.connection import INTERNAL_ERROR, Connection, RpcError
from thinkaloud.cli.acp.messages import (
    PromptContent,
    PromptResult,
    SessionInfoUpdate,
    Update,
    UpdateParams,
    UsageUpdate,
)
from thinkaloud.cli.acp.prompts import request_for
from thinkaloud.cli.acp.sessions import Session, Turn
from thinkaloud.cli.acp.updates import result_of, update_for
from thinkaloud.cli.backend.backend import Backend, FollowedRun
from thinkaloud.errors import Conflict, InternalError, NotFound, ThinkaloudError, Unavailable
from thinkaloud.events.event import LoggedEvent, ModelResponded, RunEnded
from thinkaloud.events.model import Usage
from thinkaloud.runtime.runs.request import RunRequest


class Turns:
    """Runs the prompts of all sessions of a client."""

    def __init__(self, backend: Backend, connection: Connection) -> None:
        self._backend = backend
        self._connection = connection

    async def answer(self, session: Session, prompt: tuple[PromptContent, ...]) -> PromptResult:
        """Answer a prompt. Raises `ThinkaloudError`, or `RpcError` if the run fails."""
        if session.turn is not None:
            raise Conflict("This session is answering another prompt.")
        request = RunRequest(
            "",
            conversation_id=session.session_id,
            model=session.model,
            reasoning_effort=session.effort,
        )
        request = request_for(prompt, request)
        turn = session.turn = Turn()
        try:
            return await self._run(session, turn, request)
        except ThinkaloudError:
            if not turn.cancelled:
                raise
            return PromptResult(stop_reason="cancelled")
        finally:
            session.turn = None

    async def _run(self, session: Session, turn: Turn, request: RunRequest) -> PromptResult:
        """Run a request, and send its events. Raises `RpcError` if the run fails."""
        last: RunEnded | None = None
        used: Usage | None = None
        async with self._backend.run(request, include_reasoning=True) as run:
            turn.run = run
            if turn.cancelled:
                await _stop(run)
            while batch := await run.batch():
                await self.send(session, _updates(batch))
                for logged in batch:
                    if isinstance(logged.event, ModelResponded):
                        used = logged.event.usage
                    elif isinstance(logged.event, RunEnded):
                        last = logged.event
        if last is None:
            raise InternalError("The run ended without a terminal event.")
        await self._send_state(session, used)
        if last.error is not None:
            data: dict[str, object] = {
                "code": last.error.code,
                "retryable": last.error.retryable,
            }
            raise RpcError(INTERNAL_ERROR, last.error.message, data)
        return result_of(last)

    async def _send_state(self, session: Session, used: Usage | None) -> None:
        """Send how full the context window is, and the title if it is new."""
        if used is not None and session.window is not None:
            tokens = used.input_tokens + used.output_tokens
            await self.send(session, [UsageUpdate(used=tokens, size=session.window)])
        try:
            found = await self._backend.archive.get(session.session_id)
        except (NotFound, Unavailable):
            return  # The conversation has been deleted, but the answer was sent.
        await self.send_title(session, found.title)

    async def send_title(self, session: Session, title: str) -> None:
        """Send the title of a session, unless the client knows it."""
        if title != session.title:
            session.title = title
            await self.send(session, [SessionInfoUpdate(title=title)])

    async def send(self, session: Session, updates: Iterable[Update]) -> None:
        """Send updates of a session, in one write."""
        session_id = session.session_id
        params = [UpdateParams(session_id=session_id, update=each) for each in updates]
        if params:
            await self._connection.notify("session/update", params)

    def cancel(self, session: Session) -> None:
        """Stop the run of a session, now or as soon as it has started."""
        turn = session.turn
        if turn is None or turn.cancelled:
            return
        turn.cancelled = True
        if turn.run is not None:
            self._connection.start(_stop(turn.run))


async def _stop(run: FollowedRun) -> None:
    with suppress(NotFound, Unavailable):  # It has ended, or the server has.
        await run.stop()


def _updates(batch: Sequence[LoggedEvent]) -> Iterable[Update]:
    return (update for logged in batch if (update := update_for(logged.event)) is not None)
