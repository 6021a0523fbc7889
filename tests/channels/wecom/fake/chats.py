"""What WeCom's chats contain, and the rules for the bot's messages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

MAX_BYTES = 20_480
STREAM_SECONDS = 6 * 60.0
PER_MINUTE = 30
PER_HOUR = 1_000

INVALID_REQUEST = 846605
TOO_MANY = 846607
EXPIRED = 846608
INVALID_BODY = 40058
INVALID_MEDIA = 40007
UNKNOWN_CHAT = 40008
NO_MEDIA: Mapping[str, tuple[str, bytes]] = {}


class Refused(Exception):
    """The server answers with an error code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass
class Message:
    """A message of the bot."""

    chat: str
    content: str
    is_stream: bool = False
    finished: bool = True
    edits: int = 0
    file: tuple[str, bytes] | None = None
    """Name and content."""


@dataclass
class Stream:
    """The stream that answers one request."""

    stream_id: str
    message: Message
    started: float


@dataclass
class Chats:
    """All chats of one bot."""

    now: Callable[[], float]
    messages: list[Message] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    """The people who have written, and the groups with the bot: others can't be written to."""
    streams: dict[str, Stream] = field(default_factory=dict)
    """By request."""
    sent: dict[str, list[float]] = field(default_factory=dict)

    def respond(self, req_id: str, chat: str, body: Mapping[str, Any]) -> None:
        """Start, change or finish the stream that answers a request."""
        stream = part_of(body, "stream")
        content, stream_id = stream.get("content"), stream.get("id")
        if not isinstance(content, str) or not isinstance(stream_id, str) or not stream_id:
            raise Refused(INVALID_BODY, "stream.id and stream.content are needed")
        check_length(content)
        found = self.streams.get(req_id)
        if found is None:
            self._count(chat)
            message = Message(chat, "", is_stream=True, finished=False)
            self.messages.append(message)
            found = self.streams[req_id] = Stream(stream_id, message, self.now())
        if found.stream_id != stream_id:
            raise Refused(INVALID_BODY, "the request has another stream")
        if found.message.finished or self.now() - found.started > STREAM_SECONDS:
            raise Refused(EXPIRED, "stream message update expired")
        found.message.content = content
        found.message.edits += 1
        # Blank text doesn't end the animation.
        found.message.finished = stream.get("finish") is True and bool(content.strip())

    def send(
        self, body: Mapping[str, Any], media: Mapping[str, tuple[str, bytes]] = NO_MEDIA
    ) -> None:
        """Add a message that answers nothing: text, or a file that was uploaded."""
        chat = body.get("chatid")
        if not isinstance(chat, str) or chat not in self.known:
            raise Refused(UNKNOWN_CHAT, "invalid chatid")
        if body.get("msgtype") == "file":
            file = media.get(str(part_of(body, "file").get("media_id")))
            if file is None:
                raise Refused(INVALID_MEDIA, "invalid media_id")
            self._count(chat)
            self.messages.append(Message(chat, "", file=file))
            return
        content = part_of(body, "markdown").get("content")
        if not isinstance(content, str) or not content.strip():
            raise Refused(INVALID_BODY, "markdown.content is needed")
        check_length(content)
        self._count(chat)
        self.messages.append(Message(chat, content))

    def _count(self, chat: str) -> None:
        now = self.now()
        times = [time for time in self.sent.get(chat, []) if now - time < 3600]
        if len(times) >= PER_HOUR or sum(now - time < 60 for time in times) >= PER_MINUTE:
            raise Refused(TOO_MANY, "aibot send msg frequency limit exceeded")
        self.sent[chat] = [*times, now]


def part_of(body: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """Return the part of a message that its type names."""
    part: Any = body.get(kind)
    if body.get("msgtype") != kind or not isinstance(part, dict):
        raise Refused(INVALID_BODY, "msgtype is not supported")
    return cast("Mapping[str, Any]", part)


def check_length(content: str) -> None:
    """Refuse what has too many bytes."""
    if len(content.encode()) > MAX_BYTES:
        raise Refused(INVALID_BODY, "content exceeds the maximum length")
