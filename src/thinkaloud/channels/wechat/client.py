"""The WeChat channel: logs in, receives and sends."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Final

from thinkaloud.channels.platform.content import ChatContent
from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import Misconfigured, PlatformError, Rejected, RetryLater
from thinkaloud.channels.platform.login import LoginScreen
from thinkaloud.channels.platform.message import ChatAddress, Origin
from thinkaloud.channels.platform.parts import send_parts
from thinkaloud.channels.platform.platform import Check, Inbox, Limits, PlatformContext, Sent
from thinkaloud.channels.wechat.api import Api, StaleLogin
from thinkaloud.channels.wechat.credentials import (
    LOG_IN,
    Credentials,
    find_credentials,
    load,
    store,
)
from thinkaloud.channels.wechat.display import Display
from thinkaloud.channels.wechat.indicator import TypingIndicator
from thinkaloud.channels.wechat.login import QrLogin
from thinkaloud.channels.wechat.mail import LIMITS, Letters, Mail
from thinkaloud.channels.wechat.media import MediaFiles
from thinkaloud.channels.wechat.protocol import Config, Reply
from thinkaloud.channels.wechat.receive import Receiver
from thinkaloud.channels.wechat.render import MAX_CHARACTERS, render_text
from thinkaloud.channels.wechat.rests import Rests
from thinkaloud.channels.wechat.settings import WeChatSettings
from thinkaloud.ports.tasks import owned_tasks

_NOTIFY_SECONDS: Final = 5.0


class _Line:
    """Everything that belongs to one login."""

    def __init__(self, credentials: Credentials, cdn_base: str, context: PlatformContext) -> None:
        self.credentials = credentials
        self.api = Api(credentials.base, credentials.token)
        self.files = MediaFiles(self.api, cdn_base)
        self.mail = Mail(self.api, context.storage, context.pace)
        self.typing = TypingIndicator(self.api, context.clock)
        self.display = Display(self.mail, self.typing, context.rendering)
        self.started = False


class WeChatPlatform:
    """A bot. See `Platform` and `LoginPlatform`."""

    def __init__(self, settings: WeChatSettings, context: PlatformContext) -> None:
        self._settings = settings
        self._context = context
        self._line: _Line | None = None

    @property
    def limits(self) -> Limits:
        """See `Platform.limits`."""
        return LIMITS

    async def run(self, inbox: Inbox, ready: Callable[[], None]) -> None:
        """See `Platform.run`. Raises `Misconfigured` if nobody has logged in, or the login is stale."""
        line = await self._open()
        try:
            await self._notify(line, "msg/notifystart")
            line.started = True
            ready()
            async with owned_tasks() as tasks:
                with line.typing.active(tasks):
                    await self._receive(line, inbox, tasks)
        except StaleLogin:
            raise self._stale from None

    async def show(self, chat: ChatAddress, content: ChatContent, sent: Sent) -> bool:
        """See `Platform.show`. Each call sends at most one message."""
        line = await self._open()
        return await line.display.show(chat, content, sent)

    async def say(
        self,
        chat: ChatAddress,
        markdown: str,
        *,
        origin: Origin | None = None,
        private: bool = False,
    ) -> bool:
        """See `Platform.say`. All chats are direct ones."""
        mail = (await self._open()).mail
        context = self._context
        parts = await context.rendering.call(len(markdown), render_text, markdown)
        letters, done = Letters(secrets.token_hex(12), parts), 0
        if origin is not None:
            mail.expect(chat, origin.token)

        async def send(number: int) -> None:
            nonlocal done
            if number == done:  # Others are kept for the person's next word.
                done = await mail.send(chat, letters, number, keep=not private)

        async with mail.lock(chat):
            await send_parts(range(len(parts)), send, context.clock, repeatable=True)
        return True

    @property
    def message_chars(self) -> int:
        """See `SendsDocuments.message_chars`."""
        return MAX_CHARACTERS

    async def send_document(self, chat: ChatAddress, origin: Origin, document: Document) -> None:
        """See `SendsDocuments.send_document`. A file counts as a message, and has no caption."""
        line = await self._open()
        line.mail.expect(chat, origin.token)
        file = await line.files.upload(chat, document)
        async with line.mail.lock(chat):
            await line.mail.send_file(chat, file)

    async def typing(self, chat: ChatAddress, origin: Origin, *, on: bool) -> None:
        """See `Platform.typing`. It depends on the mode, so `show` does it."""

    async def login(self, screen: LoginScreen) -> str:
        """See `LoginPlatform.login`."""
        settings, folder = self._settings, self._context.folder
        if settings.token_env:
            raise Misconfigured(
                f"the token comes from {settings.token_env}: remove token_env to log in with a code"
            )
        if folder is None:
            raise Misconfigured("there is no data directory to keep the login in")
        known = await asyncio.to_thread(_known, self._context)
        login = QrLogin(settings.api_base, self._context.clock, screen, known)
        found = await login.run()
        await asyncio.to_thread(store, folder, found)
        if found.user:
            screen.report(f"Your own id, for allow_from: {found.user}")
        return found.account or "WeChat"

    async def check(self) -> Sequence[Check]:
        """See `Platform.check`. Any response but a stale login shows that the token is accepted."""
        try:
            line = await self._open()
        except Misconfigured as error:
            return (Check("login", ok=False, detail=error.message),)
        try:
            await line.api.post("getconfig", {"ilink_user_id": line.credentials.user}, Config)
        except StaleLogin:
            return (Check("login", ok=False, detail=self._stale.message),)
        except (Rejected, RetryLater):
            pass
        except PlatformError as error:
            return (Check("connection", ok=False, detail=error.message),)
        account = line.credentials.account or f"the token in {self._settings.token_env}"
        return (Check("login", ok=True, detail=account),)

    async def close(self) -> None:
        """See `Platform.close`."""
        if self._line is None:
            return
        try:
            if self._line.started and not self._line.mail.stale.is_set():
                await self._notify(self._line, "msg/notifystop")
        except StaleLogin:
            pass
        finally:
            await self._line.api.close()

    async def _open(self) -> _Line:
        if self._line is None:
            found = await asyncio.to_thread(find_credentials, self._settings, self._context)
            self._line = self._line or _Line(found, self._settings.cdn_base, self._context)
        return self._line

    async def _notify(self, line: _Line, path: str) -> None:
        """Tell WeChat that the bot starts or stops. Only a stale login matters."""
        try:
            await line.api.post(path, {}, Reply, seconds=_NOTIFY_SECONDS)
        except StaleLogin:
            raise
        except PlatformError:
            return

    async def _receive(self, line: _Line, inbox: Inbox, tasks: asyncio.TaskGroup) -> None:
        """Receive until a poll, or a message, finds the login stale."""
        receiver = Receiver(self._context, line.api, line.credentials)
        rests = Rests(line.mail, self._context.clock, tasks)
        download = line.files.fetch
        end = asyncio.timeout(None)
        watching: asyncio.Task[None] | None = None
        try:
            async with end:
                watching = tasks.create_task(_end_when_set(end, line.mail.stale))
                await receiver.run(inbox, rests, download)
        except TimeoutError:
            raise StaleLogin("a message found the login stale") from None
        finally:
            rests.cancel()
            if watching is not None:
                watching.cancel()

    @property
    def _stale(self) -> Misconfigured:
        if self._settings.token_env:
            return Misconfigured(
                f"the token in {self._settings.token_env} is not valid any more: set a new one, or"
                f" remove token_env and {LOG_IN}"
            )
        return Misconfigured(f"the login is not valid any more: {LOG_IN}")


async def _end_when_set(end: asyncio.Timeout, event: asyncio.Event) -> None:
    await event.wait()
    end.reschedule(0)


def _known(context: PlatformContext) -> Credentials | None:
    """Return the stored login. One that is unreadable is replaced."""
    try:
        return load(context.folder)
    except Misconfigured:
        return None
