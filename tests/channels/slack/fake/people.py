"""What people do in the fake workspace."""

from typing import Any

from tests.channels.slack.fake.messages import Message
from tests.channels.slack.fake.server import FakeSlack
from tests.channels.slack.fake.validation import Json
from tests.channels.slack.fake.workspace import BOT, TEAM


class People:
    """What people do in the workspace."""

    def __init__(self, slack: FakeSlack) -> None:
        self._slack = slack
        self._workspace = slack.workspace

    def direct(self, user: str) -> str:
        """The direct message channel of a person."""
        channel = "D" + user.removeprefix("U")
        self._workspace.members.setdefault(channel, {user, BOT})
        return channel

    def channel(self, name: str, *users: str) -> str:
        """A channel with these people and the bot."""
        self._workspace.members.setdefault(name, {BOT}).update(users)
        return name

    async def writes(
        self, user: str, channel: str, text: str, thread_ts: str = "", **more: Any
    ) -> Message:
        """A person sends a message; the app gets its event, and in a channel also that of a mention."""
        workspace = self._workspace
        files: list[Json] = more.pop("files", [])
        message = Message(channel, workspace.ts(), user, text, thread_ts, files=files)
        workspace.add(message)
        kind = "im" if channel.startswith("D") else "channel"
        event = message.event() | {"channel": channel, "channel_type": kind, "team": TEAM} | more
        event["event_ts"] = message.ts
        if thread_ts:
            event["parent_user_id"] = workspace.find(channel, thread_ts).user
        if files:
            event["subtype"] = "file_share"
        await self._slack.event(event)
        if kind == "channel" and f"<@{BOT}>" in text:
            mention = {k: v for k, v in event.items() if k not in ("channel_type", "subtype")}
            await self._slack.event(mention | {"type": "app_mention"})
        return message

    async def edits(self, message: Message, text: str) -> None:
        """A person edits a message of theirs."""
        before = message.event()
        message.text = text
        edited = message.event() | {"edited": {"user": message.user, "ts": self._workspace.ts()}}
        event = {
            "type": "message",
            "subtype": "message_changed",
            "channel": message.channel,
            "channel_type": "im" if message.channel.startswith("D") else "channel",
            "message": edited,
            "previous_message": before,
            "hidden": True,
            "ts": self._workspace.ts(),
        }
        await self._slack.event(event)

    async def deletes(self, message: Message) -> None:
        """A person deletes a message of theirs."""
        self._workspace.messages.remove(message)
        event = {
            "type": "message",
            "subtype": "message_deleted",
            "channel": message.channel,
            "previous_message": message.event(),
            "deleted_ts": message.ts,
            "hidden": True,
            "ts": self._workspace.ts(),
        }
        await self._slack.event(event)

    async def presses_stop(self, user: str, channel: str, thread_ts: str) -> None:
        """A person presses the native stop button of a session."""
        stopped = self._slack.streams.stop(channel, thread_ts)
        event = {
            "type": "agent_session_stopped",
            "channel": channel,
            "thread_ts": thread_ts,
            "user": user,
            "streaming_message_ts": stopped,
            "event_ts": self._workspace.ts(),
        }
        await self._slack.event(event)

    async def presses(self, user: str, message: Message, action_id: str) -> None:
        """A person presses a button of a message."""
        button = next(each for each in message.buttons if each["action_id"] == action_id)
        payload = {
            "type": "block_actions",
            "team": {"id": TEAM, "domain": "team"},
            "user": {"id": user, "username": user.lower(), "team_id": TEAM},
            "api_app_id": "A0APP",
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": message.channel,
                "thread_ts": message.thread_ts,
            },
            "channel": {"id": message.channel, "name": "directmessage"},
            "message": message.event(),
            "actions": [
                {
                    "type": "button",
                    "action_id": button["action_id"],
                    "value": button.get("value", ""),
                    "action_ts": self._workspace.ts(),
                }
            ],
            "trigger_id": "1.2.3",
            "response_url": "https://hooks.slack.com/actions/unused",
        }
        await self._slack.deliver("interactive", payload)

    async def commands(self, user: str, channel: str, command: str, text: str = "") -> None:
        """A person uses a slash command of the app."""
        payload = {
            "command": command,
            "text": text,
            "user_id": user,
            "user_name": user.lower(),
            "channel_id": channel,
            "team_id": TEAM,
            "api_app_id": "A0APP",
            "trigger_id": f"1.2.{self._workspace.ts()}",
            "response_url": "https://hooks.slack.com/commands/unused",
        }
        await self._slack.deliver("slash_commands", payload)

    def file(self, name: str, content: bytes, mimetype: str = "text/plain") -> Json:
        """Upload a file as a person does; returns it as messages mention it."""
        self._slack.files[name] = content
        url = f"{self._slack.url.removesuffix('api/')}files/{name}"
        return {
            "id": "F0FILE",
            "name": name,
            "mimetype": mimetype,
            "size": len(content),
            "mode": "hosted",
            "url_private_download": url,
        }
