"""The methods of the Bot API that this channel calls, with only the parameters that it uses.

aiogram's own classes of the same methods validate every block of a rich message, in requests and in responses, which
takes longer than everything else; and one update that they don't understand makes a whole `getUpdates` fail, for ever.
"""

from typing import Any, Final

from aiogram.methods import TelegramMethod
from aiogram.types import InputFile, TelegramObject

_NO_PREVIEW: Final = '{"is_disabled":true}'


class Posted(TelegramObject):
    """A message that was sent, or edited. An ephemeral message has the id 0."""

    message_id: int


class GetUpdates(TelegramMethod[list[dict[str, Any]]]):
    """Wait for updates, and confirm those before `offset`."""

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: int | None
    timeout: int
    allowed_updates: list[str]


class SendRichMessage(TelegramMethod[Posted]):
    """Send a rich message, as JSON."""

    __returning__ = Posted
    __api_method__ = "sendRichMessage"

    chat_id: int
    rich_message: str
    message_thread_id: int | None = None
    disable_notification: bool | None = None
    reply_parameters: dict[str, Any] | None = None
    reply_markup: dict[str, Any] | None = None
    ephemeral_message_parameters: dict[str, Any] | None = None


class SendMessage(TelegramMethod[Posted]):
    """Send a text."""

    __returning__ = Posted
    __api_method__ = "sendMessage"

    chat_id: int
    text: str
    parse_mode: str | None = None
    message_thread_id: int | None = None
    disable_notification: bool | None = None
    reply_parameters: dict[str, Any] | None = None
    reply_markup: dict[str, Any] | None = None
    ephemeral_message_parameters: dict[str, Any] | None = None
    link_preview_options: str = _NO_PREVIEW


class SendDocument(TelegramMethod[Posted]):
    """Send a file of at most 50 MB."""

    __returning__ = Posted
    __api_method__ = "sendDocument"

    chat_id: int
    document: InputFile
    caption: str
    message_thread_id: int | None = None
    disable_notification: bool = True
    disable_content_type_detection: bool = True


class EditMessageText(TelegramMethod[Posted]):
    """Replace the content of a message: `text`, or `rich_message` as JSON."""

    __returning__ = Posted
    __api_method__ = "editMessageText"

    chat_id: int
    message_id: int
    text: str | None = None
    parse_mode: str | None = None
    rich_message: str | None = None
    reply_markup: dict[str, Any] | None = None
    link_preview_options: str | None = None


class SendRichMessageDraft(TelegramMethod[bool]):
    """Show a draft for 30 seconds, or change it."""

    __returning__ = bool
    __api_method__ = "sendRichMessageDraft"

    chat_id: int
    draft_id: int
    rich_message: str
    message_thread_id: int | None = None
    can_stop: bool = True
    keep_on_stop: bool = True


class SendMessageDraft(TelegramMethod[bool]):
    """Show a draft for 30 seconds, or change it, on servers without rich messages."""

    __returning__ = bool
    __api_method__ = "sendMessageDraft"

    chat_id: int
    draft_id: int
    text: str
    parse_mode: str | None = None
    message_thread_id: int | None = None
    can_stop: bool = True
    keep_on_stop: bool = True
