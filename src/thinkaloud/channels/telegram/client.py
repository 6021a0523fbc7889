"""The Telegram channel: connects, receives and sends."""

import logging
from collections.abc import Callable, Sequence

from aiogram.methods import DeleteWebhook, GetMe, SendChatAction, SetMyCommands
from aiogram.types import BotCommand

from thinkaloud.channels.platform.actions import COMMANDS
from thinkaloud.channels.platform.content import ChatContent
from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import Misconfigured, PlatformError, Rejected
from thinkaloud.channels.platform.message import ChatAddress, Origin
from thinkaloud.channels.platform.parts import send_parts
from thinkaloud.channels.platform.platform import Check, Inbox, Limits, PlatformContext, Sent
from thinkaloud.channels.telegram.api import Api, Unauthorized, UnknownMethod
from thinkaloud.channels.telegram.display import Display, Forms
from thinkaloud.channels.telegram.receive import Receiver
from thinkaloud.channels.telegram.render import CHARACTERS, render_text
from thinkaloud.channels.telegram.send import LIMITS, Letter, Sending, is_direct
from thinkaloud.channels.telegram.settings import TelegramSettings
from thinkaloud.channels.telegram.updates import User
from thinkaloud.ports.clock import Clock

_log = logging.getLogger(__name__)


class TelegramPlatform:
    """A bot. See `Platform`."""

    def __init__(self, settings: TelegramSettings, context: PlatformContext) -> None:
        token = context.environment.get(settings.token_env, "").strip()
        if not token:
            raise Misconfigured(
                f"{settings.token_env} is not set: it should contain the token from @BotFather"
            )
        self._settings = settings
        self._name = context.name
        self._clock: Clock = context.clock
        self._pace = context.pace
        try:
            self._api = Api(token, settings.api_base)
        except Misconfigured as error:
            raise Misconfigured(f"{settings.token_env}: {error.message}") from None
        self._forms = Forms()
        self._sending = Sending(self._api)
        self._rendering = context.rendering
        self._display = Display(self._sending, self._forms, context.clock, context.rendering)

    @property
    def limits(self) -> Limits:
        """See `Platform.limits`."""
        return LIMITS

    async def run(self, inbox: Inbox, ready: Callable[[], None]) -> None:
        """See `Platform.run`. A webhook is removed, because polling is refused while there is one."""
        try:
            me = await self._api.call(GetMe())
            await self._prepare()
            ready()
            user = User(me.id, is_bot=True, username=me.username or "")
            await Receiver(self._name, self._api, self._clock, user).run(inbox)
        except (Unauthorized, UnknownMethod) as error:
            raise Misconfigured(self._not_accepted) from error

    async def show(self, chat: ChatAddress, content: ChatContent, sent: Sent) -> bool:
        """See `Platform.show`. Each call sends, edits or drafts at most one message."""
        return await self._display.show(chat, content, sent)

    async def say(
        self,
        chat: ChatAddress,
        markdown: str,
        *,
        origin: Origin | None = None,
        private: bool = False,
    ) -> bool:
        """See `Platform.say`. In groups, private messages are ephemeral ones."""
        reader = None
        if private and not is_direct(chat):
            if origin is None:
                return False
            reader = origin.sender.id
        form = self._forms.usual
        if not is_direct(chat):
            await self._pace.spend("group", chat, final=True)
        await self._pace.spend("all", chat, final=True)
        while parts := await self._rendering.call(len(markdown), render_text, markdown, form):
            try:
                await self._sending.post(chat, Letter(parts[0], form), reader=reader)
                break
            except Rejected as error:
                if reader is not None and form != "rich":
                    return False
                form = self._forms.simpler(form, error)
        letters = [Letter(part, form) for part in parts[1:]]

        async def send(letter: Letter) -> None:
            await self._sending.post(chat, letter, reader=reader)

        await send_parts(letters, send, self._clock, started=True)
        return True

    @property
    def message_chars(self) -> int:
        """See `SendsDocuments.message_chars`."""
        return CHARACTERS[self._forms.usual]

    async def send_document(self, chat: ChatAddress, origin: Origin, document: Document) -> None:
        """See `SendsDocuments.send_document`."""
        await self._sending.attach(chat, document)

    async def typing(self, chat: ChatAddress, origin: Origin, *, on: bool) -> None:
        """See `Platform.typing`. It ends by itself after five seconds; a draft makes it unnecessary."""
        if not on or self._display.has_draft(chat):
            return
        await self._pace.spend("all", chat)
        topic = None if chat.thread_id is None else int(chat.thread_id)
        chat_id = int(chat.chat_id)
        await self._api.call(
            SendChatAction(chat_id=chat_id, action="typing", message_thread_id=topic)
        )

    async def check(self) -> Sequence[Check]:
        """See `Platform.check`."""
        try:
            me = await self._api.call(GetMe())
        except (Unauthorized, UnknownMethod):
            return (Check("token", ok=False, detail=self._not_accepted),)
        except PlatformError as error:
            return (Check("connection", ok=False, detail=error.message),)
        token = Check("token", ok=True, detail=f"@{me.username}")
        if me.can_read_all_group_messages or self._settings.mention_only:
            return (token,)
        detail = (
            "mention_only is false, but the bot's privacy mode is on, so in groups it only receives"
            " mentions and replies: send /setprivacy to @BotFather, then add the bot to the group again"
        )
        return (token, Check("groups", ok=False, detail=detail))

    async def close(self) -> None:
        """See `Platform.close`."""
        await self._api.close()

    @property
    def _not_accepted(self) -> str:
        return f"the token in {self._settings.token_env} is not accepted: copy it again from @BotFather"

    async def _prepare(self) -> None:
        """Remove an old webhook, but keep its updates, and put the commands into the menu of the apps.

        If either fails, the bot may work nevertheless: otherwise, polling fails, too.
        """
        commands = [
            BotCommand(command=command.name, description=command.description)
            for command in COMMANDS
        ]
        for method in (DeleteWebhook(), SetMyCommands(commands=commands)):
            try:
                await self._api.call(method)
            except Unauthorized:
                raise
            except PlatformError as error:
                _log.warning("%s: %s", self._name, error)
