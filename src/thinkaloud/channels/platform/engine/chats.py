"""What a channel remembers about its chats: modes, models, efforts and conversations."""

import hashlib
import re
import secrets
from typing import Final

import msgspec

from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.platform.settings import PlatformSettings, ThinkingMode
from thinkaloud.channels.platform.stored import decoded
from thinkaloud.errors import StoreError
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


class AddressConversations(msgspec.Struct, frozen=True, omit_defaults=True):
    """The conversations that an owner has at an address, as they are stored."""

    current: str
    earlier: tuple[str, ...] = ()

    def followed_by(self, others: "AddressConversations") -> "AddressConversations":
        """Return these conversations with others, of another owner, as earlier ones."""
        earlier = (*self.earlier, others.current, *others.earlier)
        return msgspec.structs.replace(self, earlier=earlier[:_MAX_EARLIER])


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
        """Return the current conversation of an address.

        An id that depends on the owner's name is stored, so that it survives a new name.
        """
        key = address_key(chat.chat_id, chat.thread_id, owner)
        found = await self._stored(key)
        if found is not None:
            return found.current
        first = first_conversation(chat, owner, self._settings.owner or owner)
        if first == _hashed(chat, key):
            value = msgspec.json.encode(AddressConversations(first))
            await self._state.put(self._channel, "conversation", key, value)
            await self._state.trim(self._channel, "conversation", _MAX_CHATS)
        return first

    async def new_conversation(self, chat: ChatAddress, owner: str) -> str:
        """Begin a new conversation at an address and return its id."""
        old = await self._conversations(chat, owner)
        name = f"{self._channel[:20]}:{secrets.token_hex(12)}"
        earlier = (old.current, *old.earlier)[:_MAX_EARLIER]
        value = msgspec.json.encode(AddressConversations(name, earlier))
        key = address_key(chat.chat_id, chat.thread_id, owner)
        await self._state.put(self._channel, "conversation", key, value)
        await self._state.trim(self._channel, "conversation", _MAX_CHATS)
        return name

    async def owns(self, chat: ChatAddress, owner: str, conversation_id: str) -> bool:
        """Whether a conversation is, or was, one of this address."""
        known = await self._conversations(chat, owner)
        return conversation_id in {known.current, *known.earlier}

    async def _conversations(self, chat: ChatAddress, owner: str) -> AddressConversations:
        key = address_key(chat.chat_id, chat.thread_id, owner)
        first = first_conversation(chat, owner, self._settings.owner or owner)
        return await self._stored(key) or AddressConversations(first)

    async def _stored(self, key: str) -> AddressConversations | None:
        value = await self._state.get(self._channel, "conversation", key)
        return decoded(value, AddressConversations)


def address_key(chat_id: str, thread_id: str | None, owner: str) -> str:
    """Return the key of an address in the state: unambiguous, whatever the ids contain."""
    return msgspec.json.encode((chat_id, thread_id, owner)).decode()


def read_address_key(key: str) -> tuple[str, str | None, str]:
    """Return the chat, the thread and the owner of such a key. Raises `StoreError`."""
    try:
        return msgspec.json.decode(key, type=tuple[str, str | None, str])
    except msgspec.DecodeError as error:
        raise StoreError(f"The state of the channels has an unreadable key ({error}).") from error


def first_conversation(chat: ChatAddress, owner: str, default_owner: str) -> str:
    """Return the conversation id of an address before any `/new`.

    `channel:chat` or `channel:chat:thread` where that is a valid id, else a digest.
    """
    parts = [chat.channel, chat.chat_id, *([chat.thread_id] if chat.thread_id else [])]
    name = ":".join(parts)
    plain = ":" not in chat.chat_id and owner == default_owner
    if plain and _ID.match(name):
        return name
    return _hashed(chat, address_key(chat.chat_id, chat.thread_id, owner))


def _hashed(chat: ChatAddress, key: str) -> str:
    return f"{chat.channel[:20]}:{hashlib.sha256(key.encode()).hexdigest()[:40]}"
