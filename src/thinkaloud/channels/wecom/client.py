"""The WeCom platform: receives over the long connection, and moves chats toward what they should show."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from thinkaloud.channels.platform.content import ChatContent
from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import Misconfigured, PlatformError
from thinkaloud.channels.platform.message import ChatAddress, Origin
from thinkaloud.channels.platform.parts import send_parts
from thinkaloud.channels.platform.platform import (
    Budget,
    Check,
    Inbox,
    Limits,
    PlatformContext,
    Sent,
)
from thinkaloud.channels.wecom.connection import Login, LongConnection, trust
from thinkaloud.channels.wecom.files import Downloads
from thinkaloud.channels.wecom.read import Reader
from thinkaloud.channels.wecom.render import MAX_BYTES, said_messages
from thinkaloud.channels.wecom.settings import WeComSettings
from thinkaloud.channels.wecom.show import Showing
from thinkaloud.channels.wecom.uploads import upload

LIMITS: Final = Limits(
    edit_seconds=1.0,
    group_edit_seconds=2.0,
    budgets=(
        Budget("minute", 28, 60.0, "chat", reserve=8),
        Budget("hour", 950, 3600.0, "chat", reserve=100),
    ),
    refresh_seconds=15.0,
)
"""30 messages a minute and 1,000 an hour in each chat, with a margin; changes of a stream don't count. The refresh ends
streams in time whose run is silent."""


class WeComPlatform:
    """One smart bot. Implements `Platform`."""

    def __init__(self, settings: WeComSettings, context: PlatformContext) -> None:
        name = context.name
        if not settings.bot_id:
            raise Misconfigured(f"channels.{name}.bot_id is not set.")
        if not settings.ws_url.startswith("wss://"):
            raise Misconfigured(f"channels.{name}.ws_url must begin with wss://.")
        secret = context.environment.get(settings.secret_env, "").strip()
        if not secret:
            raise Misconfigured(
                f"{settings.secret_env} is not set: it should contain the bot's secret."
            )
        if settings.ca_file:
            trust(settings.ca_file)
        self._context = context
        self._connection = LongConnection(
            name, Login(settings.ws_url, settings.bot_id, secret), context.clock
        )
        self._downloads = Downloads(settings.ca_file)
        self._showing = Showing(self._connection, context.pace, context.clock, context.rendering)

    @property
    def limits(self) -> Limits:
        """See `Platform.limits`."""
        return LIMITS

    async def run(self, inbox: Inbox, ready: Callable[[], None]) -> None:
        """See `Platform.run`."""
        reader = Reader(self._context.name, self._downloads.fetch_of)

        async def handle(frame: Mapping[str, Any]) -> None:
            if (message := reader.read(frame)) is not None:
                await inbox.receive(message)

        await self._connection.run(handle, ready)

    async def show(self, chat: ChatAddress, content: ChatContent, sent: Sent) -> bool:
        """See `Platform.show`."""
        return await self._showing.show(chat, content, sent)

    async def say(
        self,
        chat: ChatAddress,
        markdown: str,
        *,
        origin: Origin | None = None,
        private: bool = False,
    ) -> bool:
        """See `Platform.say`. In groups, WeCom has no messages for one person alone."""
        if private and origin is not None and origin.is_group:
            return False

        async def send(message: str) -> None:
            await self._spend(chat)
            await self._connection.send(chat.chat_id, "markdown", content=message)

        context = self._context
        messages = await context.rendering.call(len(markdown), said_messages, markdown)
        await send_parts(messages, send, context.clock)
        return True

    @property
    def message_chars(self) -> int:
        """See `SendsDocuments.message_chars`. A Chinese character has three bytes."""
        return MAX_BYTES // 3

    async def send_document(self, chat: ChatAddress, origin: Origin, document: Document) -> None:
        """See `SendsDocuments.send_document`. Files have no caption."""
        media_id = await upload(self._connection, document)
        await self._spend(chat)
        await self._connection.send(chat.chat_id, "file", media_id=media_id)

    async def typing(self, chat: ChatAddress, origin: Origin, *, on: bool) -> None:
        """Do nothing: an open think block is WeCom's only indicator."""

    async def check(self) -> Sequence[Check]:
        """See `Platform.check`. It logs in, which ends the connection of a running server for a moment."""
        try:
            await self._connection.check()
        except Misconfigured as error:
            return (Check("token", ok=False, detail=error.message),)
        except PlatformError as error:
            return (Check("connection", ok=False, detail=error.message),)
        return (
            Check("token", ok=True, detail="the bot id and the secret are accepted"),
            Check("connection", ok=True, detail="the long connection is there"),
        )

    async def close(self) -> None:
        """See `Platform.close`. The connection is closed when `run` ends."""

    async def _spend(self, chat: ChatAddress) -> None:
        pace = self._context.pace
        await pace.spend("minute", chat, final=True)
        await pace.spend("hour", chat, final=True)
