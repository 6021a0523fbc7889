"""Who may talk to a channel. Denies by default; the same rules for messages, buttons and stops."""

from typing import Literal

from thinkaloud.channels.platform.message import ChatAddress, Origin
from thinkaloud.channels.platform.pairing import Pairings
from thinkaloud.channels.platform.settings import PlatformSettings

Verdict = Literal["allow", "ignore", "pair"]
"""`pair`: a stranger in a direct chat, who may ask for a code."""


class Access:
    """The rules of one channel. Authorises the sender, not the room."""

    def __init__(self, channel: str, settings: PlatformSettings, pairings: Pairings) -> None:
        self._channel = channel
        self._settings = settings
        self._pairings = pairings

    async def message(self, chat: ChatAddress, origin: Origin, *, mentioned: bool) -> Verdict:
        """Decide about a message."""
        sender = origin.sender
        if sender.is_bot or not sender.id:
            return "ignore"
        if origin.is_group and not self._answers_in(chat, origin, mentioned=mentioned):
            return "ignore"
        if await self.person(sender.id):
            return "allow"
        return "pair" if self._settings.pairing and not origin.is_group else "ignore"

    async def action(self, chat: ChatAddress, origin: Origin) -> bool:
        """Decide about a button or a stop event: no mention is needed."""
        return await self.message(chat, origin, mentioned=True) == "allow"

    async def person(self, person_id: str) -> bool:
        """Whether this person is allowed, by the settings or by pairing."""
        allowed = self._settings.allow_from
        if "*" in allowed or person_id in allowed:
            return True
        return await self._pairings.person(self._channel, person_id) is not None

    def group(self, chat_id: str, community: str = "") -> bool:
        """Whether this group is allowed, by its own id or by that of its community."""
        allowed = self._settings.allow_groups
        return "*" in allowed or chat_id in allowed or (community != "" and community in allowed)

    def _answers_in(self, chat: ChatAddress, origin: Origin, *, mentioned: bool) -> bool:
        return self.group(chat.chat_id, origin.community) and (
            mentioned or not self._settings.mention_only
        )
