"""Shows one run in one chat: as often as the pace allows, and at the end until it is there."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import msgspec

from thinkaloud.channels.markdown.plain import escaped, plain_text
from thinkaloud.channels.platform.content import ChatContent
from thinkaloud.channels.platform.documents import (
    SendsDocuments,
    Shortened,
    answer_document,
    shortened,
)
from thinkaloud.channels.platform.engine.connection import Connection
from thinkaloud.channels.platform.engine.delivery import Delivery
from thinkaloud.channels.platform.engine.pacer import pause
from thinkaloud.channels.platform.engine.runs import RunFeed
from thinkaloud.channels.platform.errors import PlatformError, Rejected, RetryLater, Transient
from thinkaloud.channels.platform.platform import Platform
from thinkaloud.errors import ThinkaloudError
from thinkaloud.events.view import RunView
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.tasks import is_cancelled, owned_tasks

MakeContent = Callable[[RunView], Awaitable[ChatContent]]
"""Computes the content of a chat from the state of its run."""

_MAX_BACKOFF_SECONDS: Final = 60.0
_CALL_SECONDS: Final = 120.0
"""A call that takes longer hangs."""
_TYPING_SECONDS: Final = 10.0
_CONNECTING_SECONDS: Final = 5.0
_DOCUMENT_ATTEMPTS: Final = 5
"""After which a document counts as refused: files may go to another server than messages."""
_MAX_FAULTS: Final = 5
"""Unexpected exceptions in a row after which a final is sent another way."""
_MAX_SAID_FAULTS: Final = 15
"""Unexpected exceptions in a row after which a final is given up: for about ten minutes."""
_log = logging.getLogger(__name__)


class PresentingContext(msgspec.Struct, frozen=True):
    """What showing needs from its channel."""

    connection: Connection
    clock: Clock
    answer_messages: int
    """See `PlatformSettings.answer_messages`."""


class Presenting:
    """Shows one run. Use it once."""

    def __init__(self, delivery: Delivery, feed: RunFeed, context: PresentingContext) -> None:
        self._delivery = delivery
        self._answer_messages = context.answer_messages
        self._feed = feed
        self._connection = context.connection
        self._pacer = context.connection.pacer
        self._clock = context.clock
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()
        self._skips_updates = False
        self._failures = 0
        self._faults = 0
        self._lost_documents = 0

    async def present(self, content_of: MakeContent) -> bool:
        """Show the run to its end. Returns whether the chat shows all of it, or never will.

        False: the server is shutting down, and a restart has to continue.
        """
        async with owned_tasks() as tasks:
            reading, typing = tasks.create_task(self._read()), tasks.create_task(self._type())
            try:
                return await self._show_to_the_end(content_of)
            finally:
                reading.cancel()
                if not self._ended.is_set():
                    typing.cancel()

    async def _read(self) -> None:
        try:
            while await self._feed.changed():
                self._changed.set()
        except ThinkaloudError as error:
            _log.warning("channel %s: %s", self._delivery.chat.channel, error.message)
        finally:
            self._ended.set()
            self._changed.set()

    async def _show_to_the_end(self, content_of: MakeContent) -> bool:
        last: ChatContent | None = None
        done = True
        while True:
            if done:
                refreshing = await self._wait_for_change()
            else:
                refreshing = True
            await self._connection.ready()
            await self._take_turn(again=not done)
            platform = await self._connection.ready()  # It may be another one now.
            self._changed.clear()
            ended, view = self._ended.is_set(), self._feed.view()
            content = await content_of(view) if view is not None else None
            if content is None or (ended and not content.final):
                if ended:
                    return False
                continue
            shown = _fitted(platform, content, self._answer_messages)
            if shown.content != last or refreshing:
                done = await self._show(platform, shown.content)
                last = shown.content
            if done and shown.rest and content.final:
                done = await self._complete(platform, content, shown.rest)
            if content.final and done:
                return True

    async def _wait_for_change(self) -> bool:
        """Wait for new content. Returns True if the old content has to be shown again."""
        if self._skips_updates:
            await self._ended.wait()
        platform = self._connection.platform
        seconds = platform.limits.refresh_seconds if platform else None
        if seconds is None:
            await self._changed.wait()
        else:
            await pause(self._clock, seconds, self._changed)
        return not self._changed.is_set()

    async def _take_turn(self, *, again: bool) -> None:
        """Wait until `show` may be called, and count the call. The end of the run speeds it up."""
        chat, is_group = self._delivery.chat, self._delivery.record.origin.is_group
        noted = False
        try:
            while True:
                final = self._ended.is_set()
                if final and not noted:
                    self._pacer.wait_final(chat, is_group=is_group, waiting=True)
                    noted = True
                delay = self._pacer.delay(chat, is_group=is_group, final=final, again=again)
                if delay <= 0:
                    self._pacer.count(chat, is_group=is_group)
                    return
                if final:
                    await self._clock.sleep(delay)
                else:
                    await pause(self._clock, delay, self._ended)
        finally:
            if noted:
                self._pacer.wait_final(chat, is_group=is_group, waiting=False)

    async def _show(self, platform: Platform, content: ChatContent) -> bool:
        """Call the platform once. Returns whether the chat shows this content, or never will."""
        delivery = self._delivery

        async def rejected(error: PlatformError) -> bool:
            return await self._rejected(platform, content, error)

        show = partial(platform.show, delivery.chat, content, delivery)
        return await self._attempt(show, rejected, final=content.final)

    async def _complete(self, platform: Platform, content: ChatContent, rest: str) -> bool:
        """Send the whole answer as a document, or if that is refused, the rest in messages.

        Returns whether it is there, or never will be.
        """
        delivery = self._delivery
        if delivery.record.completed:
            return True
        assert isinstance(platform, SendsDocuments)
        document = answer_document(content)

        async def send() -> bool:
            try:
                await platform.send_document(delivery.chat, delivery.record.origin, document)
            except Transient as error:
                self._lost_documents += 1
                if self._lost_documents < _DOCUMENT_ATTEMPTS:
                    raise
                raise Rejected(error.message) from None
            return True

        async def rejected(error: PlatformError) -> bool:
            channel = delivery.chat.channel
            _log.warning("channel %s: a document was rejected: %s", channel, error.message)
            return await self._say(platform, rest)

        await self._take_turn(again=True)
        done = await self._attempt(send, rejected, final=True)
        if done:
            await delivery.complete()
        return done

    async def _attempt(
        self,
        call: Callable[[], Awaitable[bool]],
        rejected: Callable[[PlatformError], Awaitable[bool]],
        *,
        final: bool,
    ) -> bool:
        """Make a call. Returns False if it has to be made again, after a delay."""
        channel = self._delivery.chat.channel
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                done = await call()
        except RetryLater as order:
            self._obey(order, final=final)
            return False
        except Rejected as error:
            return await rejected(error)
        except Transient as error:
            _log.info("channel %s: %s", channel, error.message)
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and is_cancelled():
                raise
            self._faults += 1
            _log_fault(channel, error)
            if self._faults >= _MAX_FAULTS:
                return await rejected(Rejected(type(error).__name__))
        else:
            self._failures = self._faults = 0
            return done
        await self._back_off(final=final)
        return False

    def _obey(self, order: RetryLater, *, final: bool) -> None:
        if final and order.scope == "updates":
            order = RetryLater(order.seconds)
        self._pacer.obey(order, self._delivery.chat)

    async def _back_off(self, *, final: bool) -> None:
        self._failures += 1
        seconds = min(_MAX_BACKOFF_SECONDS, 2.0 ** min(self._failures - 1, 10))
        if final:
            await self._clock.sleep(seconds)
        else:
            await pause(self._clock, seconds, self._ended)

    async def _rejected(
        self, platform: Platform, content: ChatContent, error: PlatformError
    ) -> bool:
        channel = self._delivery.chat.channel
        if not content.final:
            _log.warning("channel %s: an update was rejected: %s", channel, error.message)
            self._skips_updates = True
            return True
        _log.warning("channel %s: an answer was rejected: %s", channel, error.message)
        words = "\n\n".join([part for part in (content.answer, escaped(content.closing)) if part])
        return await self._say(platform, words)

    async def _say(self, platform: Platform, words: str) -> bool:
        """Send Markdown as messages of the server. Returns whether they are there, or never will be."""
        channel, delivery = self._delivery.chat.channel, self._delivery
        for markdown in (words, escaped(plain_text(words))):
            try:
                async with asyncio.timeout(_CALL_SECONDS):
                    await platform.say(delivery.chat, markdown, origin=delivery.record.origin)
            except RetryLater as order:
                self._obey(order, final=True)
                return False
            except (Transient, TimeoutError):
                await self._back_off(final=True)
                return False
            except Rejected as error:
                _log.warning("channel %s: an answer was rejected: %s", channel, error.message)
            except (Exception, asyncio.CancelledError) as error:
                if isinstance(error, asyncio.CancelledError) and is_cancelled():
                    raise
                self._faults += 1
                _log_fault(channel, error)
                if self._faults < _MAX_SAID_FAULTS:
                    await self._back_off(final=True)
                    return False
            else:
                return True
        _log.error("channel %s: an answer cannot be shown", channel)
        return True

    async def _type(self) -> None:
        while not self._ended.is_set():
            platform = self._connection.platform
            seconds: float | None = _CONNECTING_SECONDS
            if platform is not None:
                await self._set_typing(platform, on=True)
                seconds = platform.limits.typing_seconds
            if seconds is None:
                await self._ended.wait()
            else:
                await pause(self._clock, seconds, self._ended)
        if platform := self._connection.platform:
            await self._set_typing(platform, on=False)

    async def _set_typing(self, platform: Platform, *, on: bool) -> None:
        try:
            async with asyncio.timeout(_TYPING_SECONDS):
                await platform.typing(self._delivery.chat, self._delivery.record.origin, on=on)
        except PlatformError:
            return
        except Exception as error:  # noqa: BLE001 - a platform's library may raise anything
            _log_fault(self._delivery.chat.channel, error)


def _fitted(platform: Platform, content: ChatContent, messages: int) -> Shortened:
    if not isinstance(platform, SendsDocuments):
        return Shortened(content)
    return shortened(content, messages, platform.message_chars)


def _log_fault(channel: str, error: BaseException) -> None:
    """Log where an unexpected exception came from, without its message: it may have a token."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    _log.error("channel %s: %s at %s", channel, type(error).__name__, place)
