"""The streaming methods of the fake workspace: https://docs.slack.dev/reference/methods/chat.startStream."""

from collections.abc import Callable, Mapping

from tests.channels.slack.fake.messages import Message, Stream
from tests.channels.slack.fake.validation import Json, Refused, check_chunks
from tests.channels.slack.fake.workspace import BOT, TEAM, Workspace


class Streams:
    """The streaming methods, on the messages of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self.enabled = True
        """Whether the workspace has the streaming methods."""
        self._workspace = workspace
        self._methods: Mapping[str, Callable[[Json], Json]] = {
            "chat.appendStream": self._append_stream,
            "chat.startStream": self._start_stream,
            "chat.stopStream": self._stop_stream,
        }

    def knows(self, method: str) -> bool:
        return self.enabled and method in self._methods

    def call(self, method: str, arguments: Json) -> Json:
        """Perform a method. Raises `Refused`."""
        return self._methods[method](arguments)

    def stop(self, channel: str, thread_ts: str) -> list[str]:
        """Stop the streams of a thread, as the stop button does. Returns their timestamps."""
        stopped: list[str] = []
        for message in self._workspace.messages:
            if (message.channel, message.thread_ts) == (channel, thread_ts):
                stream = message.stream
                if stream and self._workspace.alive(message):
                    stream.end()
                    stream.stopped_by = "user"
                    stopped.append(message.ts)
        return stopped

    def _start_stream(self, arguments: Json) -> Json:
        channel = self._workspace.channel_of(arguments)
        if not arguments.get("thread_ts"):
            raise Refused("invalid_thread_ts")
        thread_ts = self._workspace.thread_of(channel, arguments)
        if not arguments.get("recipient_user_id"):
            raise Refused("missing_recipient_user_id")
        if not arguments.get("recipient_team_id"):
            raise Refused("missing_recipient_team_id")
        if arguments["recipient_team_id"] != TEAM:
            raise Refused("team_not_found")
        if arguments["recipient_user_id"] not in self._workspace.members[channel]:
            raise Refused("user_not_found")
        if arguments.get("task_display_mode", "timeline") not in {"timeline", "plan"}:
            raise Refused("invalid_arguments")
        stream = Stream(self._workspace.now(), arguments["recipient_user_id"])
        message = Message(channel, self._workspace.ts(), BOT, thread_ts=thread_ts, stream=stream)
        self._feed(message, arguments, needed=False)
        self._workspace.add(message)
        if self._workspace.agent:
            self._workspace.sessions[channel, thread_ts] = "processing"
        return {"channel": channel, "ts": message.ts}

    def _feed(self, message: Message, arguments: Json, *, needed: bool) -> None:
        stream = message.stream
        assert stream is not None
        markdown, chunks = arguments.get("markdown_text"), arguments.get("chunks")
        if markdown is not None and chunks is not None:
            raise Refused("cannot_provide_both_markdown_text_and_chunks")
        if markdown is None and chunks is None:
            if needed:
                raise Refused("no_text")
            return
        mode = "markdown_text" if chunks is None else "chunks"
        if stream.mode not in ("", mode):
            raise Refused("streaming_mode_mismatch")
        if chunks is None:
            chunks = [{"type": "markdown_text", "text": markdown}]
        check_chunks(chunks)
        grown = Stream(stream.started, stream.recipient, markdown=stream.markdown)
        grown.tasks = {
            name: type(task)(task.title, task.status, task.details, task.output)
            for name, task in stream.tasks.items()
        }
        grown.plan = stream.plan
        grown.apply(chunks)
        grown.check()
        stream.mode = mode
        stream.plan, stream.tasks, stream.markdown = grown.plan, grown.tasks, grown.markdown
        message.history.append(message.visible)

    def _open_stream(self, arguments: Json) -> Message:
        message = self._workspace.own(arguments)
        if not self._workspace.alive(message):
            stopped = message.stream is not None and message.stream.stopped_by
            raise Refused("stopped_by_user" if stopped else "message_not_in_streaming_state")
        return message

    def _append_stream(self, arguments: Json) -> Json:
        message = self._open_stream(arguments)
        self._feed(message, arguments, needed=True)
        return {"channel": message.channel, "ts": message.ts}

    def _stop_stream(self, arguments: Json) -> Json:
        message = self._open_stream(arguments)
        blocks: list[Json] = arguments.get("blocks", [])
        self._workspace.check_blocks(blocks)
        status = arguments.get("session_status", "active")
        if status not in {"active", "processing", "suspended", "closed"}:
            raise Refused("invalid_arguments")
        self._feed(message, arguments, needed=False)
        assert message.stream is not None
        message.stream.end()
        message.blocks = blocks
        message.metadata = arguments.get("metadata")
        message.history.append(message.visible)
        if self._workspace.agent:
            self._workspace.sessions[message.channel, message.thread_ts] = status
        return {"channel": message.channel, "ts": message.ts, "message": message.event()}
