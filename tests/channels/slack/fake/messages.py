"""Messages of the fake workspace, and what a person sees of them."""

from dataclasses import dataclass, field
from typing import Any, Final

from tests.channels.slack.fake.validation import Json, Refused

LIFETIME: Final = 306.0
"""Seconds after which Slack ends a stream, whatever is appended (hermes-agent#59010)."""
STREAM_BYTES: Final = 10_600
"""UTF-8 bytes of a stream: its markdown and its rows, where details count twice (openclaw#143882)."""
ROWS: Final = 50


@dataclass
class Task:
    """A row of a plan."""

    title: str
    status: str
    details: str = ""
    output: str = ""

    @property
    def weight(self) -> int:
        return len(self.title.encode()) + 2 * len((self.details + self.output).encode())


@dataclass
class Stream:
    """The state of a streamed message. `mode` is set by its first payload."""

    started: float
    recipient: str
    mode: str = ""
    open: bool = True
    stopped_by: str = ""
    plan: str = ""
    tasks: dict[str, Task] = field(default_factory=dict[str, Task])
    markdown: str = ""

    def apply(self, chunks: list[Json]) -> None:
        """Apply chunks: a title and a status replace, details, output and text append."""
        for chunk in chunks:
            match chunk["type"]:
                case "markdown_text":
                    self.markdown += chunk["text"]
                case "plan_update":
                    self.plan = chunk["title"]
                case "task_update":
                    task = self.tasks.setdefault(chunk["id"], Task("", "pending"))
                    task.title, task.status = chunk["title"], chunk["status"]
                    task.details += chunk.get("details", "")
                    task.output += chunk.get("output", "")
                case _:
                    raise AssertionError(chunk)

    def check(self) -> None:
        """Refuse a stream that has grown too large."""
        weight = len(self.markdown.encode()) + sum(task.weight for task in self.tasks.values())
        if weight > STREAM_BYTES or len(self.tasks) > ROWS:
            raise Refused("msg_too_long")

    def end(self) -> None:
        """End the stream. A row that is still in progress is shown as failed (vercel/chat#911)."""
        self.open = False
        for task in self.tasks.values():
            if task.status in {"pending", "in_progress"}:
                task.status = "error"


@dataclass
class Message:
    """One message of a channel. `history` holds what it looked like after each change."""

    channel: str
    ts: str
    user: str
    text: str = ""
    thread_ts: str = ""
    blocks: list[Json] = field(default_factory=list[Json])
    stream: Stream | None = None
    metadata: Json | None = None
    only_for: str = ""
    files: list[Json] = field(default_factory=list[Json])
    history: list[str] = field(default_factory=list[str])

    @property
    def folded(self) -> str:
        """What is behind a fold: the rows of the plan, and the contents of collapsed containers."""
        lines = [
            line
            for task in (self.stream.tasks.values() if self.stream else [])
            for line in (task.title + task.details, task.output)
        ]
        lines += [
            "".join(text_of(child) for child in block["child_blocks"])
            for block in self.blocks
            if block["type"] == "container" and block.get("default_collapsed")
        ]
        return "\n".join(line for line in lines if line)

    @property
    def visible(self) -> str:
        """What is seen without opening anything. Blocks hide the text, which then only notifies."""
        parts: list[str] = []
        if self.stream:
            parts += [self.stream.plan, self.stream.markdown]
        if not self.blocks and not self.stream:
            parts.append(unescaped(self.text))
        for block in self.blocks:
            if block["type"] == "container":
                parts.append(block["title"]["text"])
            else:
                parts.append(text_of(block))
        return "\n".join(part for part in parts if part)

    @property
    def buttons(self) -> list[Json]:
        return [
            element
            for block in self.blocks
            if block["type"] == "actions"
            for element in block["elements"]
        ]

    def event(self) -> Json:
        """The message as events and `conversations.replies` show it."""
        shown: Json = {"type": "message", "user": self.user, "ts": self.ts, "text": self.text}
        if self.thread_ts:
            shown["thread_ts"] = self.thread_ts
        if self.files:
            shown["files"] = self.files
        if self.stream:
            shown["streaming_state"] = "in_progress" if self.stream.open else "completed"
        if self.metadata:
            shown["metadata"] = self.metadata
        return shown


def text_of(block: Json) -> str:
    """The text of a block, as a person reads it."""
    match block["type"]:
        case "section":
            return block["text"]["text"]
        case "markdown":
            return block["text"]
        case "context":
            return " ".join(element["text"] for element in block["elements"])
        case "actions":
            return " ".join(f"[{element['text']['text']}]" for element in block["elements"])
        case _:
            return ""


def unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def arguments(value: Any) -> str:
    """Every string below a value, one a line: what left for Slack."""
    if isinstance(value, dict):
        return "\n".join(arguments(each) for each in value.values())
    if isinstance(value, list):
        return "\n".join(map(arguments, value))
    return str(value)
