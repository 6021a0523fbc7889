"""The Matrix channel: connects, receives and sends."""

import secrets
from collections.abc import Callable, Sequence
from typing import Final

from thinkaloud.channels.matrix.api import Api, Unauthorized
from thinkaloud.channels.matrix.display import Display, relation
from thinkaloud.channels.matrix.files import upload
from thinkaloud.channels.matrix.login import Login
from thinkaloud.channels.matrix.rate import AccountRate
from thinkaloud.channels.matrix.receive import Receiver, is_group
from thinkaloud.channels.matrix.render import MAX_BYTES, Part, render_text
from thinkaloud.channels.matrix.settings import MatrixSettings
from thinkaloud.channels.platform.content import ChatContent
from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import Misconfigured, PlatformError
from thinkaloud.channels.platform.message import ChatAddress, Origin
from thinkaloud.channels.platform.parts import send_parts
from thinkaloud.channels.platform.platform import Check, Inbox, Limits, PlatformContext, Sent

_LIMITS: Final = Limits(edit_seconds=1.0, group_edit_seconds=3.0, typing_seconds=20.0)


class MatrixPlatform:
    """An account. See `Platform`."""

    def __init__(self, settings: MatrixSettings, context: PlatformContext) -> None:
        self._settings = settings
        self._context = context
        self._login = Login(settings, context.environment, context.storage)
        self._api = Api(settings, context.folder)
        self._display = Display(
            self._api, AccountRate(context.clock), context.clock, context.rendering
        )

    @property
    def limits(self) -> Limits:
        """See `Platform.limits`. The account's own limit is in `AccountRate`."""
        return _LIMITS

    async def run(self, inbox: Inbox, ready: Callable[[], None]) -> None:
        """See `Platform.run`."""
        device = await self._login.device(self._api)
        await self._api.open_device(device)
        receiver = Receiver(
            self._context, self._api, self._display, auto_join=self._settings.auto_join
        )
        try:
            await receiver.run(device, inbox, ready)
        except Unauthorized as error:
            name = self._settings.access_token_env
            raise Misconfigured(f"the token in {name} is no longer accepted") from error

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
        """See `Platform.say`. Matrix has no private messages in rooms with other people."""
        room = self._api.nio.rooms.get(chat.chat_id)
        if private and (room is None or is_group(room)):
            return False
        asked = {"m.in_reply_to": {"event_id": origin.message_id}} if origin is not None else {}
        in_group = origin is not None and origin.is_group
        encrypted = self._api.encrypts(chat.chat_id)
        parts = await self._context.rendering.call(
            len(markdown), render_text, markdown, encrypted=encrypted
        )
        key = secrets.token_hex(12)

        async def send(part: tuple[int, Part]) -> None:
            number, message = part
            related = relation(chat, asked if in_group and number == 0 else {}, asked)
            await self._display.send(
                chat.chat_id, {**message.content, **related}, f"{key} {number}"
            )

        await send_parts([*enumerate(parts)], send, self._context.clock, repeatable=True)
        return True

    @property
    def message_chars(self) -> int:
        """See `SendsDocuments.message_chars`. An edit has the text three times, with markup."""
        return MAX_BYTES // 6

    async def send_document(self, chat: ChatAddress, origin: Origin, document: Document) -> None:
        """See `SendsDocuments.send_document`. It notifies: Matrix has no silent files."""
        encrypts = self._api.encrypts(chat.chat_id)
        place = await upload(self._api.nio, document, encrypts=encrypts)
        message: dict[str, object] = {
            "msgtype": "m.file",
            "body": document.name,
            "filename": document.name,
            "info": {"mimetype": document.media_type, "size": len(document.data)},
            "m.mentions": {},
        }
        asked = {"m.in_reply_to": {"event_id": origin.message_id}}
        await self._display.send(
            chat.chat_id, {**message, **place, **relation(chat, {}, asked)}, document.key
        )

    async def typing(self, chat: ChatAddress, origin: Origin, *, on: bool) -> None:
        """See `Platform.typing`. It ends by itself after 30 seconds."""
        await self._api.type(chat.chat_id, on=on)

    async def check(self) -> Sequence[Check]:
        """See `Platform.check`."""
        try:
            device = await self._login.device(self._api)
        except Misconfigured as error:
            return (Check("token", ok=False, detail=error.message),)
        except PlatformError as error:
            return (Check("connection", ok=False, detail=error.message),)
        token = Check("token", ok=True, detail=f"{device.user_id} on {device.homeserver}")
        if not self._settings.encryption:
            detail = "off: the bot can't read messages in encrypted rooms"
        elif self._context.folder is None:
            detail = (
                f"device {device.device_id}, whose keys are lost at a restart: set a data directory"
            )
        else:
            detail = f"device {device.device_id}"
        return (token, Check("encryption", ok=True, detail=detail))

    async def close(self) -> None:
        """See `Platform.close`."""
        await self._api.close()
