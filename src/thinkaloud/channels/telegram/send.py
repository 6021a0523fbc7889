"""Sends, edits and drafts messages, within Telegram's limits."""

from hashlib import sha256
from typing import Any, Final

import msgspec
from aiogram.methods import DeleteMessage
from aiogram.types import BufferedInputFile

from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import RetryLater
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.platform.platform import Budget, Limits
from thinkaloud.channels.telegram.api import Api
from thinkaloud.channels.telegram.methods import (
    EditMessageText,
    SendDocument,
    SendMessage,
    SendMessageDraft,
    SendRichMessage,
    SendRichMessageDraft,
)
from thinkaloud.channels.telegram.render import Form, Part

LIMITS: Final = Limits(
    edit_seconds=1.0,
    group_edit_seconds=3.0,
    budgets=(
        Budget("all", 25, 1.0, reserve=8),
        Budget("group", 18, 60.0, scope="group", reserve=4),
    ),
    show_spends=("all", "group"),
    refresh_seconds=20.0,
    typing_seconds=4.5,
)
"""Telegram's limits, with a margin: 30 messages a second, one a second for each chat, 20 a minute for each group.
Drafts disappear after 30 seconds, and typing after 5.

Source: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
"""


class Button(msgspec.Struct, frozen=True):
    """A button under a message."""

    label: str
    action: str

    @property
    def markup(self) -> dict[str, Any]:
        """The keyboard that consists of this button."""
        return {"inline_keyboard": [[{"text": self.label, "callback_data": self.action}]]}


class Letter(msgspec.Struct, frozen=True):
    """A message as it should be: a part in a form, with a button."""

    part: Part
    form: Form
    button: Button | None = None

    @property
    def digest(self) -> str:
        """A short hash, to tell whether a message is as it should be already."""
        action = self.button.action if self.button else ""
        return sha256(f"{self.form}\0{action}\0{self.part.text}".encode()).hexdigest()[:16]


class Sending:
    """The calls that change what people see."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def post(
        self,
        chat: ChatAddress,
        letter: Letter,
        *,
        reply_to: str | None = None,
        reader: str | None = None,
    ) -> int:
        """Send a message and return its id. With `reader`, only that member of a group sees it."""
        parameters: dict[str, Any] = {
            "chat_id": int(chat.chat_id),
            "message_thread_id": _topic(chat),
            "disable_notification": letter.part.silent or None,
            "reply_markup": letter.button.markup if letter.button else None,
        }
        if reply_to is not None:
            reply = {"message_id": int(reply_to), "allow_sending_without_reply": True}
            parameters["reply_parameters"] = reply
        if reader is not None:
            parameters["ephemeral_message_parameters"] = {"receiver_user_id": int(reader)}
        if letter.form == "rich":
            method = SendRichMessage(rich_message=letter.part.text, **parameters)
            return (await self._api.call(method)).message_id
        mode = _parse_mode(letter.form)
        text = SendMessage(text=letter.part.text, parse_mode=mode, **parameters)
        return (await self._api.call(text)).message_id

    async def attach(self, chat: ChatAddress, document: Document) -> None:
        """Send a file with its caption, silently."""
        method = SendDocument(
            chat_id=int(chat.chat_id),
            document=BufferedInputFile(document.data, document.name),
            caption=document.caption,
            message_thread_id=_topic(chat),
        )
        await self._api.call(method)

    async def edit(self, chat: ChatAddress, message_id: int, letter: Letter) -> None:
        """Replace a message. Raises `NotModified` or `MessageGone` beside the others."""
        rich = letter.form == "rich"
        method = EditMessageText(
            chat_id=int(chat.chat_id),
            message_id=message_id,
            rich_message=letter.part.text if rich else None,
            text=None if rich else letter.part.text,
            parse_mode=_parse_mode(letter.form),
            reply_markup=letter.button.markup if letter.button else None,
        )
        await self._api.call(method)

    async def delete(self, chat: ChatAddress, message_id: int) -> None:
        """Delete a message of the bot."""
        await self._api.call(DeleteMessage(chat_id=int(chat.chat_id), message_id=message_id))

    async def draft(self, chat: ChatAddress, draft_id: int, part: Part, form: Form) -> None:
        """Show or change a draft. Drafts have a rate limit of their own, which stops nothing else."""
        where: dict[str, Any] = {
            "chat_id": int(chat.chat_id),
            "draft_id": draft_id,
            "message_thread_id": _topic(chat),
        }
        if form == "rich":
            method = SendRichMessageDraft(rich_message=part.text, **where)
        else:
            method = SendMessageDraft(text=part.text, parse_mode=_parse_mode(form), **where)
        try:
            await self._api.call(method)
        except RetryLater as error:
            raise RetryLater(error.seconds, "updates") from None


def is_direct(chat: ChatAddress) -> bool:
    """Return whether a chat is with one person: only those have positive ids."""
    return not chat.chat_id.startswith("-")


def _topic(chat: ChatAddress) -> int | None:
    return None if chat.thread_id is None else int(chat.thread_id)


def _parse_mode(form: Form) -> str | None:
    return "HTML" if form == "html" else None
