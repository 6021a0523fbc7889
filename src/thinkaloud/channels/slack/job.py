"""Showing a run once: what has been sent, what to show, and what may be called now."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, ParamSpec, TypeVar

import msgspec

from thinkaloud.channels.markdown.rendering import Rendering
from thinkaloud.channels.platform.content import ChatContent
from thinkaloud.channels.platform.errors import RetryLater
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.platform.platform import Budget, Limits, Pace, Sent
from thinkaloud.channels.slack.api import SlackApi
from thinkaloud.channels.slack.parts import Cut, first_cut, first_part
from thinkaloud.channels.slack.read import Place
from thinkaloud.channels.slack.render import (
    Change,
    SentRow,
    SentText,
    answer_of,
    stream_change,
    visible_part,
)
from thinkaloud.ports.clock import Clock

P = ParamSpec("P")
R = TypeVar("R")
Phase = Literal["new", "streaming", "message", "done", "lost"]

MINUTE: Final = 61.0
"""A minute on Slack's clock, whatever the network adds."""
METHODS: Final[Mapping[str, str]] = {
    "start": "chat.startStream",
    "append": "chat.appendStream",
    "stop": "chat.stopStream",
    "update": "chat.update",
    "post": "chat.postMessage",
    "whisper": "chat.postEphemeral",
    "status": "agents.sessions.setStatus",
}
"""The method of each budget."""
LIMITS: Final = Limits(
    edit_seconds=1.0,
    group_edit_seconds=2.0,
    budgets=(
        Budget("start", 20, MINUTE, reserve=0),
        Budget("append", 100, MINUTE),
        Budget("stop", 20, MINUTE),
        Budget("update", 50, MINUTE),
        Budget("status", 50, MINUTE, reserve=0),
        Budget("post", 1, 1.05, "chat", reserve=0),
        Budget("file", 20, MINUTE, reserve=0),
        Budget("whisper", 100, MINUTE, reserve=0),
    ),
)
"""Tiers 2 to 4, shared by the workspace: https://docs.slack.dev/apis/web-api/rate-limits. Posts: one a second per channel."""


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """What has been sent for a run."""

    thread: str
    phase: Phase = "new"
    """`streaming`: `ts` is an open stream. `message`: it can be edited. `done`: it is complete.
    `lost`: it can't be changed any more; the final becomes a new message."""
    ts: str = ""
    started_at_ms: int = 0
    """When the stream was started, by our clock."""
    title: str = ""
    rows: Mapping[str, SentRow] = {}
    text: SentText = SentText()
    cut: Cut | None = None
    """Where the answer's first part ends; decided when it no longer fits."""
    differs: bool = False
    """Whether the stream shows, or may show, something wrong: it is replaced at the end."""
    stuck: bool = False
    """Whether the stream accepts nothing more."""
    shown: str = ""
    """A digest of the blocks of `ts`, once it is edited."""
    plain: bool = False
    """Whether Slack refused formatted blocks."""
    parts: tuple[str, ...] = ()
    """The messages with the answer's further parts."""
    pending: str = ""
    """A call that began and whose outcome is not known: `start`, or the number of a part."""


class Switches(msgspec.Struct):
    """What this workspace turned out not to support."""

    streams: bool = True
    containers: bool = True
    sessions: bool = True


class Tools(msgspec.Struct, frozen=True):
    """What a job works with."""

    api: SlackApi
    pace: Pace
    clock: Clock
    switches: Switches
    rendering: Rendering


class Job:
    """One call of `Platform.show`."""

    def __init__(self, tools: Tools, chat: ChatAddress, content: ChatContent, sent: Sent) -> None:
        self.api = tools.api
        self.switches = tools.switches
        self.clock = tools.clock
        self.chat = chat
        self.content = content
        self.place = Place.of(content.origin)
        self.record = sent.load(Record) or Record(chat.thread_id or self.place.thread)
        self.answer = answer_of(content)
        self._pace = tools.pace
        self._sent = sent
        self.stopped = False
        """Whether this call ended the stream."""
        self.first = ""
        """The answer's first part, as far as it is settled."""
        self._rendering = tools.rendering

    async def divide(self) -> None:
        """Decide where the first part ends, as soon as the answer is too long for it. Call it first."""
        cut, self.first = await self.render(_divided, self.content, self.answer, self.record)
        self.record = msgspec.structs.replace(self.record, cut=cut)

    async def render(self, render: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a pure function of the content."""
        return await self._rendering.call(self.content.chars, render, *args, **kwargs)

    @property
    def final(self) -> bool:
        """Whether nothing will change any more."""
        return self.content.final

    async def change(self) -> Change:
        """Return how the stream gets to what it should show."""
        record = self.record
        return await self.render(
            stream_change, self.content, self.first, record.title, record.rows, record.text
        )

    async def save(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of Record
        """Change the record and persist it."""
        self.record = msgspec.structs.replace(self.record, **changes)
        await self._sent.save(self.record)

    def wait_ms(self, budget: str) -> int:
        """Return for how long Slack asked not to make a call."""
        return self.api.wait_ms(METHODS[budget], self.chat.chat_id)

    def may(self, budget: str) -> bool:
        """Count a call if it may be made now."""
        if self.wait_ms(budget):
            return False
        return self._pace.try_spend(budget, self.chat, final=self.final)

    async def room(self, budget: str) -> bool:
        """Count a call; a final one waits until it may be made. Raises `RetryLater`."""
        if not self.final:
            return self.may(budget)
        if wait := self.wait_ms(budget):
            raise RetryLater(wait / 1000)
        await self._pace.spend(budget, self.chat, final=True)
        return True

    async def call(self, budget: str, **arguments: object) -> Mapping[str, Any]:
        """Call a method on the chat's channel. Raises as `SlackApi.call`."""
        return await self.api.call(METHODS[budget], channel=self.chat.chat_id, **arguments)


def _divided(content: ChatContent, answer: str, record: Record) -> tuple[Cut | None, str]:
    """Return where the answer's first part ends, and the part as far as it is settled."""
    cut = record.cut or first_cut(answer, record.text.source)
    return cut, visible_part(content, first_part(answer, cut), closed=cut is not None)
