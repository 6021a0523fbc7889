"""What a channel remembers about its chats: modes, models, efforts and conversations."""

import hashlib
import re
import secrets
from typing import Final

import msgspec

from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.platform.settings import PlatformSettings, ThinkingMode
from thinkaloud.channels.platform.stored import decoded
from thinkaloud.events.prompt import Effort
from thinkaloud.ports.channel_state import ChannelState

_ID: Final = re.compile(r"[A-Za-z0-9_:-]{1,64}\Z")
_MAX_EARLIER: Final = 50
_MAX_CHATS: Final = 50_000


class ChatChoices(msgspec.Struct, frozen=True, omit_defaults=True):
    """What people chose in a chat. None: as the channel is configured."""

    thinking: ThinkingMode | None = None
    model: str | None = None
    reasoning_effort: Effort | None = None


class _Conversations(msgspec.Struct, frozen=True, omit_defaults=True):
    """The conversations of an address."""

    current: str
    earlier: tuple[str, ...] = ()


class Chats:
    """The chats of one channel. Choices belong to a chat, conversations to each of its threads."""

    def __init__(self, channel: str, settings: PlatformSettings, state: ChannelState) -> None:
        self._channel = channel
        self._settings = settings
        self._state = state

    async def choices(self, chat: ChatAddress) -> ChatChoices:
        """Return what was chosen in a chat."""
        found = await self._state.get(self._channel, "chat", chat.chat_id)
        return decoded(found, ChatChoices) or ChatChoices()

    async def choose(self, chat: ChatAddress, choices: ChatChoices) -> None:
        """Store what was chosen in a chat."""
        value = msgspec.json.encode(choices)
        await self._state.put(self._channel, "chat", chat.chat_id, value)
        await self._state.trim(self._channel, "chat", _MAX_CHATS)

    async def mode(self, chat: ChatAddress, *, is_group: bool) -> ThinkingMode:
        """Return how a chat shows reasoning; the policy is not considered."""
        chosen = (await self.choices(chat)).thinking
        configured = self._settings.group_thinking if is_group else self._settings.thinking
        return chosen or configured

    async def conversation(self, chat: ChatAddress, owner: str) -> str:
        """Return the current conversation of an address."""
        return (await self._conversations(chat, owner)).current

    async def new_conversation(self, chat: ChatAddress, owner: str) -> str:
        """Begin a new conversation at an address and return its id."""
        old = await self._conversations(chat, owner)
        name = f"{self._channel[:20]}:{secrets.token_hex(12)}"
        earlier = (old.current, *old.earlier)[:_MAX_EARLIER]
        value = msgspec.json.encode(_Conversations(name, earlier))
        await self._state.put(self._channel, "conversation", address_key(chat, owner), value)
        await self._state.trim(self._channel, "conversation", _MAX_CHATS)
        return name

    async def owns(self, chat: ChatAddress, owner: str, conversation_id: str) -> bool:
        """Whether a conversation is, or was, one of this address."""
        known = await self._conversations(chat, owner)
        return conversation_id in {known.current, *known.earlier}

    async def _conversations(self, chat: ChatAddress, owner: str) -> _Conversations:
        key = address_key(chat, owner)
        found = decoded(await self._state.get(self._channel, "conversation", key), _Conversations)
        if found is not None:
            return found
        return _Conversations(first_conversation(chat, owner, self._settings.owner or owner))


def address_key(chat: ChatAddress, owner: str) -> str:
    """Return the key of an address in the state: unambiguous, whatever the ids contain."""
    return msgspec.json.encode((chat.chat_id, chat.thread_id, owner)).decode()


def first_conversation(chat: ChatAddress, owner: str, default_owner: str) -> str:
    """Return the conversation id of an address before any `/new`.

    `channel:chat` or `channel:chat:thread` where that is a valid id, else a digest.
    """
    parts = [chat.channel, chat.chat_id, *([chat.thread_id] if chat.thread_id else [])]
    name = ":".join(parts)
    plain = ":" not in chat.chat_id and owner == default_owner
    if plain and _ID.match(name):
        return name
    digest = hashlib.sha256(address_key(chat, owner).encode()).hexdigest()[:40]
    return f"{chat.channel[:20]}:{digest}"
