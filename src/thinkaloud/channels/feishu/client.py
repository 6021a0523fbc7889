"""The Feishu platform: receives over the long connection, and moves chats toward what they should show."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from thinkaloud.channels.feishu.api import FeishuApi
from thinkaloud.channels.feishu.cards import Card, private_card
from thinkaloud.channels.feishu.checks import check_app
from thinkaloud.channels.feishu.connection import LongConnection
from thinkaloud.channels.feishu.read import Press, Reader, read_parent
from thinkaloud.channels.feishu.render import said_cards
from thinkaloud.channels.feishu.send import LIMITS, Sending, is_direct
from thinkaloud.channels.feishu.settings import FeishuSettings
from thinkaloud.channels.feishu.show import Showing
from thinkaloud.channels.platform.content import ChatContent
from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import (
    Misconfigured,
    PlatformError,
    Rejected,
    RetryLater,
    Transient,
)
from thinkaloud.channels.platform.message import ChatAddress, ChatMessage, Origin
from thinkaloud.channels.platform.parts import send_parts
from thinkaloud.channels.platform.platform import (
    Check,
    Inbox,
    Limits,
    PlatformContext,
    Sent,
)

_CARD_CHARS: Final = 9_000
"""A card may have 28,000 bytes, and a Chinese character takes three."""
_PARENT_SECONDS: Final = 1.5
"""How long looking up a message may take: events have to be acknowledged within three seconds."""
_IDENTITY: Final = "bot"
_TYPING: Final = "Typing"
_ATTEMPTS: Final = 3
_MAX_REACTIONS: Final = 4_096


class FeishuPlatform:
    """One bot. Implements `Platform`."""

    def __init__(self, settings: FeishuSettings, context: PlatformContext) -> None:
        if not settings.app_id:
            raise Misconfigured(f"channels.{context.name}.app_id is not set: it begins with cli_.")
        secret = context.environment.get(settings.app_secret_env, "").strip()
        if not secret:
            raise Misconfigured(
                f"{settings.app_secret_env} is not set: it should contain the app's secret."
            )
        self._app_id = settings.app_id
        self._context = context
        self._api = FeishuApi(settings.domain, settings.app_id, secret, context.clock)
        self._sending = Sending(self._api, context.pace)
        self._showing = Showing(self._api, self._sending, context.clock, context.rendering)
        self._reactions: OrderedDict[str, str] = OrderedDict()

    @property
    def limits(self) -> Limits:
        """See `Platform.limits`."""
        return LIMITS

    async def run(self, inbox: Inbox, ready: Callable[[], None]) -> None:
        """See `Platform.run`."""
        name, context = self._context.name, self._context
        reader = Reader(name, await self._open_id(), self._api.fetch_of)

        async def handle(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
            match reader.read(event):
                case ChatMessage() as message:
                    await inbox.receive(await self._with_parent(inbox, message))
                case Press() as press:
                    await inbox.chose(press.chat, press.origin, press.action)
                    return {}
                case None:
                    pass
            return None

        await LongConnection(name, self._api, context.clock).run(handle, ready)

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
        """See `Platform.say`. In groups, private messages are cards that only one member sees."""
        reader = None
        if private and not is_direct(chat):
            if origin is None:
                return False
            reader = origin.sender.id
        context, key = self._context, secrets.token_hex(12)
        cards = await context.rendering.call(len(markdown), said_cards, markdown)

        async def send(part: tuple[int, Card]) -> None:
            number, card = part
            if reader is not None:
                await self._sending.whisper(chat, reader, private_card(card.texts["text"]))
            else:
                content = msgspec.json.decode(card.data)
                await self._sending.send(chat, origin, content, once=f"{key}-{number}")

        try:
            # Feishu knows a card that it gets twice, but not one for a single member.
            known = reader is None
            await send_parts([*enumerate(cards)], send, context.clock, repeatable=known)
        except Rejected:
            if reader is None:
                raise
            return False
        return True

    @property
    def message_chars(self) -> int:
        """See `SendsDocuments.message_chars`."""
        return _CARD_CHARS

    async def send_document(self, chat: ChatAddress, origin: Origin, document: Document) -> None:
        """See `SendsDocuments.send_document`."""
        await self._sending.attach(chat, origin, document)

    async def typing(self, chat: ChatAddress, origin: Origin, *, on: bool) -> None:
        """Show that the bot works, by a reaction to the message: Feishu has no other indicator."""
        message_id = origin.message_id
        if not message_id.startswith("om_"):
            return
        path = f"/open-apis/im/v1/messages/{message_id}/reactions"
        pace = self._context.pace
        if on and message_id not in self._reactions:
            self._reactions[message_id] = ""
            if len(self._reactions) > _MAX_REACTIONS:
                self._reactions.popitem(last=False)
            if pace.try_spend("reaction", chat):
                body = {"reaction_type": {"emoji_type": _TYPING}}
                answer = await self._api.call("POST", path, body)
                self._reactions[message_id] = str(answer["data"]["reaction_id"])
        elif not on:
            reaction_id = self._reactions.pop(message_id, None)
            if reaction_id is None:
                await pace.spend("reaction", chat, final=True)
                reaction_id = await self._earlier_reaction(path)
            if reaction_id:
                await pace.spend("reaction", chat, final=True)
                await self._remove(f"{path}/{reaction_id}")

    async def _earlier_reaction(self, path: str) -> str:
        """Return the reaction that was added before the connection was made again, if any."""
        answer = await self._api.call("GET", path, reaction_type=_TYPING)
        data = cast("Mapping[str, Any]", answer.get("data") or {})
        items = cast("list[Mapping[str, Any]]", data.get("items") or [])
        own = [each for each in items if each.get("operator", {}).get("operator_type") == "app"]
        return str(own[0].get("reaction_id") or "") if own else ""

    async def _remove(self, path: str) -> None:
        """Remove a reaction, which would otherwise stay for ever."""
        for attempt in range(_ATTEMPTS):
            try:
                await self._api.call("DELETE", path)
            except (RetryLater, Transient) as error:
                seconds = error.seconds if isinstance(error, RetryLater) else 2.0**attempt
                await self._context.clock.sleep(seconds)
            else:
                return

    async def check(self) -> Sequence[Check]:
        """See `Platform.check`."""
        return await check_app(self._api)

    async def close(self) -> None:
        """See `Platform.close`."""
        await self._api.close()

    async def _open_id(self) -> str:
        """Return the bot's open_id. Asked once, and not after every lost connection: calls count toward a monthly quota."""
        storage = self._context.storage
        known = await storage.get(_IDENTITY)
        if known is not None:
            app_id, _, open_id = known.decode().partition(" ")
            if app_id == self._app_id:
                return open_id
        open_id, _ = await self._api.identify()
        await storage.put(_IDENTITY, f"{self._app_id} {open_id}".encode())
        return open_id

    async def _with_parent(self, inbox: Inbox, message: ChatMessage) -> ChatMessage:
        """Look up what a message replies to, for people who may use the channel."""
        if message.reply_to is None or not message.reply_to.startswith("om_"):
            return message
        group = message.chat if message.is_group else None
        if not await inbox.allows(message.sender, group):
            return message
        try:
            async with asyncio.timeout(_PARENT_SECONDS):
                path = f"/open-apis/im/v1/messages/{message.reply_to}"
                answer = await self._api.call("GET", path)
        except (PlatformError, TimeoutError):
            return message
        data = cast("Mapping[str, Any]", answer.get("data") or {})
        items = cast("list[Mapping[str, Any]]", data.get("items") or [])
        if not items:
            return message
        quoted, is_own = read_parent(items[0], self._app_id)
        mentioned = message.mentioned or (message.is_group and is_own)
        return msgspec.structs.replace(message, quoted=quoted, mentioned=mentioned)
