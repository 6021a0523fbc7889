"""Calls to the Bot API through aiogram, with its errors translated into the layer's.

Messages of errors never contain the token, which is part of every address.
"""

from collections.abc import Sequence
from typing import Final, TypeVar

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import TelegramMethod
from aiogram.utils.token import TokenValidationError
from aiohttp import ClientError
from typing_extensions import override

from thinkaloud.channels.platform.errors import (
    Misconfigured,
    PlatformError,
    Rejected,
    RetryLater,
    Transient,
)
from thinkaloud.channels.platform.message import Fetch

R = TypeVar("R")

_TIMEOUT: Final = 30
"""Seconds for a call. Sending takes less than one; a longer timeout delays the repetition of a lost call."""
_UNKNOWN_DELAY: Final = 5.0
"""Seconds to wait after a 429 that doesn't say how long."""


class Unauthorized(Transient):
    """The server doesn't accept the token."""


class UnknownMethod(Rejected):
    """The server has no such method: it is older than rich messages or drafts."""


class NotModified(Rejected):
    """The message has this content already."""


class MessageGone(Rejected):
    """The message to edit was deleted, or can't be edited any more."""


class Conflict(Transient):
    """Another program receives the updates of this bot."""


class _Session(AiohttpSession):
    """Closes at once: aiogram's own session waits a quarter of a second for TLS."""

    @override
    async def close(self) -> None:
        if self._session is not None and not self._session.closed:
            await self._session.close()


class Api:
    """The Bot API for one token. Raises `Misconfigured` if it isn't one."""

    def __init__(self, token: str, base: str) -> None:
        server = TelegramAPIServer.from_base(base.rstrip("/"))
        try:
            self._bot = Bot(token, session=_Session(api=server))
        except TokenValidationError:
            raise Misconfigured(
                "the token doesn't look like one from @BotFather, such as 123456:ABC…: copy it again"
            ) from None
        self._moved: dict[int, int] = {}

    async def call(self, method: TelegramMethod[R], seconds: int = _TIMEOUT) -> R:
        """Call a method, and wait at most so many seconds for the response.

        A group that has become a supergroup is called under its new id.
        Raises `RetryLater`, `Transient` or `Rejected`, or a subclass of this module.
        """
        chat = getattr(method, "chat_id", None)
        if chat in self._moved:
            method = method.model_copy(update={"chat_id": self._moved[chat]})
        try:
            return await self._bot(method, request_timeout=seconds)
        except TelegramMigrateToChat as error:
            if chat is None or chat in self._moved:
                raise Rejected("the group has moved") from None
            self._moved[chat] = error.migrate_to_chat_id
            return await self.call(method, seconds)
        except AiogramError as error:
            raise translated(error, method.__api_method__) from None

    def download(self, file_id: str) -> Fetch:
        """Return the function that downloads a file."""

        async def fetch(most: int) -> bytes:
            found = await self._file_path(file_id)
            url = self._bot.session.api.file_url(self._bot.token, found)
            content = bytearray()
            try:
                async for chunk in self._bot.session.stream_content(url, timeout=_TIMEOUT):
                    content += chunk
                    if len(content) > most:
                        raise Rejected(f"the file is larger than {most:,} bytes")
            except (TimeoutError, ClientError) as error:
                # The error's own text has the address, and with it the token.
                raise Transient(f"downloading a file failed: {type(error).__name__}") from None
            return bytes(content)

        return fetch

    async def close(self) -> None:
        """Close all connections."""
        await self._bot.session.close()

    async def _file_path(self, file_id: str) -> str:
        try:
            found = await self._bot.get_file(file_id, request_timeout=_TIMEOUT)
        except AiogramError as error:
            raise translated(error, "getFile") from None
        if not found.file_path:
            raise Rejected("Telegram offers files of up to 20 MB only")
        return found.file_path


def translated(error: AiogramError, method: str) -> PlatformError:
    """Return the layer's error for one of aiogram's.

    The text of network errors isn't used: it may have the address, and with it the token.
    """
    if isinstance(error, TelegramRetryAfter):
        return RetryLater(error.retry_after)
    if isinstance(error, TelegramBadRequest):
        return _bad_request(error.message, method)
    for kind, ours, text in _ERRORS:
        if isinstance(error, kind):
            return ours(f"{method}: {text}")
    if isinstance(error, TelegramAPIError):
        if "too many requests" in error.message.lower():
            return RetryLater(_UNKNOWN_DELAY)
        return Rejected(f"{method}: {error.message}")
    return Transient(f"{method}: {type(error).__name__}")


_ERRORS: Final[Sequence[tuple[type[AiogramError], type[PlatformError], str]]] = (
    (TelegramEntityTooLarge, Rejected, "too large"),
    (TelegramNetworkError, Transient, "the network or the server failed"),
    (TelegramServerError, Transient, "the server failed"),
    (ClientDecodeError, Transient, "the server did not answer with JSON"),
    (TelegramUnauthorizedError, Unauthorized, "the token is not accepted"),
    (TelegramConflictError, Conflict, "another program receives the messages of this bot"),
    (TelegramNotFound, UnknownMethod, "not found"),
)


def _bad_request(description: str, method: str) -> Rejected:
    text = description.lower()
    message = f"{method}: {description}"
    if "message is not modified" in text:
        return NotModified(message)
    if "message to edit not found" in text or "message can't be edited" in text:
        return MessageGone(message)
    if "message_id_invalid" in text:
        return MessageGone(message)
    return Rejected(message)
