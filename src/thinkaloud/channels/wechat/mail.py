"""Sends messages within WeChat's quota: few for each message of a person. The rest waits for the next word."""

import asyncio
import base64
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final
from weakref import WeakValueDictionary

import msgspec

from thinkaloud.channels.platform.errors import RetryLater
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.platform.platform import Budget, Limits, Pace, Storage
from thinkaloud.channels.platform.stored import decoded
from thinkaloud.channels.wechat.api import Api, StaleLogin, Throttled
from thinkaloud.channels.wechat.protocol import FILE, FINISHED, FROM_BOT, TEXT, Reply
from thinkaloud.channels.wechat.render import notice

MESSAGES_PER_WORD: Final = 7
"""WeChat accepts about ten messages for each context token, and about seven in five minutes."""
LIMITS: Final = Limits(
    edit_seconds=1.2,
    budgets=(Budget("messages", 2, 2.0, scope="chat", reserve=0),),
    refresh_seconds=5.0,
)
"""WeChat refuses the third message within about a second. Typing lasts a few seconds."""
_MAX_QUOTAS: Final = 10_000
_MAX_PARTS: Final = 200
_MAX_WAIT: Final = 60.0


class Quota(msgspec.Struct):
    """What a person wrote last, as far as the quota is concerned."""

    token: str
    """The context token. It becomes invalid after some minutes; then messages are sent without it."""
    used: int = 0
    refused: int = 0
    """How many calls in a row were refused."""


class SentFile(msgspec.Struct, frozen=True):
    """A file that was uploaded."""

    name: str
    size: int
    """In bytes, without encryption."""
    parameter: str
    """What identifies it on the CDN."""
    key: str
    """Of its encryption, in hexadecimal digits."""


Part = str | SentFile
"""What a message has: text or a file."""


class Rest(msgspec.Struct, frozen=True):
    """Messages that wait for the next message of a person, as they are stored."""

    key: str
    parts: Sequence[Part]
    done: int
    """How many were sent before."""


class Letters(msgspec.Struct, frozen=True):
    """The messages of one answer. `key` identifies it across restarts."""

    key: str
    parts: Sequence[Part]


class Mail:
    """The messages to all people."""

    def __init__(self, api: Api, storage: Storage, pace: Pace) -> None:
        self._api = api
        self._storage = storage
        self._pace = pace
        self._quotas: OrderedDict[str, Quota] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.stale = asyncio.Event()
        """Set when the API no longer accepts the token."""

    def renew_token(self, chat: ChatAddress, token: str) -> None:
        """Note that a person has written, which renews the quota."""
        self._quotas[chat.chat_id] = Quota(token)
        self._quotas.move_to_end(chat.chat_id)
        if len(self._quotas) > _MAX_QUOTAS:
            self._quotas.popitem(last=False)

    def expect(self, chat: ChatAddress, token: str, used: int = 0) -> None:
        """Use this token, unless the person has written since: after a restart."""
        if chat.chat_id not in self._quotas:
            self.renew_token(chat, token)
            self._quotas[chat.chat_id].used = used

    def room(self, chat: ChatAddress) -> int:
        """Return how many messages can be sent before the person's next word."""
        return max(0, MESSAGES_PER_WORD - self._word(chat).used)

    def lock(self, chat: ChatAddress) -> asyncio.Lock:
        """Return the lock that keeps the messages of a chat in order."""
        return self._locks.setdefault(chat.chat_id, asyncio.Lock())

    async def send(
        self, chat: ChatAddress, letters: Letters, number: int, *, keep: bool = True
    ) -> int:
        """Send one message and return the number of the next. Needs the lock of the chat.

        With only one message left and more to say, it says so, and the others are stored. With
        none left, all are stored. Without `keep`, for reasoning, what has no room is left out and
        never stored. Raises as `Platform.show`.
        """
        count = len(letters.parts)
        room = self.room(chat)
        if room == 0 and not keep:
            return count
        if room == 0:
            await self._keep(chat, letters, number)
            return count
        part = letters.parts[number]
        last = keep and room == 1 and number + 1 < count
        if last and isinstance(part, str):
            part += notice(number + 1, count)
        await self.post(chat, part, client_id(letters.key, number))
        if not last:
            return number + 1
        await self._keep(chat, letters, number + 1)
        return count

    async def post(self, chat: ChatAddress, part: Part, identity: str) -> None:
        """Send a message. Raises as `Platform.show`."""
        word = self._word(chat)
        message = {
            "from_user_id": "",
            "to_user_id": chat.chat_id,
            "client_id": identity,
            "message_type": FROM_BOT,
            "message_state": FINISHED,
            "item_list": [_item(part)],
        }
        if word.token and word.refused % 2 == 0:  # A token that is too old is refused, too.
            message["context_token"] = word.token
        await self._pace.spend("messages", chat, final=True)
        try:
            await self._api.post("sendmessage", {"msg": message}, Reply)
        except Throttled as error:
            word.refused += 1
            wait = error.seconds * 2.0 ** min(word.refused - 1, 8)
            raise RetryLater(min(_MAX_WAIT, wait)) from None
        except StaleLogin:
            self.stale.set()
            raise
        word.used, word.refused = word.used + 1, 0

    async def rest(self, chat: ChatAddress) -> Rest | None:
        """Return what waits for the next word."""
        return decoded(await self._storage.get(_key(chat)), Rest)

    async def send_rest(self, chat: ChatAddress, rest: Rest) -> None:
        """Send the next message of the rest. Needs the lock. Raises as `Platform.show`."""
        if not self.room(chat):
            return
        part, left = rest.parts[0], rest.parts[1:]
        if left and self.room(chat) == 1 and isinstance(part, str):
            part += notice(rest.done + 1, rest.done + len(rest.parts))
        if isinstance(part, SentFile):
            await self.post(chat, part, _file_id(part))
            done = rest.done
        else:
            await self.post(chat, part, client_id(rest.key, rest.done))
            done = rest.done + 1
        if left:
            await self._store(chat, Rest(rest.key, left, done))
        else:
            await self.drop(chat)

    async def send_file(self, chat: ChatAddress, file: SentFile) -> None:
        """Send a file, or if there is no room, with the person's next word, before what waits for it.

        Needs the lock. Raises as `Platform.show`.
        """
        if self.room(chat):
            await self.post(chat, file, _file_id(file))
            return
        rest = await self.rest(chat) or Rest(_file_id(file), (), 0)
        await self._store(chat, msgspec.structs.replace(rest, parts=(file, *rest.parts)))

    async def drop(self, chat: ChatAddress) -> None:
        """Forget the rest."""
        await self._storage.delete(_key(chat))

    async def _keep(self, chat: ChatAddress, letters: Letters, number: int) -> None:
        """Store messages for the next word, after those that wait for it already."""
        waiting = await self.rest(chat)
        new = letters.parts[number:]
        if waiting is None:
            rest = Rest(letters.key, new, number)
        else:
            rest = msgspec.structs.replace(waiting, parts=[*waiting.parts, *new])
        left_out = len(rest.parts) - _MAX_PARTS
        if left_out > 0:
            parts = [*rest.parts[:_MAX_PARTS], f"[{left_out} more messages are not kept.]"]
            rest = msgspec.structs.replace(rest, parts=parts)
        await self._store(chat, rest)

    async def _store(self, chat: ChatAddress, rest: Rest) -> None:
        await self._storage.put(_key(chat), msgspec.json.encode(rest))

    def _word(self, chat: ChatAddress) -> Quota:
        self.expect(chat, "")
        return self._quotas[chat.chat_id]


def client_id(key: str, number: int) -> str:
    """Return the id of a message, which is the same when it is sent again."""
    return f"thinkaloud-{sha256(key.encode()).hexdigest()[:24]}-{number}"


def _file_id(file: SentFile) -> str:
    return client_id(file.parameter, 0)


def _item(part: Part) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": TEXT, "text_item": {"text": part}}
    media = {
        "encrypt_query_param": part.parameter,
        "aes_key": base64.b64encode(part.key.encode()).decode(),
        "encrypt_type": 1,
    }
    file = {"media": media, "file_name": part.name, "len": str(part.size)}
    return {"type": FILE, "file_item": file}


def _key(chat: ChatAddress) -> str:
    return f"rest:{chat.chat_id}"
