"""Moves a chat toward the messages that it should have for a run."""

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from thinkaloud.channels.discord.api import Api, MessageGone
from thinkaloud.channels.discord.parts import GrowingAnswer
from thinkaloud.channels.discord.render import Draft, drafts
from thinkaloud.channels.discord.send import Place, delete, edit, post
from thinkaloud.channels.markdown.rendering import Rendering
from thinkaloud.channels.platform.content import ChatContent
from thinkaloud.channels.platform.errors import Rejected, RetryLater
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.platform.platform import Sent

_MAX_RUNS: Final = 256
_log = logging.getLogger(__name__)


class Posted(msgspec.Struct, frozen=True):
    """A message that was sent."""

    message_id: str
    """Empty if it isn't there, and isn't to be sent again."""
    digest: str


class Record(msgspec.Struct, frozen=True):
    """What was sent for a run."""

    posted: Mapping[str, Posted] = {}
    """By the slot of the draft."""
    again: int = 0
    """How many messages of the answer were deleted by somebody and sent again."""

    def placed(self, slot: str, posted: Posted | None) -> "Record":
        """Return the record with a message in its slot, or without it."""
        others = {key: each for key, each in self.posted.items() if key != slot}
        if posted is not None:
            others[slot] = posted
        return msgspec.structs.replace(self, posted=others)


class _Run:
    """What is known of a run that is being shown."""

    def __init__(self) -> None:
        self.answer = GrowingAnswer()
        self.last_slot = ""
        """The slot of the last update."""


class Display:
    """Shows runs."""

    def __init__(self, api: Api, rendering: Rendering) -> None:
        self._api = api
        self._rendering = rendering
        self._runs: OrderedDict[str, _Run] = OrderedDict()

    async def show(self, chat: ChatAddress, content: ChatContent, sent: Sent) -> bool:
        """See `Platform.show`. An update makes at most one call; the end makes all."""
        run = self._runs.pop(content.run_id, None) or _Run()
        wanted = await self._rendering.call(content.chars, _wanted, run.answer, content)
        self._keep(content.run_id, run)  # Not if this was cancelled: a thread still works with it.
        job = _Job(self._api, chat, content, sent, wanted)
        try:
            if content.final:
                await job.finish()
                self._runs.pop(content.run_id, None)
                return True
            return await job.step(run)
        except RetryLater as order:
            # The end doesn't wait for the updates before it, unless it is limited itself.
            if order.scope == "channel" or content.final:
                raise
            raise RetryLater(order.seconds, "updates") from None

    def _keep(self, run_id: str, run: _Run) -> None:
        self._runs[run_id] = run
        if len(self._runs) > _MAX_RUNS:
            self._runs.popitem(last=False)


def _wanted(answer: GrowingAnswer, content: ChatContent) -> Sequence[Draft]:
    return drafts(content, answer.parts(content.answer))


class _Job:
    """One call of `show`."""

    def __init__(
        self,
        api: Api,
        chat: ChatAddress,
        content: ChatContent,
        sent: Sent,
        wanted: Sequence[Draft],
    ) -> None:
        self._api = api
        self._content = content
        self._sent = sent
        self._record = sent.load(Record) or Record()
        self._place = Place.of(chat)
        self._drafts = wanted

    async def step(self, run: _Run) -> bool:
        """Make one change that is missing. Returns whether none is left."""
        missing = self._missing()
        if not missing:
            return True
        new = [draft for draft in missing if not self._has(draft.slot)]
        # The work and the answer take turns, so that neither waits for the end of the other.
        others = [draft for draft in missing if draft.slot != run.last_slot]
        by_turn = sorted(others, key=lambda draft: draft.slot != "work")
        draft = (*new, *by_turn, *missing)[0]
        await self._put(draft)
        run.last_slot = draft.slot
        return not self._missing()

    async def finish(self) -> None:
        """Make all changes: first what people wait for, the answer; then the work is folded."""
        for _ in range(3):  # Again, if somebody deletes messages at this moment.
            for draft in self._missing():
                await self._put(draft)
            if not self._missing():
                break
        await self._remove_others()

    def _missing(self) -> Sequence[Draft]:
        """Return the messages to send or edit: new work above the answer, old work after it."""
        missing = [draft for draft in self._drafts if not self._is_shown(draft)]
        return sorted(missing, key=lambda draft: draft.slot == "work" and self._has(draft.slot))

    def _has(self, slot: str) -> bool:
        return slot in self._record.posted

    def _is_shown(self, draft: Draft) -> bool:
        posted = self._record.posted.get(draft.slot)
        return posted is not None and (not posted.message_id or posted.digest == draft.digest)

    async def _put(self, draft: Draft) -> None:
        """Send a message, or edit it. The work may fail for good; the answer must not."""
        try:
            await self._send(draft)
        except Rejected as error:
            if draft.slot != "work":
                raise
            _log.warning("the message about the work was rejected: %s", error.message)
            await self._save(draft.slot, Posted("", ""))

    async def _send(self, draft: Draft) -> None:
        posted = self._record.posted.get(draft.slot)
        final = self._content.final
        if posted is None:
            made = await post(self._api, self._where(draft), draft, self._key(draft), final=final)
            digest = draft.digest if made.is_as_sent else ""
            await self._save(draft.slot, Posted(made.message_id, digest))
            return
        try:
            await edit(self._api, self._place, posted.message_id, draft, final=final)
        except MessageGone:
            await self._gone(draft.slot)
            return
        await self._save(draft.slot, Posted(posted.message_id, draft.digest))

    async def _gone(self, slot: str) -> None:
        """Note that somebody deleted a message: only the answer is sent again."""
        if slot == "work":
            await self._save(slot, Posted("", ""))
            return
        again = self._record.again + 1
        self._record = msgspec.structs.replace(self._record, again=again)
        await self._save(slot, None)

    def _where(self, draft: Draft) -> Place:
        """Return the place; in groups, the first message of the answer replies to the question."""
        origin = self._content.origin
        if draft.slot == "0" and origin is not None and origin.is_group:
            return Place(self._place.channel, origin.message_id)
        return self._place

    def _key(self, draft: Draft) -> str:
        return f"{self._content.run_id}/{draft.slot}/{self._record.again}"

    async def _remove_others(self) -> None:
        """Delete messages that the end doesn't need, such as a part of an answer that got shorter."""
        wanted = {draft.slot for draft in self._drafts}
        for slot, posted in list(self._record.posted.items()):
            if slot in wanted:
                continue
            if posted.message_id:
                with suppress(Rejected):  # Somebody else has deleted it.
                    await delete(self._api, self._place, posted.message_id, final=True)
            await self._save(slot, None)

    async def _save(self, slot: str, posted: Posted | None) -> None:
        self._record = self._record.placed(slot, posted)
        await self._sent.save(self._record)
