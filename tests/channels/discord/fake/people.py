"""What people do in the fake Discord."""

from collections.abc import Mapping

from tests.channels.discord.fake.messages import Message
from tests.channels.discord.fake.places import BOT, GENERAL, GUILD, ROLE, THREAD
from tests.channels.discord.fake.server import FakeDiscord, Interaction
from tests.channels.discord.fake.validation import Json


class People:
    def __init__(self, server: FakeDiscord) -> None:
        self._server = server
        self._places = server.places
        self.last: Message | None = None

    async def says(
        self,
        person: str,
        text: str,
        channel: str | None = None,
        *,
        mention: bool = False,
        mentions_role: bool = False,
        reply_to: str | None = None,
        is_bot: bool = False,
        files: Mapping[str, bytes] | None = None,
        **fields: object,
    ) -> Message:
        """Send a message, in the direct channel if no other is given."""
        places = self._places
        channel = channel or places.direct_channel(person)
        places.names.setdefault(person, f"user{person[-3:]}")
        if is_bot:
            places.bots.add(person)
        mentions = [BOT] * mention + [ROLE] * mentions_role
        words = [f"<@{BOT}>"] * mention + [f"<@&{ROLE}>"] * mentions_role + [text]
        message = Message(
            places.new_id(),
            channel,
            person,
            " ".join(words),
            mentions=mentions,
            reply_to=reply_to,
            type=19 if reply_to else 0,
            sent_ms=places.now_ms(),
            attachments=[self._attach(name, data) for name, data in (files or {}).items()],
        )
        for field, value in fields.items():
            setattr(message, field, value)
        self.last = places.add(message)
        await self._server.gateway.dispatch("MESSAGE_CREATE", places.message(message))
        return message

    async def repeats(self) -> None:
        """Deliver the last message again, as after a resume."""
        assert self.last is not None
        await self._server.gateway.dispatch("MESSAGE_CREATE", self._places.message(self.last))

    async def edits(self, message: Message, text: str, *, mention: bool = False) -> None:
        message.content, message.edited = text, True
        message.mentions = [BOT] if mention else message.mentions
        await self._server.gateway.dispatch("MESSAGE_UPDATE", self._places.message(message))

    async def sees_a_preview(self, message: Message) -> None:
        """Discord adds a preview to a link, which is an edit that nobody made."""
        await self._server.gateway.dispatch("MESSAGE_UPDATE", self._places.message(message))

    async def deletes(self, message: Message) -> None:
        del self._places.messages[message.id]
        data = {"id": message.id, "channel_id": message.channel}
        if message.channel not in self._places.direct:
            data["guild_id"] = GUILD
        await self._server.gateway.dispatch("MESSAGE_DELETE", data)

    async def presses(self, person: str, message: Message, action: str) -> Interaction:
        """Press a button, which must be there."""
        assert action in message.buttons, message.buttons
        data: Json = {"custom_id": action, "component_type": 2}
        return await self._interact(person, message.channel, 3, data, message)

    async def uses(
        self, person: str, command: str, channel: str | None = None, **options: str
    ) -> Interaction:
        """Use a slash command, which must be registered."""
        found = [each for each in self._server.commands if each["name"] == command]
        assert found, f"/{command} is not registered"
        known = {each["name"] for each in found[0].get("options", [])}
        assert set(options) <= known, known
        given = [{"name": name, "type": 3, "value": value} for name, value in options.items()]
        data: Json = {"id": "1", "name": command, "type": 1, "options": given}
        channel = channel or self._places.direct_channel(person)
        return await self._interact(person, channel, 2, data, None)

    async def _interact(
        self, person: str, channel: str, kind: int, data: Json, message: Message | None
    ) -> Interaction:
        places = self._places
        interaction = self._server.new_interaction(person, channel, message)
        payload: Json = {
            "id": interaction.id,
            "application_id": BOT,
            "type": kind,
            "token": interaction.token,
            "version": 1,
            "data": data,
            "channel_id": channel,
            "channel": places.channel(channel),
            "entitlements": [],
            "attachment_size_limit": 1,
            "authorizing_integration_owners": {"0": GUILD},
            "context": 1 if channel in places.direct else 0,
        }
        if message is not None:
            payload["message"] = places.message(message)
        if channel in {GENERAL, THREAD}:
            payload["guild_id"] = GUILD
            payload["guild"] = {"id": GUILD, "features": [], "locale": "en-US"}
            payload["member"] = {
                "user": places.user(person),
                "roles": [],
                "joined_at": "2026-01-01T00:00:00+00:00",
                "deaf": False,
                "mute": False,
                "permissions": "0",
                "flags": 0,
            }
        else:
            payload["user"] = places.user(person)
        await self._server.gateway.dispatch("INTERACTION_CREATE", payload)
        return interaction

    def _attach(self, name: str, data: bytes) -> Json:
        number = self._places.new_id()
        self._places.files[number] = data
        return {
            "id": number,
            "filename": name,
            "size": len(data),
            "url": f"{self._server.url}/attachments/{number}/{name}",
            "proxy_url": f"{self._server.url}/attachments/{number}/{name}",
            "content_type": "text/plain; charset=utf-8",
        }
