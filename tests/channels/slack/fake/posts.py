"""The methods for ordinary messages: https://docs.slack.dev/reference/methods/chat.postMessage."""

from collections.abc import Callable, Mapping

from tests.channels.slack.fake.messages import Message
from tests.channels.slack.fake.validation import MARKDOWN, Json, Refused, units
from tests.channels.slack.fake.workspace import BOT, Workspace


class Posts:
    """Posting, editing and deleting, on the messages of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._methods: Mapping[str, Callable[[Json], Json]] = {
            "chat.delete": self._delete,
            "chat.postEphemeral": self._post_ephemeral,
            "chat.postMessage": self._post_message,
            "chat.update": self._update,
        }

    def knows(self, method: str) -> bool:
        return method in self._methods

    def call(self, method: str, arguments: Json) -> Json:
        """Perform a method. Raises `Refused`."""
        return self._methods[method](arguments)

    def _content(self, arguments: Json, most: int) -> tuple[str, list[Json]]:
        text, blocks = arguments.get("text", ""), arguments.get("blocks", [])
        if (markdown := arguments.get("markdown_text")) is not None:
            if text or blocks:
                raise Refused("markdown_text_conflict")
            if units(markdown) > MARKDOWN:
                raise Refused("msg_too_long")
            return "", [{"type": "markdown", "text": markdown}]
        if not text and not blocks:
            raise Refused("no_text")
        if units(text) > most:
            raise Refused("msg_too_long")
        self._workspace.check_blocks(blocks)
        return text, blocks

    def _post_message(self, arguments: Json) -> Json:
        channel = self._workspace.channel_of(arguments)
        text, blocks = self._content(arguments, 40_000)
        message = Message(
            channel,
            self._workspace.ts(),
            BOT,
            text,
            self._workspace.thread_of(channel, arguments),
            blocks,
        )
        message.metadata = arguments.get("metadata")
        message.history.append(message.visible)
        self._workspace.add(message)
        return {"channel": channel, "ts": message.ts, "message": message.event()}

    def _post_ephemeral(self, arguments: Json) -> Json:
        channel = self._workspace.channel_of(arguments)
        if arguments.get("user") not in self._workspace.members[channel]:
            raise Refused("user_not_in_channel")
        text, blocks = self._content(arguments, 40_000)
        thread_ts = self._workspace.thread_of(channel, arguments)
        message = Message(channel, self._workspace.ts(), BOT, text, thread_ts, blocks)
        message.only_for = arguments["user"]
        self._workspace.add(message)
        return {"message_ts": message.ts}

    def _update(self, arguments: Json) -> Json:
        message = self._workspace.own(arguments)
        if self._workspace.alive(message):
            raise Refused("streaming_state_conflict")
        text, blocks = self._content(arguments, 4_000)
        before = message.visible + message.folded
        message.text = text
        if blocks:
            message.blocks, message.stream = blocks, None
        if message.visible + message.folded == before:
            self._workspace.unmodified.append(message.ts)
        message.history.append(message.visible)
        return {"channel": message.channel, "ts": message.ts, "text": text}

    def _delete(self, arguments: Json) -> Json:
        message = self._workspace.own(arguments)
        if message.stream is not None:
            raise Refused("cant_delete_message")
        self._workspace.messages.remove(message)
        return {"channel": message.channel, "ts": message.ts}
