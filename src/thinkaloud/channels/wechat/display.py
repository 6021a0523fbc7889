"""Shows runs: typing while the model works, then the answer in a few messages."""

from contextlib import suppress

import msgspec

from thinkaloud.channels.markdown.rendering import Rendering
from thinkaloud.channels.platform.content import ChatContent
from thinkaloud.channels.platform.errors import Rejected
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.platform.platform import Sent
from thinkaloud.channels.wechat.indicator import TypingIndicator
from thinkaloud.channels.wechat.mail import Letters, Mail, client_id
from thinkaloud.channels.wechat.render import answer_parts, thought_part


class Shown(msgspec.Struct, frozen=True):
    """What has been sent for a run, as it is stored."""

    count: int = 0
    """How many messages of the answer were sent, or stored for the next word."""
    thought: bool = False
    """Whether the reasoning was sent, or left out."""


class Display:
    """The chats of one bot."""

    def __init__(self, mail: Mail, typing: TypingIndicator, rendering: Rendering) -> None:
        self._mail = mail
        self._typing = typing
        self._rendering = rendering

    async def show(self, chat: ChatAddress, content: ChatContent, sent: Sent) -> bool:
        """See `Platform.show`. Each call sends at most one message.

        The answer comes first: reasoning must neither delay it nor take its quota.
        """
        token = content.origin.token if content.origin else ""
        if not content.final:
            if content.mode == "live":
                self._typing.show(chat, token)
            return True
        record = sent.load(Shown) or Shown()
        self._mail.expect(chat, token, record.count)
        parts = await self._rendering.end(content, answer_parts)
        letters = Letters(content.run_id, parts)
        thought = "" if record.thought else thought_part(content)
        async with self._mail.lock(chat):
            if record.count < len(letters.parts):
                if not await self._answer(chat, letters, sent) or thought:
                    return False
            elif thought:
                await self._thought(chat, letters, thought, sent)
        await self._typing.hide(chat, token)
        return True

    async def _answer(self, chat: ChatAddress, letters: Letters, sent: Sent) -> bool:
        """Send the next message of the answer. Returns whether it was the last."""
        rest = await self._mail.rest(chat)
        if rest is not None and self._mail.room(chat):
            await self._mail.send_rest(chat, rest)
            return False
        record = sent.load(Shown) or Shown()
        count = await self._mail.send(chat, letters, record.count)
        await sent.save(Shown(count))
        return count == len(letters.parts)

    async def _thought(self, chat: ChatAddress, letters: Letters, thought: str, sent: Sent) -> None:
        """Send the reasoning, if the quota allows it and nothing else waits for it."""
        if self._mail.room(chat) and await self._mail.rest(chat) is None:
            # If it is rejected, the answer has arrived, and `/why` shows the reasoning.
            with suppress(Rejected):
                await self._mail.post(chat, thought, client_id(letters.key, -1))
        await sent.save(Shown(len(letters.parts), thought=True))
