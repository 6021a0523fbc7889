"""What a channel does with what it receives: access, duplicates, commands, files, runs."""

import asyncio
import logging
from collections import OrderedDict
from typing import Final
from weakref import WeakValueDictionary

import msgspec

from thinkaloud.channels.markdown.plain import escaped
from thinkaloud.channels.platform.engine.access import Access
from thinkaloud.channels.platform.engine.chats import Chats
from thinkaloud.channels.platform.engine.commands import (
    Caller,
    Command,
    Commands,
    parse_command,
)
from thinkaloud.channels.platform.engine.deliveries import Deliveries
from thinkaloud.channels.platform.engine.delivery import delivery_key
from thinkaloud.channels.platform.engine.files import keep_files
from thinkaloud.channels.platform.engine.replies import Replies, Reply, explained
from thinkaloud.channels.platform.engine.runs import ChatRuns, RunOrder
from thinkaloud.channels.platform.message import ChatAddress, ChatMessage, Origin, Sender
from thinkaloud.channels.platform.pairing import CODE_SECONDS, Pairings
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.errors import ThinkaloudError
from thinkaloud.ports.channel_state import ChannelState

_RECENT: Final = 10_000
_SEEN: Final = 5_000
_TEXT_CHARS: Final = 200_000
_QUOTED_CHARS: Final = 4_000
_SAY_ATTEMPTS: Final = 5
_MAX_TASKS: Final = 256
"""The most replies and downloads at a time; what exceeds that is dropped."""
_NOTHING_TO_READ: Final = "I can read text, images and text files."
_NOT_PRIVATE: Final = "I can't show that to you alone here. Ask me in a direct message."
_log = logging.getLogger(__name__)


class InboxServices(msgspec.Struct, frozen=True):
    """The dependencies of `ChannelInbox`."""

    channel: str
    owner: str
    """Who owns the channel's conversations, unless a person is paired with another owner."""
    settings: PlatformSettings
    runs: ChatRuns
    state: ChannelState
    access: Access
    pairings: Pairings
    chats: Chats
    commands: Commands
    deliveries: Deliveries
    replies: Replies


class ChannelInbox:
    """The `Inbox` of one channel."""

    def __init__(self, services: InboxServices) -> None:
        self._services = services
        self._channel = services.channel
        self._locks: WeakValueDictionary[ChatAddress, asyncio.Lock] = WeakValueDictionary()
        self._recent: OrderedDict[str, None] = OrderedDict()
        self._replies = services.replies

    async def receive(self, message: ChatMessage) -> None:
        """Handle a message or a command."""
        try:
            await self._receive(_encodable(message))
        except Exception:  # noqa: BLE001 - one message must not end the channel
            _log.exception("channel %s: a message could not be handled", self._channel)

    async def stopped(self, chat: ChatAddress, sender: Sender | None) -> None:
        """Stop the run that a chat shows, if the person may."""
        deliveries = self._services.deliveries.of(chat)
        if not deliveries:
            return
        origin = deliveries[0].record.origin
        if sender is None:
            if origin.is_group or origin.sender.id != chat.chat_id:
                return
            sender = origin.sender
        await self.chose(chat, msgspec.structs.replace(origin, sender=sender), "stop")

    async def chose(self, chat: ChatAddress, origin: Origin, action: str) -> None:
        """Handle a button, if the person may use it."""
        try:
            access = self._services.access
            if not await access.action(chat, origin):
                return
            caller = Caller(chat, origin, await self._owner(origin))
            name, _, run_id = action.partition(":")
            if name == "stop":
                await self._services.commands.stop(caller, run_id or None)
            elif name == "why":
                reply = await self._services.commands.why(caller, run_id or None)
                self._replies.send(chat, reply, origin)
        except ThinkaloudError as error:
            _log.warning("channel %s: %s", self._channel, error.message)
        except Exception:  # noqa: BLE001 - one button must not end the channel
            _log.exception("channel %s: an action could not be handled", self._channel)

    async def allows(
        self, sender: Sender, chat: ChatAddress | None = None, community: str = ""
    ) -> bool:
        """Whether this person may use the channel (and, with `chat`, that group)."""
        access = self._services.access
        if sender.is_bot or (chat is not None and not access.group(chat.chat_id, community)):
            return False
        return await access.person(sender.id)

    async def _receive(self, message: ChatMessage) -> None:
        verdict = await self._services.access.message(
            message.chat, message.origin, mentioned=message.mentioned
        )
        if verdict == "ignore":
            return
        if verdict == "pair":
            await self._pair(message)
            return
        caller = Caller(message.chat, message.origin, await self._owner(message.origin))
        command = parse_command(message.text) if not message.files else None
        try:
            if command is not None:
                await self._command(command, caller, message)
                return
            if message.files:
                self._replies.spawn(self._begin(caller, message))
            else:
                await self._begin(caller, message)
        except ThinkaloudError as error:
            prefix = command.prefix if command is not None else "/"
            self._replies.send(caller.chat, explained(error, prefix), caller.origin)

    async def _pair(self, message: ChatMessage) -> None:
        if not self._is_new(delivery_key(message.chat, message.message_id)):
            return
        code = await self._services.pairings.request(self._channel, message.sender)
        if code is None:
            return
        text = (
            f"I don't know you yet. Your code is `{code}`. It is valid for"
            f" {CODE_SECONDS // 60} minutes. The operator of this server can approve it:"
            f"\n\n```\nthinkaloud channels pair {code}\n```"
        )
        self._replies.send(message.chat, Reply(text, private=True), message.origin)

    async def _command(self, command: Command, caller: Caller, message: ChatMessage) -> None:
        state, key = self._services.state, delivery_key(message.chat, message.message_id)
        if not self._is_new(key) or not await state.add(self._channel, "seen", key, b"1"):
            return
        await state.trim(self._channel, "seen", _SEEN)
        reply = await self._services.commands.run(command, caller)
        if reply is not None:
            self._replies.send(caller.chat, reply, caller.origin)

    async def _begin(self, caller: Caller, message: ChatMessage) -> None:
        async with self._locks.setdefault(message.chat, asyncio.Lock()):
            try:
                await self._start(caller, message)
            except ThinkaloudError as error:
                self._is_new(delivery_key(message.chat, message.message_id))
                self._replies.send(caller.chat, explained(error), caller.origin)

    async def _start(self, caller: Caller, message: ChatMessage) -> None:
        key = delivery_key(message.chat, message.message_id)
        if key in self._recent:
            return
        services = self._services
        if await services.runs.started(caller.owner, f"channel:{key}") is not None:
            self._is_new(key)
            return
        files, problems = await keep_files(services.runs, caller.owner, message.files)
        if problems:
            self._replies.send(
                caller.chat, Reply("\n\n".join(map(escaped, problems))), caller.origin
            )
        text = message.text.replace("\x00", "")[:_TEXT_CHARS]
        if text.strip() or files:
            order = await self._order(caller, message, text, files)
            await services.deliveries.begin(order, message.chat, message.origin)
        elif not problems:
            self._replies.send(caller.chat, Reply(_NOTHING_TO_READ), caller.origin)
        self._is_new(key)

    async def _order(
        self, caller: Caller, message: ChatMessage, text: str, files: tuple[str, ...]
    ) -> RunOrder:
        services, settings = self._services, self._services.settings
        choices = await services.chats.choices(message.chat)
        context: dict[str, str] = {}
        if message.is_group:
            context["from"] = message.sender.name[:100] or message.sender.id
        if message.quoted.strip():
            context["in_reply_to"] = message.quoted.replace("\x00", "")[:_QUOTED_CHARS]
        return RunOrder(
            owner=caller.owner,
            conversation_id=await services.chats.conversation(message.chat, caller.owner),
            text=text,
            key=f"channel:{delivery_key(message.chat, message.message_id)}",
            files=files,
            model=choices.model or settings.model,
            reasoning_effort=choices.reasoning_effort or settings.reasoning_effort,
            system_prompt=settings.system_prompt,
            context=context,
        )

    async def _owner(self, origin: Origin) -> str:
        """Return who owns the conversation: in direct chats, the owner the person is paired with."""
        if not origin.is_group:
            person = await self._services.pairings.person(self._channel, origin.sender.id)
            if person is not None and person.owner is not None:
                return person.owner
        return self._services.owner

    def _is_new(self, key: str) -> bool:
        if key in self._recent:
            return False
        self._recent[key] = None
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)
        return True


def _encodable(message: ChatMessage) -> ChatMessage:
    """Return the message without lone surrogates, which JSON can carry and nothing can store."""
    sender = msgspec.structs.replace(message.sender, name=_utf8(message.sender.name))
    text, quoted = _utf8(message.text), _utf8(message.quoted)
    return msgspec.structs.replace(message, sender=sender, text=text, quoted=quoted)


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
