"""A Slack workspace in memory: people, channels, messages, and the Web API methods on them.

It refuses what Slack refuses, with Slack's errors. See `../../../docs/how-to/channels/slack.md` for the methods in use.
"""

from collections.abc import Callable, Mapping
from typing import Final

from tests.channels.slack.fake import validation
from tests.channels.slack.fake.messages import LIFETIME, Message
from tests.channels.slack.fake.validation import Json, Refused

TEAM: Final = "T0TEAM"
BOT: Final = "U0BOT"
BOT_ID: Final = "B0BOT"
SCOPES: Final = (
    "app_mentions:read,assistant:write,channels:history,chat:write,commands,files:read,files:write,"
    "groups:history,im:history,im:read,im:write,mpim:history"
)


class Workspace:
    """State and rules. `now` tells the seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.messages: list[Message] = []
        self.members: dict[str, set[str]] = {}
        """Who is in which channel. Names of direct messages start with D."""
        self.sessions: dict[tuple[str, str], str] = {}
        """The status of each agent session, by channel and thread."""
        self.unmodified: list[str] = []
        """Edits that changed nothing."""
        self.scopes = SCOPES
        self.agent = True
        """Whether the app is declared as an agent, so that sessions work."""
        self.containers = True
        """Whether container blocks are accepted."""
        self._count = 0
        self._methods: Mapping[str, Callable[[Json], Json]] = {
            "agents.sessions.setStatus": self._set_status,
            "auth.test": self._auth_test,
            "conversations.replies": self._replies,
        }

    def knows(self, method: str) -> bool:
        return method in self._methods

    def call(self, method: str, arguments: Json) -> Json:
        """Perform a method. Raises `Refused`."""
        return self._methods[method](arguments)

    def ts(self) -> str:
        """The next timestamp, larger than all earlier ones."""
        self._count += 1
        return f"{int(self.now())}.{self._count:06d}"

    def add(self, message: Message) -> Message:
        self.messages.append(message)
        return message

    def find(self, channel: str, ts: str) -> Message:
        for message in self.messages:
            if (message.channel, message.ts) == (channel, ts) and not message.only_for:
                return message
        raise Refused("message_not_found")

    def by_bot(self, channel: str) -> list[Message]:
        """What the bot has sent to a channel, in order."""
        return [each for each in self.messages if each.channel == channel and each.user == BOT]

    def _auth_test(self, arguments: Json) -> Json:
        return {"team_id": TEAM, "team": "Team", "user": "bot", "user_id": BOT, "bot_id": BOT_ID}

    def channel_of(self, arguments: Json) -> str:
        channel = arguments.get("channel", "")
        if channel not in self.members:
            raise Refused("channel_not_found")
        if BOT not in self.members[channel]:
            raise Refused("not_in_channel")
        return channel

    def own(self, arguments: Json) -> Message:
        message = self.find(self.channel_of(arguments), arguments.get("ts", ""))
        if message.user != BOT:
            raise Refused("cant_update_message")
        return message

    def alive(self, message: Message) -> bool:
        stream = message.stream
        if stream is None:
            return False
        if stream.open and self.now() - stream.started > LIFETIME:
            stream.end()
        return stream.open

    def _set_status(self, arguments: Json) -> Json:
        if not self.agent:
            raise Refused("not_an_agent")
        channel, thread_ts = arguments.get("channel_id", ""), arguments.get("thread_ts", "")
        if channel not in self.members:
            raise Refused("channel_not_found")
        if not thread_ts:
            raise Refused("invalid_thread_ts")
        if arguments.get("status") not in {"active", "processing", "suspended", "closed"}:
            raise Refused("invalid_arguments")
        self.sessions[channel, thread_ts] = arguments["status"]
        return {"status": arguments["status"]}

    def _replies(self, arguments: Json) -> Json:
        channel, root = self.channel_of(arguments), arguments.get("ts", "")
        oldest = arguments.get("oldest", "0")
        found = [
            each.event()
            for each in self.messages
            if each.channel == channel and root in (each.ts, each.thread_ts) and not each.only_for
            if float(each.ts) >= float(oldest)
        ]
        if not arguments.get("include_all_metadata"):
            found = [{k: v for k, v in each.items() if k != "metadata"} for each in found]
        return {"messages": found[: int(arguments.get("limit", 1000))], "has_more": False}

    def check_blocks(self, blocks: list[Json]) -> None:
        validation.check_blocks(blocks)
        if not self.containers and any(block["type"] == "container" for block in blocks):
            raise Refused("invalid_blocks")

    def thread_of(self, channel: str, arguments: Json) -> str:
        thread_ts = arguments.get("thread_ts", "")
        if thread_ts:
            try:
                parent = self.find(channel, thread_ts)
            except Refused:
                raise Refused("thread_not_found") from None
            if parent.thread_ts not in ("", thread_ts):
                raise Refused("cannot_reply_to_message")
        return thread_ts
