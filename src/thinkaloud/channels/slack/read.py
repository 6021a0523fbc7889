"""Reads Slack's payloads: events, buttons and slash commands. Pure.

Events: https://docs.slack.dev/reference/events/message. A conversation is a thread; a direct message outside of threads,
and a person's own thread below such a message, belong to the one conversation of that chat.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from thinkaloud.channels.platform.actions import COMMANDS
from thinkaloud.channels.platform.message import (
    ChatAddress,
    ChatMessage,
    Fetch,
    InboundFile,
    Origin,
    Sender,
)

Json = Mapping[str, Any]
FetchOf = Callable[[str], Fetch]
"""Makes the download of a URL of Slack."""

MESSAGES: Final = {None, "file_share", "thread_broadcast", "me_message", "bot_message"}
"""The subtypes of messages that say something; all others are about the channel."""
_TOKEN: Final = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
_COMMANDS: Final = frozenset(command.name for command in COMMANDS)


class Identity(msgspec.Struct, frozen=True):
    """Who the app is in the workspace."""

    user_id: str
    bot_id: str
    team_id: str
    team: str = ""


class Place(msgspec.Struct, frozen=True):
    """Where and for whom to answer: `Origin.token`."""

    team: str
    """The workspace of the person, for streams."""
    thread: str
    """The timestamp of the message to reply to; empty outside of threads."""

    @classmethod
    def of(cls, origin: Origin | None) -> "Place":
        """Read it from an origin."""
        team, _, thread = (origin.token if origin else "").partition("/")
        return cls(team, thread)

    @property
    def token(self) -> str:
        """It, as an `Origin.token`."""
        return f"{self.team}/{self.thread}"


class Stop(msgspec.Struct, frozen=True):
    """Somebody pressed the native stop button of a thread."""

    channel: str
    thread: str
    sender: Sender


class Press(msgspec.Struct, frozen=True):
    """Somebody pressed a button of ours."""

    chat: ChatAddress
    origin: Origin
    action: str


Payload = ChatMessage | Stop | Press


class Reader:
    """Reads payloads for one channel of ours, as one app."""

    def __init__(self, name: str, me: Identity, fetch_of: FetchOf) -> None:
        self._name = name
        self._me = me
        self._fetch_of = fetch_of

    def read(self, body: Json) -> Payload | None:
        """Return what a payload says, or None if it says nothing to us."""
        if "command" in body:
            return self._command(body)
        if body.get("type") == "block_actions":
            return self._press(body)
        return self._event(body.get("event") or {}, str(body.get("team_id") or self._me.team_id))

    def _event(self, event: Json, team: str) -> Payload | None:
        match event.get("type"):
            case "message" | "app_mention":
                if event.get("subtype") == "message_changed":
                    return self._edited(event, team)
                if event.get("subtype") in MESSAGES:
                    return self._message(event, team)
            case "agent_session_stopped":
                sender = Sender(str(event.get("user", "")))
                return Stop(str(event.get("channel", "")), str(event.get("thread_ts", "")), sender)
            case _:
                pass
        return None

    def _edited(self, event: Json, team: str) -> ChatMessage | None:
        """Read an edit. Slack also reports link previews and its own changes as edits."""
        message, before = event.get("message", {}), event.get("previous_message", {})
        if not message.get("edited") or message.get("text") == before.get("text"):
            return None
        outer = {key: event[key] for key in ("channel", "channel_type") if key in event}
        found = self._message({**message, **outer}, team)
        return None if found is None else msgspec.structs.replace(found, edited=True)

    def _message(self, event: Json, team: str) -> ChatMessage | None:
        channel, ts = str(event.get("channel", "")), str(event.get("ts", ""))
        sender = self._sender(event)
        if sender is None or not channel or not ts:
            return None
        text = str(event.get("text", ""))
        thread = str(event.get("thread_ts", ""))
        is_group = event.get("channel_type") != "im" and not channel.startswith("D")
        own_thread = event.get("parent_user_id") == sender.id or thread in ("", ts)
        by_id = event.get("type") == "app_mention" or f"<@{self._me.user_id}" in text
        user_team = str(event.get("user_team") or event.get("team") or team)
        return ChatMessage(
            chat=self._address(channel, thread or ts, direct=not is_group and own_thread),
            sender=sender,
            message_id=ts,
            text=plain(text, self._me.user_id),
            is_group=is_group,
            mentioned=by_id or event.get("parent_user_id") == self._me.user_id,
            files=[self._file(file) for file in event.get("files", []) if not _deleted(file)],
            reply_to=thread if thread not in ("", ts) else None,
            sent_at_ms=_milliseconds(ts),
            token=Place(user_team, thread or ts).token,
        )

    def _address(self, channel: str, thread: str, *, direct: bool) -> ChatAddress:
        return ChatAddress(self._name, channel, None if direct else thread)

    def _sender(self, event: Json) -> Sender | None:
        user, bot = str(event.get("user") or ""), str(event.get("bot_id") or "")
        if user == self._me.user_id or (bot and bot == self._me.bot_id):
            return None
        if not user and not bot:
            return None
        is_bot = bool(bot) or event.get("subtype") == "bot_message"
        return Sender(user or bot, is_bot=is_bot)

    def _file(self, file: Json) -> InboundFile:
        size = file.get("size")
        # A file that is hosted elsewhere, or over the plan's limit, has none: its download is rejected.
        url = str(file.get("url_private_download") or file.get("url_private") or "")
        return InboundFile(
            name=str(file.get("name") or file.get("title") or "file"),
            media_type=str(file.get("mimetype") or "application/octet-stream"),
            size=size if isinstance(size, int) else None,
            fetch=self._fetch_of(url),
        )

    def _press(self, body: Json) -> Press | None:
        actions, container = body.get("actions", []), body.get("container", {})
        user, channel = body.get("user", {}), body.get("channel", {})
        if not actions or not user.get("id") or not channel.get("id"):
            return None
        place = Place(
            str(user.get("team_id") or self._me.team_id),
            str(container.get("thread_ts") or container.get("message_ts", "")),
        )
        origin = Origin(
            sender=Sender(str(user["id"])),
            message_id=str(actions[0].get("action_ts", "")),
            is_group=not str(channel["id"]).startswith("D"),
            token=place.token,
        )
        chat = ChatAddress(self._name, str(channel["id"]), actions[0].get("value") or None)
        return Press(chat, origin, str(actions[0].get("action_id", "")))

    def _command(self, body: Json) -> ChatMessage | None:
        """Read a slash command: one of ours, or any other whose text is one of ours (`/bot new`)."""
        name, text = str(body["command"]).lstrip("/"), str(body.get("text", "")).strip()
        if name not in _COMMANDS:
            name, _, text = text.lstrip("/!").partition(" ")
            if name not in _COMMANDS:
                name, text = "help", ""
        channel, user = str(body.get("channel_id", "")), str(body.get("user_id", ""))
        if not channel or not user:
            return None
        return ChatMessage(
            chat=ChatAddress(self._name, channel),
            sender=Sender(user),
            message_id=str(body.get("trigger_id", "")),
            text=f"/{name} {text}".rstrip(),
            is_group=not channel.startswith("D"),
            mentioned=True,
            token=Place(str(body.get("team_id") or self._me.team_id), "").token,
        )


def plain(text: str, me: str) -> str:
    """Return the text of a message as its author sees it, without the mention of the bot.

    Slack escapes `&`, `<` and `>`, and writes mentions and links as `<…>`.
    """

    def shown(found: re.Match[str]) -> str:
        kind, target, label = found[1], found[2], found[3] or ""
        if kind == "@":
            return "" if target == me else f"@{label or target}"
        if kind == "#":
            return f"#{label or target}"
        if kind == "!":
            return label or f"@{target}"
        target = target.removeprefix("mailto:")
        return f"{label} ({target})" if label and label not in target else target

    text = _TOKEN.sub(shown, text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def _deleted(file: Json) -> bool:
    return file.get("mode") == "tombstone"


def _milliseconds(ts: str) -> int | None:
    seconds = ts.partition(".")[0]
    return int(seconds) * 1000 if seconds.isdigit() else None
