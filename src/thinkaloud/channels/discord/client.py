"""The Discord channel: receives over the gateway, and moves chats toward what they should show."""

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from thinkaloud.channels.discord.api import GLOBAL, Api, Unauthorized
from thinkaloud.channels.discord.checks import check_bot
from thinkaloud.channels.discord.commands import publish_commands
from thinkaloud.channels.discord.display import Display
from thinkaloud.channels.discord.gateway import Gateway, named_gateway
from thinkaloud.channels.discord.interactions import Interactions, reply
from thinkaloud.channels.discord.parts import CONTENT_CHARS, said_parts
from thinkaloud.channels.discord.read import Reader
from thinkaloud.channels.discord.receive import Receiver, close_gateway
from thinkaloud.channels.discord.render import Draft
from thinkaloud.channels.discord.send import Place, attach, post
from thinkaloud.channels.discord.settings import DiscordSettings
from thinkaloud.channels.platform.content import ChatContent
from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import Misconfigured, Rejected
from thinkaloud.channels.platform.message import ChatAddress, Origin
from thinkaloud.channels.platform.parts import send_parts
from thinkaloud.channels.platform.platform import Check, Inbox, Limits, PlatformContext, Sent

LIMITS: Final = Limits(
    edit_seconds=1.2,
    group_edit_seconds=1.5,
    budgets=(GLOBAL,),
    typing_seconds=8.0,
)


class DiscordPlatform:
    """One Discord bot. Implements `Platform`."""

    def __init__(self, settings: DiscordSettings, context: PlatformContext) -> None:
        token = context.environment.get(settings.token_env, "").strip()
        if not token:
            raise Misconfigured(
                f"{settings.token_env} is not set: it should contain the bot's token from the"
                " Discord Developer Portal"
            )
        self._token = token
        self._settings = settings
        self._context = context
        self._api = Api(token, settings.api_base, context.clock, context.pace)
        self._display = Display(self._api, context.rendering)

    @property
    def limits(self) -> Limits:
        """See `Platform.limits`. Limits by channel are in the responses, and `Api` obeys them."""
        return LIMITS

    async def run(self, inbox: Inbox, ready: Callable[[], None]) -> None:
        """See `Platform.run`."""
        fixed = self._settings.gateway_url
        try:
            url = fixed or await named_gateway(self._api)
            content = not self._settings.mention_only
            gateway = Gateway(self._api, url, fixed=fixed is not None, content=content)
            try:
                await gateway.login(self._token)
                await publish_commands(self._api, str(gateway.application_id))
                raise await self._receiver(gateway, inbox).run(ready)
            finally:
                await close_gateway(gateway)
        except Unauthorized:
            raise Misconfigured(
                f"the token in {self._settings.token_env} is not accepted: reset it in the Discord"
                " Developer Portal"
            ) from None

    async def show(self, chat: ChatAddress, content: ChatContent, sent: Sent) -> bool:
        """See `Platform.show`."""
        return await self._display.show(chat, content, sent)

    async def say(
        self,
        chat: ChatAddress,
        markdown: str,
        *,
        origin: Origin | None = None,
        private: bool = False,
    ) -> bool:
        """See `Platform.say`. Only replies to slash commands and buttons can be private."""
        parts = [*await self._context.rendering.call(len(markdown), said_parts, markdown)]
        is_group = origin is not None and origin.is_group
        if origin is not None and origin.token:
            with suppress(Rejected):  # It expires after 15 minutes.
                await reply(self._api, origin, parts, self._context.clock, private=private)
                return True
        if private and is_group:
            return False
        place = Place.of(chat)
        if origin is not None and is_group and not origin.token:
            place = Place(place.channel, origin.message_id)
        key = secrets.token_hex(12)

        async def send(part: tuple[int, str]) -> None:
            number, text = part
            draft = Draft(str(number), {"content": text}, silent=number > 0)
            where = Place.of(chat) if number else place
            await post(self._api, where, draft, f"{key}/{number}", final=True)

        await send_parts([*enumerate(parts)], send, self._context.clock, repeatable=True)
        return True

    @property
    def message_chars(self) -> int:
        """See `SendsDocuments.message_chars`."""
        return CONTENT_CHARS

    async def send_document(self, chat: ChatAddress, origin: Origin, document: Document) -> None:
        """See `SendsDocuments.send_document`. It stands below the answer, which is the reply."""
        await attach(self._api, Place.of(chat), document)

    async def typing(self, chat: ChatAddress, origin: Origin, *, on: bool) -> None:
        """See `Platform.typing`. It ends with the next message, or after ten seconds."""
        if on:
            await self._api.call("POST", f"/channels/{Place.of(chat).channel}/typing")

    async def check(self) -> Sequence[Check]:
        """See `Platform.check`."""
        settings = self._settings
        return await check_bot(
            self._api,
            settings.token_env,
            settings.gateway_url,
            needs_content=not settings.mention_only,
        )

    async def close(self) -> None:
        """See `Platform.close`."""
        await self._api.close()

    def _receiver(self, gateway: Gateway, inbox: Inbox) -> Receiver:
        me = gateway.user
        assert me is not None
        reader = Reader(self._context.name, me.id, self._api.download)
        interactions = Interactions(self._api, reader, pairing=self._settings.pairing)
        return Receiver(gateway, reader, interactions, inbox, self._context.clock)
