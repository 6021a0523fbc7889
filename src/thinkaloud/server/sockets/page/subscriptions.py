"""The chats that one socket follows, each with its task."""

import asyncio
from collections.abc import Awaitable, Callable

from thinkaloud.errors import ThinkaloudError
from thinkaloud.ports.principal import Principal, strictest
from thinkaloud.server.http.problems import Refused
from thinkaloud.server.services import ServerServices
from thinkaloud.server.sockets.page.subscription import Subscriber, Subscription

Refuse = Callable[[ThinkaloudError, str], Awaitable[None]]


class Subscriptions:
    """Starts and cancels subscriptions. Their tasks belong to the socket.

    `refuse` is called with the reason if a chat can no longer be followed.
    """

    def __init__(
        self, services: ServerServices, principal: Principal, end: Subscriber, refuse: Refuse
    ) -> None:
        self._services = services
        self._principal = principal
        self._end = end
        self._refuse = refuse
        self._chats: dict[str, tuple[Subscription, asyncio.Task[None]]] = {}

    def __contains__(self, chat_id: object) -> bool:
        return chat_id in self._chats

    def get(self, chat_id: str) -> Subscription | None:
        """Return the subscription to a chat; None if this socket does not follow it."""
        found = self._chats.get(chat_id)
        return None if found is None else found[0]

    def new(
        self,
        chat_id: str,
        *,
        include_reasoning: bool = True,
        last: int | None = None,
        as_log: bool = False,
    ) -> Subscription:
        """Return a new subscription. Raises `Refused` (429) if the socket follows too many chats.

        It includes reasoning if the client, the channel and the operator allow it. Snapshots have
        at most the `last` runs. `as_log`: send events as stored in the log.
        """
        channel = self._services.websocket
        if len(self._chats) >= channel.socket_settings.max_chats:
            raise Refused(429, "busy", "This socket follows too many chats: detach from some.")
        policy = strictest(
            self._services.policy(self._principal), channel.socket_settings.reasoning
        )
        asked = include_reasoning and channel.settings.show_reasoning
        return Subscription(
            self._services,
            self._principal.owner,
            chat_id,
            policy=policy if asked else "deny",
            last=last,
            as_log=as_log,
        )

    async def begin(
        self,
        chat: Subscription,
        after: int | None,
        tasks: asyncio.TaskGroup,
        *,
        live: bool = False,
    ) -> None:
        """Follow a chat and return once it is attached. Raises if it cannot be followed."""
        task = tasks.create_task(self._follow(chat, after, live=live))
        self._chats[chat.chat_id] = (chat, task)
        await chat.attached

    async def end(self, chat_id: str) -> None:
        """Stop following a chat."""
        if chat_id in self._chats:
            _, task = self._chats.pop(chat_id)
            task.cancel()
            await asyncio.wait([task])

    def cancel(self) -> None:
        """Cancel all subscriptions without waiting: the socket is closed."""
        for _, task in self._chats.values():
            task.cancel()

    async def _follow(self, chat: Subscription, after: int | None, *, live: bool) -> None:
        try:
            await chat.follow(self._end, after, live=live)
        except ThinkaloudError as error:
            if chat.attached.done():
                await self._refuse(error, chat.chat_id)
            else:
                chat.attached.set_exception(error)
        finally:
            found = self._chats.get(chat.chat_id)
            if found is not None and found[0] is chat:
                del self._chats[chat.chat_id]
