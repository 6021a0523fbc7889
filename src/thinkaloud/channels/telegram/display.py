"""Moves chats toward the content of their runs: drafts in direct chats, one edited message elsewhere."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Final

import msgspec

from thinkaloud.channels.markdown.rendering import Rendering
from thinkaloud.channels.platform.actions import stop_action, why_action
from thinkaloud.channels.platform.content import ChatContent
from thinkaloud.channels.platform.errors import Rejected
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.platform.platform import Sent
from thinkaloud.channels.telegram.api import MessageGone, NotModified, UnknownMethod
from thinkaloud.channels.telegram.render import Form, draft, finished, progress
from thinkaloud.channels.telegram.send import Button, Letter, Sending, is_direct
from thinkaloud.ports.clock import Clock

_log = logging.getLogger(__name__)

_KEEP_DRAFT_MS: Final = 15_000
"""A draft disappears after 30 seconds. It is sent again when it is older than this, even if unchanged."""
_SIMPLER: Final[dict[Form, Form]] = {"rich": "html", "html": "text"}
_MOST_DRAFTS: Final = 1_000


class Posted(msgspec.Struct, frozen=True):
    """A message that was sent, and what is in it."""

    message_id: int
    digest: str
    silent: bool = False


class Record(msgspec.Struct, frozen=True):
    """What was sent for a run. Drafts aren't in it: they disappear by themselves."""

    posted: tuple[Posted, ...] = ()
    form: Form | None = None
    """The form for this run, if the server rejected the usual one."""
    replaced: tuple[int, ...] = ()
    """Messages to delete: others have been sent instead."""
    deleted: bool = False
    """Whether somebody deleted the message before the run had ended: the answer comes as a new one."""

    def placed(self, index: int, posted: Posted) -> "Record":
        """Return the record with one more message, or with another one in its place."""
        messages = (*self.posted[:index], posted, *self.posted[index + 1 :])
        return msgspec.structs.replace(self, posted=messages)


class Draft(msgspec.Struct, frozen=True):
    """The draft in a chat. Without digest, the server rejected it, and the run gets no others."""

    run_id: str
    digest: str
    shown_at_ms: int


class Forms:
    """What the server has turned out to know."""

    def __init__(self) -> None:
        self.usual: Form = "rich"
        self.drafts = True

    def simpler(self, form: Form, error: Rejected) -> Form:
        """Return the form to try next; from now on for everything, if the server doesn't know `form` at all.

        Raises the error if there is no simpler one.
        """
        if form not in _SIMPLER:
            raise error
        if isinstance(error, UnknownMethod) and form == "rich":
            _log.info("the server doesn't know rich messages: using HTML")
            self.usual = "html"
        else:
            _log.warning("a message is sent as %s: %s", _SIMPLER[form], error)
        return _SIMPLER[form]


class Display:
    """Shows runs. A call of `show` sends, edits or drafts at most one message."""

    def __init__(self, sending: Sending, forms: Forms, clock: Clock, rendering: Rendering) -> None:
        self._sending = sending
        self._forms = forms
        self._clock = clock
        self._rendering = rendering
        self._drafts: dict[ChatAddress, Draft] = {}

    def has_draft(self, chat: ChatAddress) -> bool:
        """Return whether the chat shows a draft."""
        shown = self._drafts.get(chat)
        return shown is not None and shown.digest != ""

    async def show(self, chat: ChatAddress, content: ChatContent, sent: Sent) -> bool:
        """See `Platform.show`."""
        if content.final:
            self._drafts.pop(chat, None)
            done = await self._finish(chat, content, sent)
            if done:
                await self._clean(chat, sent)
            return done
        if is_direct(chat) and self._forms.drafts:
            return await self._draft(chat, content)
        done = await self._progress(chat, content, sent)
        await self._clean(chat, sent)
        return done

    async def _draft(self, chat: ChatAddress, content: ChatContent) -> bool:
        """Show an unfinished run as a draft. Returns False if it has to be shown in another form."""
        part = await self._rendering.call(content.chars, draft, content, self._forms.usual)
        if part is None or self._is_shown(chat, content.run_id, part.digest):
            return True
        digest = part.digest
        try:
            await self._sending.draft(chat, _draft_id(content.run_id), part, self._forms.usual)
        except UnknownMethod as error:
            if self._forms.usual == "rich":
                self._forms.simpler("rich", error)
            else:
                _log.info("the server doesn't know drafts: editing messages instead")
                self._forms.drafts = False
            return False
        except Rejected as error:
            _log.warning("a draft was rejected: %s", error)
            digest = ""
        if len(self._drafts) >= _MOST_DRAFTS:
            del self._drafts[next(iter(self._drafts))]
        self._drafts[chat] = Draft(content.run_id, digest, self._clock.steady_ms())
        return True

    def _is_shown(self, chat: ChatAddress, run_id: str, digest: str) -> bool:
        """Return whether the draft needn't be sent: it is there and recent, or was rejected before."""
        shown = self._drafts.get(chat)
        if shown is None or shown.run_id != run_id:
            return False
        fresh = self._clock.steady_ms() - shown.shown_at_ms < _KEEP_DRAFT_MS
        return not shown.digest or (shown.digest == digest and fresh)

    async def _progress(self, chat: ChatAddress, content: ChatContent, sent: Sent) -> bool:
        """Show an unfinished run as a message. Returns False if it has to be shown in another form."""
        record = sent.load(Record) or Record()
        form = record.form or self._forms.usual
        part = await self._rendering.call(content.chars, progress, content, form)
        if part is None or record.deleted:
            return True
        letter = Letter(part, form, Button("Stop", stop_action(content.run_id)))
        try:
            await self._place(chat, content, sent, 0, letter)
        except MessageGone:
            await sent.save(msgspec.structs.replace(record, posted=(), deleted=True))
        except Rejected as error:
            simpler = self._forms.simpler(form, error)
            await sent.save(msgspec.structs.replace(record, form=simpler))
            return False
        return True

    async def _finish(self, chat: ChatAddress, content: ChatContent, sent: Sent) -> bool:
        record = sent.load(Record) or Record()
        form = record.form or self._forms.usual
        letters = await self._rendering.end(content, _letters, form)
        missing = [
            index
            for index, letter in enumerate(letters)
            if index >= len(record.posted) or record.posted[index].digest != letter.digest
        ]
        if not missing:
            return True
        index = missing[0]
        try:
            await self._place(chat, content, sent, index, letters[index])
        except MessageGone:
            await sent.save(msgspec.structs.replace(record, posted=record.posted[:index]))
            return False
        except Rejected as error:
            simpler = self._forms.simpler(form, error)
            await sent.save(msgspec.structs.replace(record, form=simpler))
            return False
        return len(missing) == 1

    async def _place(
        self, chat: ChatAddress, content: ChatContent, sent: Sent, index: int, letter: Letter
    ) -> None:
        """Send the message of this index, or edit it if it was sent and is different.

        Edits notify nobody. So a message that was sent silently, for a thought, is not edited when there is an
        answer: it is replaced.
        """
        record = sent.load(Record) or Record()
        old = record.posted[index] if index < len(record.posted) else None
        if old is not None and old.digest == letter.digest:
            return
        silent = letter.part.silent
        if old is not None and (silent or not old.silent):
            with suppress(NotModified):  # An earlier call arrived, but not its response.
                await self._sending.edit(chat, old.message_id, letter)
            posted = Posted(old.message_id, letter.digest, silent)
            await sent.save(record.placed(index, posted))
            return
        origin = content.origin
        reply_to = None
        if origin is not None and index == 0 and not is_direct(chat):
            reply_to = origin.message_id
        message_id = await self._sending.post(chat, letter, reply_to=reply_to)
        record = record.placed(index, Posted(message_id, letter.digest, silent))
        if old is not None:
            record = msgspec.structs.replace(record, replaced=(old.message_id,))
        await sent.save(record)

    async def _clean(self, chat: ChatAddress, sent: Sent) -> None:
        """Delete messages that were replaced."""
        record = sent.load(Record)
        if record is None or not record.replaced:
            return
        for message_id in record.replaced:
            with suppress(Rejected):  # Somebody else has deleted it.
                await self._sending.delete(chat, message_id)
        await sent.save(msgspec.structs.replace(record, replaced=()))


def _letters(content: ChatContent, form: Form) -> Sequence[Letter]:
    """Return the messages of a run that has ended. With `on_request`, the last one has a button for the thought."""
    parts = finished(content, form)
    asks = content.mode == "on_request" and bool(content.thoughts)
    button = Button("Why?", why_action(content.run_id)) if asks else None
    return [
        Letter(part, form, button if number == len(parts) else None)
        for number, part in enumerate(parts, 1)
    ]


def _draft_id(run_id: str) -> int:
    """Return the id of a run's draft: the same after a restart, never 0."""
    return int.from_bytes(sha256(run_id.encode()).digest()[:4]) >> 1 | 1
