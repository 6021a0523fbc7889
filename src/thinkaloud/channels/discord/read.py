"""Reads what Discord delivers. Pure, except for downloads, which happen later."""

import re
from collections.abc import Callable, Sequence
from typing import Final

import discord
import msgspec

from thinkaloud.channels.platform.message import (
    ChatAddress,
    ChatMessage,
    Fetch,
    InboundFile,
    Origin,
    Sender,
)

_KINDS: Final = frozenset({discord.MessageType.default, discord.MessageType.reply})
_MENTION: Final = re.compile(r"<@[!&]?(\d+)>")


class Press(msgspec.Struct, frozen=True):
    """A button that somebody pressed."""

    chat: ChatAddress
    origin: Origin
    action: str


class Reader:
    """Reads the events of one bot."""

    def __init__(self, channel: str, me: int, fetch_of: Callable[[str], Fetch]) -> None:
        self._channel = channel
        self._me = me
        self._fetch_of = fetch_of

    def message(self, message: discord.Message, *, edited: bool = False) -> ChatMessage | None:
        """Return a message of a person or bot; None for the bot's own and for system messages."""
        if message.author.id == self._me or message.type not in _KINDS:
            return None
        is_group = not isinstance(message.channel, discord.DMChannel)
        replied = message.reference.resolved if message.reference else None
        to_me = isinstance(replied, discord.Message) and replied.author.id == self._me
        return ChatMessage(
            chat=self._address(message.channel),
            sender=_sender(message.author, is_bot=message.webhook_id is not None),
            message_id=str(message.id),
            text=self._words(message),
            is_group=is_group,
            mentioned=to_me or self._is_mentioned(message),
            files=self._files(message),
            reply_to=str(message.reference.message_id) if message.reference else None,
            quoted=_quoted(message),
            edited=edited,
            sent_at_ms=int(message.created_at.timestamp() * 1000),
            community=_community(message.guild),
        )

    def place(self, interaction: discord.Interaction) -> tuple[ChatAddress, Origin] | None:
        """Return where an interaction happened and who did it, or None if Discord doesn't say."""
        if interaction.channel_id is None:
            return None
        channel = interaction.channel
        is_group = interaction.guild_id is not None
        if isinstance(channel, discord.Thread):
            chat = self._address(channel)
        else:
            chat = ChatAddress(self._channel, str(interaction.channel_id))
        token = f"{interaction.application_id}/{interaction.token}"
        community = str(interaction.guild_id) if is_group else ""
        origin = Origin(_sender(interaction.user), str(interaction.id), is_group, token, community)
        return chat, origin

    def _address(self, channel: "discord.abc.MessageableChannel") -> ChatAddress:
        """A thread is a conversation in the channel that it belongs to."""
        if isinstance(channel, discord.Thread):
            return ChatAddress(self._channel, str(channel.parent_id), str(channel.id))
        return ChatAddress(self._channel, str(channel.id))

    def _is_mentioned(self, message: discord.Message) -> bool:
        """By ids: of the bot, or of the role that Discord creates for it."""
        if any(user.id == self._me for user in message.mentions):
            return True
        return any(role.tags and role.tags.bot_id == self._me for role in message.role_mentions)

    def _words(self, message: discord.Message) -> str:
        """Return the text without mentions of the bot, and with the names of other people."""
        names = {user.id: f"@{user.display_name}" for user in message.mentions}
        names |= {role.id: f"@{role.name}" for role in message.role_mentions}
        own = {
            role.id for role in message.role_mentions if role.tags and role.tags.bot_id == self._me
        }

        def name(match: re.Match[str]) -> str:
            found = int(match[1])
            return "" if found in {self._me, *own} else names.get(found, match[0])

        return _MENTION.sub(name, message.content).strip()

    def _files(self, message: discord.Message) -> Sequence[InboundFile]:
        return [
            InboundFile(
                name=each.filename,
                media_type=(each.content_type or "application/octet-stream").partition(";")[0],
                size=each.size,
                fetch=self._fetch_of(each.url),
            )
            for each in message.attachments
        ]


def command_text(interaction: discord.Interaction) -> str | None:
    """Return a slash command as text (`/thinking live`); None if the interaction is none."""
    data = interaction.data
    if interaction.type is not discord.InteractionType.application_command or data is None:
        return None
    values = [str(option.get("value", "")) for option in data.get("options") or []]
    return " ".join([f"/{data.get('name', '')}", *values]).strip()


def pressed(interaction: discord.Interaction) -> str | None:
    """Return the action of the button that was pressed; None if the interaction is none."""
    data = interaction.data
    if interaction.type is not discord.InteractionType.component or data is None:
        return None
    return str(data.get("custom_id", ""))


def _sender(user: discord.User | discord.Member, *, is_bot: bool = False) -> Sender:
    return Sender(str(user.id), user.display_name, user.bot or is_bot)


def _community(guild: discord.Guild | None) -> str:
    return str(guild.id) if guild else ""


def _quoted(message: discord.Message) -> str:
    """Return the text of the message that this replies to, or that it forwards."""
    replied = message.reference.resolved if message.reference else None
    if isinstance(replied, discord.Message):
        return replied.content
    return "\n\n".join([each.content for each in message.message_snapshots if each.content])
