"""The Slack platform: receives over Socket Mode, and moves chats toward what they should show."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from thinkaloud.channels.platform.content import ChatContent
from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import Misconfigured, RetryLater
from thinkaloud.channels.platform.message import ChatAddress, ChatMessage, Origin
from thinkaloud.channels.platform.parts import send_parts
from thinkaloud.channels.platform.platform import (
    Check,
    Inbox,
    Limits,
    PlatformContext,
    Sent,
)
from thinkaloud.channels.slack.api import Refusal, SlackApi, Unauthorized
from thinkaloud.channels.slack.checks import check_app
from thinkaloud.channels.slack.job import LIMITS, METHODS, Job, Switches, Tools
from thinkaloud.channels.slack.parts import FIRST_BYTES, split_answer
from thinkaloud.channels.slack.posting import recover, send_document, show_first, show_parts
from thinkaloud.channels.slack.read import Place, Press, Reader, Stop
from thinkaloud.channels.slack.sessions import Sessions
from thinkaloud.channels.slack.settings import SlackSettings
from thinkaloud.channels.slack.socket_mode import PING_SECONDS, SocketMode
from thinkaloud.channels.slack.streaming import append, can_stream, start, stop
from thinkaloud.channels.slack.text import escaped, slack_markdown

_MAX_THREADS: Final = 4096
_log = logging.getLogger(__name__)


class SlackPlatform:
    """One Slack app in one workspace. Implements `Platform`."""

    def __init__(
        self,
        settings: SlackSettings,
        context: PlatformContext,
        *,
        ping_seconds: float = PING_SECONDS,
    ) -> None:
        bot_token = _secret(context.environment, settings.bot_token_env, "xoxb-")
        self._app_token = _secret(context.environment, settings.app_token_env, "xapp-")
        self._context = context
        self._ping_seconds = ping_seconds
        self._api = SlackApi(settings.api_base, bot_token, context.clock)
        self._app_api = SlackApi(settings.api_base, self._app_token, context.clock)
        self._tools = Tools(self._api, context.pace, context.clock, Switches(), context.rendering)
        self._threads: OrderedDict[tuple[str, str], ChatAddress] = OrderedDict()
        self._sessions = Sessions(self._tools)

    @property
    def limits(self) -> Limits:
        """Slack's tiers, shared by the workspace."""
        return LIMITS

    async def run(self, inbox: Inbox, ready: Callable[[], None]) -> None:
        """Connect and receive. See `Platform.run`."""
        try:
            me, _ = await self._api.identify()
            reader = Reader(self._context.name, me, self._api.fetch_of)

            async def handle(body: Mapping[str, Any]) -> None:
                await self._deliver(inbox, reader, body)

            async def open_url() -> str:
                return str((await self._app_api.call("apps.connections.open"))["url"])

            socket = SocketMode(
                self._app_token,
                self._api.web_client(),
                self._context.clock,
                ping_seconds=self._ping_seconds,
            )
            await socket.run(me, open_url, handle, ready)
        except (Refusal, Unauthorized) as refusal:
            raise Misconfigured(refusal.message) from None

    async def show(self, chat: ChatAddress, content: ChatContent, sent: Sent) -> bool:
        """Move the chat one step toward the content. See `Platform.show`."""
        job = Job(self._tools, chat, content, sent)
        await job.divide()
        self._remember(chat, job.record.thread)
        key = (chat.chat_id, job.record.thread)
        if job.record.phase == "streaming" and key not in self._sessions.streams:
            # Another process streamed this, or a call of ours was cancelled: it is not known what arrived.
            await job.save(differs=True)
        self._sessions.streams.discard(key)
        try:
            done = await self._step(job)
        except RetryLater as order:
            self._sessions.streams.add(key)
            raise RetryLater(order.seconds, "chat" if content.final else "updates") from None
        if job.record.phase == "streaming":
            self._sessions.streams.add(key)
        return done

    async def _step(self, job: Job) -> bool:
        if job.record.pending:
            await recover(job)
        match job.record.phase:
            case "new" if not job.final and can_stream(job):
                done = await start(job)
            case "streaming":
                done = await self._stream(job)
            case "done":
                done = True
            case "lost" if not job.final:
                done = True
            case "new" if not job.final and not _has_content(job):
                done = True
            case _:
                done = await show_first(job)
        if not (done and job.final):
            return done
        return await show_parts(job)

    async def _stream(self, job: Job) -> bool:
        if not job.final:
            return await append(job)
        done = await stop(job)
        if job.record.phase != "message":
            return done
        if not job.stopped and job.content.origin is not None:
            # Slack ended the stream, perhaps by its stop button: the session is still "processing".
            await self.typing(job.chat, job.content.origin, on=False)
        return await show_first(job)

    async def say(
        self,
        chat: ChatAddress,
        markdown: str,
        *,
        origin: Origin | None = None,
        private: bool = False,
    ) -> bool:
        """Send a message of the server itself. See `Platform.say`."""
        place = Place.of(origin)
        thread = {"thread_ts": thread} if (thread := chat.thread_id or place.thread) else {}
        is_group = origin.is_group if origin else not chat.chat_id.startswith("D")
        # Answers to slash commands are for the person who used them, as everywhere in Slack.
        whisper = is_group and (private or (origin is not None and not place.thread))
        if whisper and origin is None:
            return False
        budget = "whisper" if whisper else "post"
        reader = {"user": origin.sender.id} if whisper and origin else {}

        render = self._context.rendering.call

        async def send(part: str) -> None:
            text = await render(len(part), slack_markdown, part)
            blocks = [{"type": "markdown", "text": text}]
            await self._context.pace.spend(budget, chat)
            await self._api.call(
                METHODS[budget],
                channel=chat.chat_id,
                text=escaped(part[:3000]),
                blocks=blocks,
                **thread,
                **reader,
            )

        parts = await render(len(markdown), split_answer, markdown)
        await send_parts(parts, send, self._context.clock)
        return True

    @property
    def message_chars(self) -> int:
        """See `SendsDocuments.message_chars`."""
        return FIRST_BYTES

    async def send_document(self, chat: ChatAddress, origin: Origin, document: Document) -> None:
        """See `SendsDocuments.send_document`."""
        await self._context.pace.spend("file", chat, final=True)
        await send_document(self._api, chat, origin, document)

    async def typing(self, chat: ChatAddress, origin: Origin, *, on: bool) -> None:
        """Set the status of the agent session, which also shows Slack's stop button."""
        await self._sessions.set(chat, Place.of(origin).thread, on=on)

    async def check(self) -> Sequence[Check]:
        """Check tokens, scopes and the connection. See `Platform.check`."""
        return await check_app(self._api, self._app_api)

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()
        await self._app_api.close()

    async def _deliver(self, inbox: Inbox, reader: Reader, body: Mapping[str, Any]) -> None:
        try:
            found = reader.read(body)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # Slack would send it again, and it would be no clearer.
            name = type(error).__name__
            _log.warning("channel %s: an event was not understood: %s", self._context.name, name)
            return
        match found:
            case ChatMessage() as message:
                await inbox.receive(self._placed(message))
            case Stop() as stopped:
                for chat in _chats_of(self._context.name, self._threads, stopped):
                    await inbox.stopped(chat, stopped.sender)
            case Press() as press:
                await inbox.chose(press.chat, press.origin, press.action)
            case None:
                pass

    def _placed(self, message: ChatMessage) -> ChatMessage:
        """Return a message with the conversation of its thread, if the thread belongs to another."""
        thread = Place.of(message.origin).thread
        known = self._threads.get((message.chat.chat_id, thread))
        if known is not None:
            return msgspec.structs.replace(message, chat=known)
        self._remember(message.chat, thread)
        return message

    def _remember(self, chat: ChatAddress, thread: str) -> None:
        """Remember which conversation a thread belongs to: a stop event names the thread only."""
        if chat.thread_id is None and thread:
            self._threads[chat.chat_id, thread] = chat
            self._threads.move_to_end((chat.chat_id, thread))
            if len(self._threads) > _MAX_THREADS:
                self._threads.popitem(last=False)


def _chats_of(
    name: str, threads: Mapping[tuple[str, str], ChatAddress], stopped: Stop
) -> Sequence[ChatAddress]:
    known = threads.get((stopped.channel, stopped.thread))
    if known is not None:
        return [known]
    thread = ChatAddress(name, stopped.channel, stopped.thread)
    direct = [ChatAddress(name, stopped.channel)] if stopped.channel.startswith("D") else []
    return [thread, *direct]


def _has_content(job: Job) -> bool:
    content = job.content
    thinking = content.thinking and content.mode in ("live", "folded")
    return bool(job.first or content.thought_text or content.tools or thinking)


def _secret(environment: Mapping[str, str], name: str, prefix: str) -> str:
    """Return a token. Raises `Misconfigured`, without its value."""
    token = environment.get(name, "").strip()
    if not token:
        raise Misconfigured(f"The environment variable {name} is not set.")
    if not token.startswith(prefix):
        raise Misconfigured(f"{name} holds another kind of token: it must start with {prefix}.")
    return token
