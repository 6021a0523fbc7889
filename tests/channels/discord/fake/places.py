"""Users, channels and messages of the fake Discord, and their JSON."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from tests.channels.discord.fake.messages import Message
from tests.channels.discord.fake.validation import Json

BOT: Final = "900000000000000001"
ROLE: Final = "900000000000000002"
"""The role that Discord creates for the bot."""
GUILD: Final = "700000000000000001"
GENERAL: Final = "700000000000000002"
THREAD: Final = "700000000000000003"
_EPOCH_MS: Final = 1_420_070_400_000
_DM, _TEXT, _PUBLIC_THREAD = 1, 0, 11


@dataclass
class Places:
    """Everything that the fake Discord stores."""

    now_ms: Callable[[], int]
    names: dict[str, str] = field(default_factory=lambda: {BOT: "thinkaloud"})
    bots: set[str] = field(default_factory=lambda: {BOT})
    direct: dict[str, str] = field(default_factory=dict[str, str])
    """Persons by their direct channel."""
    messages: dict[str, Message] = field(default_factory=dict[str, Message])
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    number: int = 0

    def new_id(self) -> str:
        self.number += 1
        return str((1_790_000_000_000 - _EPOCH_MS + self.now_ms() << 22) + self.number)

    def direct_channel(self, person: str) -> str:
        channel = str(int(person) + 500_000)
        self.direct[channel] = person
        self.names.setdefault(person, f"user{person[-3:]}")
        return channel

    def exists(self, channel: str) -> bool:
        return channel in {GENERAL, THREAD} or channel in self.direct

    def seen(self, channel: str) -> list[Message]:
        """The bot's messages in a channel, oldest first."""
        found = [m for m in self.messages.values() if m.channel == channel and m.author == BOT]
        return [message for message in found if not message.loading]

    def add(self, message: Message) -> Message:
        self.messages[message.id] = message
        return message

    def user(self, user: str) -> Json:
        name = self.names.get(user, f"user{user[-3:]}")
        return {
            "id": user,
            "username": name.lower(),
            "global_name": name,
            "discriminator": "0",
            "avatar": None,
            "bot": user in self.bots,
        }

    def message(self, message: Message, *, content: bool = True) -> Json:
        """The JSON of a message; without `content`, as for a bot that lacks the intent."""
        stamp = datetime.fromtimestamp(1_790_000_000 + message.sent_ms / 1000, UTC).isoformat()
        made: Json = {
            "id": message.id,
            "channel_id": message.channel,
            "author": self.user(message.author),
            "content": message.content if content else "",
            "timestamp": stamp,
            "edited_timestamp": stamp if message.edited else None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [self.user(each) for each in message.mentions if each != ROLE],
            "mention_roles": [ROLE] if ROLE in message.mentions else [],
            "attachments": message.attachments if content else [],
            "embeds": [],
            "components": message.components,
            "pinned": False,
            "flags": message.flags,
            "type": message.type,
        }
        if message.nonce:
            made["nonce"] = message.nonce
        if message.webhook:
            made["webhook_id"] = message.author
        if message.channel not in self.direct:
            made["guild_id"] = GUILD
            made["member"] = {"roles": [], "joined_at": stamp, "deaf": False, "mute": False}
        if message.reply_to is not None:
            reference = {"message_id": message.reply_to, "channel_id": message.channel, "type": 0}
            made["message_reference"] = reference
            replied = self.messages.get(message.reply_to)
            made["referenced_message"] = self.message(replied) if replied else None
        return made

    def channel(self, channel: str) -> Json:
        if channel in self.direct:
            person = self.direct[channel]
            return {"id": channel, "type": _DM, "recipients": [self.user(person)]}
        common: Json = {"id": channel, "guild_id": GUILD, "name": "general", "position": 0}
        if channel == THREAD:
            return {
                **common,
                "type": _PUBLIC_THREAD,
                "parent_id": GENERAL,
                "owner_id": BOT,
                "message_count": 0,
                "member_count": 1,
                "thread_metadata": {
                    "archived": False,
                    "auto_archive_duration": 60,
                    "archive_timestamp": "2026-11-30T12:00:00+00:00",
                    "locked": False,
                },
            }
        return {**common, "type": _TEXT, "permission_overwrites": [], "nsfw": False}

    def guild(self) -> Json:
        everyone = {"id": GUILD, "name": "@everyone", "permissions": "0", "position": 0, "color": 0}
        rest = {"hoist": False, "managed": False, "mentionable": False, "flags": 0}
        role = {"id": ROLE, "name": "thinkaloud", "tags": {"bot_id": BOT}}
        return {
            "id": GUILD,
            "name": "Lab",
            "owner_id": "1",
            "icon": None,
            "features": [],
            "emojis": [],
            "stickers": [],
            "roles": [everyone | rest, everyone | rest | role],
            "channels": [self.channel(GENERAL)],
            "threads": [self.channel(THREAD)],
            "members": [
                {
                    "user": self.user(BOT),
                    "roles": [ROLE],
                    "joined_at": "2026-01-01T00:00:00+00:00",
                    "deaf": False,
                    "mute": False,
                    "flags": 0,
                }
            ],
            "member_count": 3,
            "verification_level": 0,
            "default_message_notifications": 1,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "nsfw_level": 0,
            "premium_tier": 0,
            "preferred_locale": "en-US",
            "system_channel_flags": 0,
            "afk_timeout": 60,
            "voice_states": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "large": False,
        }
