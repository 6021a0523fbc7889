"""One socket of `/ws`: the chats it follows and the commands of its client."""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from typing import Final, assert_never

from starlette.types import Receive

from thinkaloud.core.chat_commands import is_stop
from thinkaloud.errors import Forbidden, NotFound, ThinkaloudError
from thinkaloud.ports.principal import Principal
from thinkaloud.server.http.problems import problem_of
from thinkaloud.server.run_request import run_request
from thinkaloud.server.services import ServerServices, ServerState
from thinkaloud.server.sockets.decisions import answer, decide
from thinkaloud.server.sockets.page.parsing import Address, address, read_frame
from thinkaloud.server.sockets.page.subscriptions import Subscriptions
from thinkaloud.server.streams.backpressure import Outlet
from thinkaloud.server.wires.page.commands import (
    AnswerQuestion,
    Attach,
    Command,
    Decide,
    Detach,
    Earlier,
    Message,
    NewChat,
    Ping,
    Stop,
)
from thinkaloud.server.wires.page.encode import encode_frame
from thinkaloud.server.wires.page.encoder import message_key
from thinkaloud.server.wires.page.frames import (
    ChatError,
    ChatMessageAccepted,
    ChatPong,
    ChatReady,
    Frame,
)

_OFFERED: Final = 256
"""Maximum queued frames from outside the log; beyond it, the oldest is dropped."""


class ChannelSession:
    """The state of one socket. `serve` owns all its tasks."""

    def __init__(
        self,
        services: ServerServices,
        state: ServerState,
        principal: Principal,
        outlet: Outlet,
        on_forbidden: Callable[[], None],
    ) -> None:
        self.outlet = outlet
        """Sends frames to the client."""
        self._on_forbidden = on_forbidden
        self._services = services
        self._state = state
        self._principal = principal
        self._owner = principal.owner
        self._own = _new_id()
        self._chats = Subscriptions(services, principal, self, self._refuse_attach)
        self._offered: deque[bytes] = deque(maxlen=_OFFERED)
        self._something = asyncio.Event()

    def offer(self, frame: bytes, /) -> None:
        """Queue a frame from outside the log."""
        self._offered.append(frame)
        self._something.set()

    async def serve(self, receive: Receive) -> None:
        """Handle frames until the client disconnects. Its runs continue."""
        async with asyncio.TaskGroup() as tasks:
            offering = tasks.create_task(self._send_offered())
            await self._write(ChatReady(self._own, f"client_{secrets.token_hex(8)}"))
            own = self._chats.new(self._own)
            own.is_own = True
            await self._chats.begin(own, None, tasks, live=True)
            while (message := await receive())["type"] != "websocket.disconnect":
                text: str | None = message.get("text")
                data: bytes = message.get("bytes") or b""
                await self._handle(data if text is None else text.encode(), tasks)
            offering.cancel()
            self._chats.cancel()

    async def _handle(self, data: bytes, tasks: asyncio.TaskGroup) -> None:
        """Handle one frame of the client. Errors are sent back; the socket stays open."""
        try:
            command = read_frame(data, self._own, self._services.settings)
            await self._execute(command, tasks)
        except ThinkaloudError as error:
            await self._refuse(error, address(data))

    async def _execute(  # noqa: C901, PLR0912 - one case per command
        self, command: Command, tasks: asyncio.TaskGroup
    ) -> None:
        if isinstance(command, Attach | Earlier):
            self._principal.check("read")
        elif isinstance(command, NewChat | Message | Stop):
            self._principal.check("chat")
        if isinstance(command, Decide | AnswerQuestion):
            await self._decide(command)
            return
        match command:
            case NewChat():
                await self._new_chat(command, tasks)
            case Attach():
                await self._chats.end(command.chat_id)
                chat = self._chats.new(
                    command.chat_id,
                    include_reasoning=command.include_reasoning,
                    last=command.last,
                    as_log=command.events == "log",
                )
                await self._chats.begin(chat, command.after, tasks)
            case Detach():
                await self._chats.end(command.chat_id)
            case Earlier():
                await self._earlier(command)
            case Message():
                await self._message(command, tasks)
            case Stop():
                await self._stop(command.chat_id)
            case Ping():
                await self._write(ChatPong())
            case _:
                assert_never(command)

    async def _decide(self, command: Decide | AnswerQuestion) -> None:
        services, principal = self._services, self._principal
        if isinstance(command, Decide):
            await decide(services, principal, command, command.approval_id, command.run_id)
        else:
            await answer(services, principal, command, command.run_id, command.question_id)

    async def _new_chat(self, command: NewChat, tasks: asyncio.TaskGroup) -> None:
        made = await self._services.runs.conversations.create(
            self._owner, None, temporary=command.temporary
        )
        chat = self._chats.new(made.conversation_id, as_log=command.events == "log")
        await self._chats.begin(chat, None, tasks)

    async def _earlier(self, command: Earlier) -> None:
        chat = self._chats.get(command.chat_id)
        if chat is None:
            raise NotFound("This socket does not follow that chat.")
        await self.outlet.send(await chat.earlier(command.before, command.limit))

    async def _message(self, command: Message, tasks: asyncio.TaskGroup) -> None:
        services, chat_id = self._services, command.chat_id
        if is_stop(command.content) and not (command.context_files or command.image_path):
            await self._stop(chat_id)
            await self._write(_stop_accepted(command, services.clock.unix_ms()))
            return
        key = command.client_message_id or command.turn_id
        asked = run_request(
            command,
            services,
            None if key is None else message_key(chat_id, key),
        )
        followed = self._chats.get(chat_id)
        if followed is None:
            followed = self._chats.new(chat_id)
            await self._chats.begin(followed, None, tasks, live=True)
        async with followed.holding:
            record = await services.start_run(self._principal, asked)
            followed.accept(record.run_id)
            if not command.include_reasoning:
                followed.hide_reasoning(record.run_id)

    async def _stop(self, chat_id: str) -> None:
        """Stop the active run, but no queued ones."""
        services = self._services
        active = await services.runs.open_runs.in_conversation(self._owner, chat_id)
        if active:
            await services.runs.stop(self._owner, active[0])
        elif chat_id not in self._chats and not await self._exists(chat_id):
            raise NotFound("There is no such conversation.")

    async def _exists(self, chat_id: str) -> bool:
        return await self._services.store.conversation(self._owner, chat_id) is not None

    async def _send_offered(self) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            while self._offered:
                await self.outlet.send(self._offered.popleft())

    async def _refuse_attach(self, error: ThinkaloudError, chat_id: str) -> None:
        await self._refuse(error, Address(chat_id))

    async def _refuse(self, error: ThinkaloudError, about: Address) -> None:
        if isinstance(error, Forbidden):
            self._on_forbidden()
        problem = problem_of(error, "")
        field = problem.field if isinstance(problem.field, str) else None
        detail = problem.detail
        if field == "text":
            # The field `text` of the other endpoints is called `content` here.
            field, detail = "content", detail.replace("text", "content", 1)
        await self._write(
            ChatError(
                detail=detail,
                code=problem.code,
                chat_id=about.chat_id,
                turn_id=about.client_message_id,
                client_message_id=about.client_message_id,
                field=field,
                nearest=problem.nearest or (),
                valid=problem.valid or (),
                retry_after=problem.retry_after or None,
            )
        )

    async def _write(self, frame: Frame) -> None:
        await self.outlet.send(encode_frame(frame))


def _new_id() -> str:
    return f"conv_{secrets.token_hex(12)}"


def _stop_accepted(command: Message, now_ms: int) -> ChatMessageAccepted:
    client_id = command.client_message_id or command.turn_id
    return ChatMessageAccepted(
        chat_id=command.chat_id,
        run_id=None,
        seq=None,
        at_ms=now_ms,
        turn_id=client_id or "stop",
        starts_turn=False,
        text=command.content,
        client_message_id=client_id,
    )
