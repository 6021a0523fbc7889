"""One chat socket: answers messages in order; handles stop and resume immediately."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import get_args

from starlette.types import Receive

from thinkaloud.errors import Forbidden, InvalidRequest, ThinkaloudError
from thinkaloud.ports.principal import Principal
from thinkaloud.ports.signal import Signal
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.run_stream import follow_conversation, follow_run
from thinkaloud.server.http.parsing import decode
from thinkaloud.server.http.problems import Refused, problem_of
from thinkaloud.server.run_request import run_request
from thinkaloud.server.schema.requests import (
    AnswerCommand,
    ChatRequest,
    DecideCommand,
    ResumeCommand,
    SocketKind,
    SocketMessage,
    StopCommand,
)
from thinkaloud.server.services import ServerServices, ServerState
from thinkaloud.server.sockets.decisions import answer, decide
from thinkaloud.server.streams.backpressure import Outlet
from thinkaloud.server.streams.frames import FrameStream, frames_of
from thinkaloud.server.wires.chat.encode import chat_wire
from thinkaloud.server.wires.chat.frames import ErrorData, ErrorFrame

_TEXT = chat_wire("text", reasoning=False)


class _Job:
    """A message that is queued, then has a run."""

    __slots__ = ("chat", "record", "stop")

    def __init__(self, chat: ChatRequest) -> None:
        self.chat = chat
        self.record: RunRecord | None = None
        self.stop = False


class SocketSession:
    """The state of one socket. `serve` owns all its tasks."""

    def __init__(
        self,
        services: ServerServices,
        state: ServerState,
        principal: Principal,
        outlet: Outlet,
        on_forbidden: Callable[[], None],
    ) -> None:
        self._services = services
        self._state = state
        self._principal = principal
        self._owner = principal.owner
        self._outlet = outlet
        self._on_forbidden = on_forbidden
        self._waiting: list[_Job] = []
        self._current: _Job | None = None
        self._arrived = Signal()
        self._shown: tuple[str, ...] = ()
        self._follows: dict[str, asyncio.Task[None]] = {}

    async def serve(self, receive: Receive) -> None:
        """Handle messages until the client disconnects. Its runs continue."""
        async with asyncio.TaskGroup() as tasks:
            answering = tasks.create_task(self._answer_in_order())
            while (message := await receive())["type"] != "websocket.disconnect":
                text: str | None = message.get("text")
                data: bytes = message.get("bytes") or b""
                await self._handle(data if text is None else text.encode(), tasks)
            for task in (answering, *self._follows.values()):
                task.cancel()

    async def _handle(self, data: bytes, tasks: asyncio.TaskGroup) -> None:
        """Handle one message of the client. Errors are sent back; the socket stays open."""
        services, settings = self._services, self._services.settings
        try:
            kind = decode(data, SocketMessage, settings).type
            match kind:
                case "message":
                    self._principal.check("chat")
                    await self._message(decode(data, ChatRequest, settings))
                case "stop":
                    self._principal.check("chat")
                    await self._stop(decode(data, StopCommand, settings))
                case "resume":
                    self._principal.check("read")
                    await self._resume(decode(data, ResumeCommand, settings), tasks)
                case "decide":
                    decision = decode(data, DecideCommand, settings)
                    await decide(
                        services,
                        self._principal,
                        decision,
                        decision.approval_id,
                        decision.run_id,
                    )
                case "answer":
                    given = decode(data, AnswerCommand, settings)
                    await answer(services, self._principal, given, given.run_id, given.question_id)
                case _:
                    raise InvalidRequest(
                        "type must be message, stop, resume, decide or answer.",
                        field="type",
                        valid=get_args(SocketKind),
                    )
        except ThinkaloudError as error:
            await self._send_problem(error)

    async def _message(self, chat: ChatRequest) -> None:
        job = _Job(chat)
        if self._current is not None or self._waiting:
            self._services.runs.admission.check_waiting(len(self._waiting))
            self._waiting.append(job)
            return
        # Start it before reading the next message, in case the client disconnects right away. Set
        # `_current` only then, or `_answer_in_order` would start it, too.
        await self._start(job)
        self._current = job
        self._arrived.set()

    async def _answer_in_order(self) -> None:
        while True:
            if self._current is None and self._waiting:
                self._current = self._waiting.pop(0)
            if self._current is None:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            try:
                await self._answer(self._current)
            except ThinkaloudError as error:
                await self._send_problem(error)
            finally:
                self._current = None

    async def _start(self, job: _Job) -> RunRecord:
        services = self._services
        asked = run_request(job.chat, services)
        job.record = await services.start_run(self._principal, asked)
        return job.record

    async def _answer(self, job: _Job) -> None:
        services = self._services
        record = job.record or await self._start(job)
        if job.stop:
            await services.runs.stop(self._owner, record.run_id)
        if record.conversation_id in self._follows:
            # The followed conversation includes this run; still wait before the next message.
            await services.runs.open_runs.wait(record)
            return
        shows = services.sends_reasoning(job.chat.include_reasoning, self._principal)
        wire = chat_wire("text", reasoning=shows)
        self._shown = (record.run_id, record.conversation_id)
        try:
            policy = services.policy(self._principal)
            await self._pump(frames_of(follow_run(services.runs, record, policy=policy), wire))
        finally:
            self._shown = ()

    async def _stop(self, command: StopCommand) -> None:
        runs = self._services.runs
        if command.run_id is not None:
            await runs.stop(self._owner, command.run_id)
            return
        job = self._current or (self._waiting[0] if self._waiting else None)
        if job is None:
            return
        job.stop = True
        if job.record is not None:
            await runs.stop(self._owner, job.record.run_id)

    async def _resume(self, command: ResumeCommand, tasks: asyncio.TaskGroup) -> None:
        services = self._services
        if (command.run_id is None) == (command.conversation_id is None):
            raise InvalidRequest("Name a run_id or a conversation_id.", field="run_id")
        key = command.run_id or command.conversation_id or ""
        if key in self._shown or key in self._follows:
            raise Refused(409, "conflict", "This socket already follows it.")
        if len(self._follows) >= services.settings.max_follows_per_socket:
            raise Refused(429, "busy", "This socket follows too many runs and conversations.")
        shows = services.sends_reasoning(command.include_reasoning, self._principal)
        wire = chat_wire("text", reasoning=shows)
        policy = services.policy(self._principal)
        if command.run_id is not None:
            record = await services.runs.record(self._owner, command.run_id)
            following = follow_run(services.runs, record, command.after, policy=policy)
        else:
            following = follow_conversation(
                services.runs, self._owner, key, command.after, policy=policy
            )
        frames = frames_of(following, wire)
        self._follows[key] = tasks.create_task(self._follow(key, frames))

    async def _follow(self, key: str, frames: AbstractAsyncContextManager[FrameStream]) -> None:
        try:
            await self._pump(frames)
        except ThinkaloudError as error:
            await self._send_problem(error)
        finally:
            self._follows.pop(key, None)

    async def _pump(self, frames: AbstractAsyncContextManager[FrameStream]) -> None:
        send, push = self._outlet.send, self._outlet.push
        async with frames as stream:
            while batch := await stream.next(push):
                for frame in batch:
                    await send(frame)

    async def _send_problem(self, error: ThinkaloudError) -> None:
        if isinstance(error, Forbidden):
            self._on_forbidden()
        problem = problem_of(error, "")
        data = ErrorData(
            message=problem.detail,
            code=problem.code,
            retryable=problem.code == "busy",
            field=problem.field,
            nearest=problem.nearest,
            valid=problem.valid,
        )
        await self._outlet.send(_TEXT.write(ErrorFrame(data, None, None)))
