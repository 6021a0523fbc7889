"""Slash commands and buttons. Discord wants a response within three seconds."""

import logging
from collections.abc import Sequence
from typing import Final

import discord

from thinkaloud.channels.discord.api import Api, Json
from thinkaloud.channels.discord.read import Reader, command_text, pressed
from thinkaloud.channels.discord.render import EPHEMERAL, NO_MENTIONS, SUPPRESS_EMBEDS
from thinkaloud.channels.platform.errors import PlatformError
from thinkaloud.channels.platform.message import ChatAddress, ChatMessage, Origin
from thinkaloud.channels.platform.parts import send_parts
from thinkaloud.channels.platform.platform import Inbox
from thinkaloud.ports.clock import Clock

_MESSAGE, _LATER, _SILENT_LATER = 4, 5, 6
_REFUSED: Final = "You can't use this here."
_STOPPING: Final = "Stopping…"
_log = logging.getLogger(__name__)


class Interactions:
    """The interactions of one bot."""

    def __init__(self, api: Api, reader: Reader, *, pairing: bool) -> None:
        self._api = api
        self._reader = reader
        self._pairing = pairing

    async def handle(self, interaction: discord.Interaction, inbox: Inbox) -> None:
        """Respond, and pass on what it asks for."""
        place = self._reader.place(interaction)
        if place is None:
            return
        chat, origin = place
        text, action = command_text(interaction), pressed(interaction)
        if text is None and action is None:
            return
        group = chat if origin.is_group else None
        allowed = await inbox.allows(origin.sender, group, origin.community)
        pairs = text is not None and not origin.is_group and self._pairing
        if not allowed and not pairs:
            await self._respond(interaction, _MESSAGE, _message(_REFUSED, EPHEMERAL))
        elif text is not None:
            await self._command(interaction, text, chat, origin)
            await inbox.receive(_as_message(text, chat, origin))
        elif action is not None:
            shows = action.startswith("why:")
            data: Json = {"flags": EPHEMERAL} if shows else {}
            await self._respond(interaction, _LATER if shows else _SILENT_LATER, data)
            await inbox.chose(chat, origin, action)

    async def _command(
        self, interaction: discord.Interaction, text: str, chat: ChatAddress, origin: Origin
    ) -> None:
        """Respond at once. A stop has no reply if it succeeds, so it doesn't wait for one."""
        flags = EPHEMERAL if origin.is_group or text.startswith("/why") else 0
        if text.startswith("/stop"):
            await self._respond(interaction, _MESSAGE, _message(_STOPPING, flags))
        else:
            await self._respond(interaction, _LATER, {"flags": flags})

    async def _respond(self, interaction: discord.Interaction, kind: int, data: Json) -> None:
        """Respond. If that fails, most of all because it is too late, what was asked is done anyway."""
        path = f"/interactions/{interaction.id}/{interaction.token}/callback"
        try:
            await self._api.call("POST", path, {"type": kind, "data": data})
        except PlatformError as error:
            _log.warning("discord: no response to an interaction: %s", error.message)


async def reply(
    api: Api, origin: Origin, parts: Sequence[str], clock: Clock, *, private: bool
) -> None:
    """Reply to an interaction: the first part replaces the response, the others follow."""
    path = f"/webhooks/{origin.token}"
    flags = EPHEMERAL if private or origin.is_group else 0

    async def send(part: tuple[int, str]) -> None:
        if part[0] == 0:
            await api.call("PATCH", f"{path}/messages/@original", _message(part[1], 0))
        else:
            await api.call("POST", path, _message(part[1], flags))

    await send_parts([*enumerate(parts)], send, clock)


def _message(content: str, flags: int) -> Json:
    return {
        "content": content,
        "flags": SUPPRESS_EMBEDS | flags,
        "allowed_mentions": NO_MENTIONS,
    }


def _as_message(text: str, chat: ChatAddress, origin: Origin) -> ChatMessage:
    """A command is addressed to the bot."""
    return ChatMessage(
        chat=chat,
        sender=origin.sender,
        message_id=origin.message_id,
        text=text,
        is_group=origin.is_group,
        mentioned=True,
        token=origin.token,
        community=origin.community,
    )
