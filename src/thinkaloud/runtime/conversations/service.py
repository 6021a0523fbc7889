"""What can be done with a whole conversation, beside running in it."""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from typing import Literal

from thinkaloud.core.conversations.export import as_json, as_markdown
from thinkaloud.core.conversations.title import title_of
from thinkaloud.errors import Conflict, InvalidRequest, NotFound, StoreError
from thinkaloud.events.fold import Fold, RunFold
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.store import (
    Conversation,
    ConversationCursor,
    ConversationPatch,
    RunRecord,
    Store,
)
from thinkaloud.ports.uploads import Uploads
from thinkaloud.runtime.conversations.branching import copied_runs
from thinkaloud.runtime.conversations.run_stopper import RunStopper
from thinkaloud.runtime.conversations.versions import selected
from thinkaloud.runtime.log.hub import Hub

MAX_TITLE_CHARS = 200
_log = logging.getLogger(__name__)


class Conversations:
    """The conversations of all owners. Each method looks up by owner and id, or raises `NotFound`."""

    def __init__(
        self, store: Store, hub: Hub, active: RunStopper, clock: Clock, uploads: Uploads
    ) -> None:
        self._store = store
        self._hub = hub
        self._active = active
        self._clock = clock
        self._uploads = uploads

    async def get(self, owner: str, conversation_id: str) -> Conversation:
        """Look up a conversation."""
        found = await self._store.conversation(owner, conversation_id)
        if found is None:
            raise NotFound("There is no such conversation.")
        return found

    async def search(
        self,
        owner: str,
        *,
        before: ConversationCursor | None = None,
        limit: int = 50,
        words: str | None = None,
    ) -> Sequence[Conversation]:
        """List conversations, the latest updated first, with all these words if any.

        A page goes on after `before`. What the user and the answers said is searched, and titles; never reasoning (P1).
        """
        return await self._store.conversations(owner, before=before, limit=limit, search=words)

    async def create(
        self, owner: str, conversation_id: str | None, title: str = "", *, temporary: bool = False
    ) -> Conversation:
        """Make a conversation, empty, with this id or a new one.

        Raises `Conflict` where the owner has it already, `NotFound` where somebody else has,
        `InvalidRequest` where a temporary one is to have an id of the caller's.
        """
        if temporary and conversation_id is not None:
            raise InvalidRequest(
                "A temporary conversation gets its id from the server: leave conversation_id out.",
                field="conversation_id",
            )
        now_ms = self._clock.unix_ms()
        name = conversation_id or f"conv_{secrets.token_hex(12)}"
        new = Conversation(name, owner, now_ms, now_ms, title, temporary)
        if not await self._store.create_conversation(new):
            await self.get(owner, name)
            raise Conflict(f"There is a conversation {name} already.")
        return new

    async def rename(self, owner: str, conversation_id: str, title: str) -> Conversation:
        """Give a conversation a title of the user's. Raises `InvalidRequest`."""
        await self.get(owner, conversation_id)
        title = " ".join(title.split())
        if not title or len(title) > MAX_TITLE_CHARS:
            raise InvalidRequest(f"A title has 1 to {MAX_TITLE_CHARS} characters.", field="title")
        change = ConversationPatch(title=title)
        renamed = await self._store.update_conversation(owner, conversation_id, change)
        return renamed or await self.get(owner, conversation_id)

    async def entitle(self, record: RunRecord, run: RunFold | None = None) -> None:
        """Give a conversation without a title one from the answer of this run, which has ended.

        `run` is that run as it stands, where the caller has read it.
        """
        found = await self._store.conversation(record.owner, record.conversation_id)
        if found is None or found.title:
            return
        run = run or await self._ended(record)
        if run is None:
            return
        view = run.view()
        change = ConversationPatch(default_title=title_of(view.response, view.input.text))
        await self._store.update_conversation(record.owner, record.conversation_id, change)

    async def _ended(self, record: RunRecord) -> RunFold | None:
        log = self._hub.live(record.owner, record.conversation_id)
        if log is not None and record.run_id in log.runs:
            return log.runs[record.run_id]
        return (await self._hub.fold(record.owner, record.conversation_id)).runs.get(record.run_id)

    async def delete(self, owner: str, conversation_id: str) -> None:
        """Stop what runs in a conversation and delete all of it, with the uploads that only it used."""
        await self.get(owner, conversation_id)
        await self._stop_all(owner, conversation_id)
        with self._hub.reader.deleting():
            await self._store.delete_conversation(owner, conversation_id)
            self._hub.forget(owner, conversation_id)
        # A run may have begun while the others were being stopped.
        await self._stop_all(owner, conversation_id)
        await self._uploads.release(owner, conversation_id)
        await self._store.scrub()

    async def purge(self, older_than_ms: int) -> None:
        """Delete the conversations of all owners last updated before this moment (Unix ms).

        Those with a run that has not ended stay. Raises `StoreError`.
        """
        gone = False
        while old := await self._purge_some(older_than_ms):
            gone = True
            for owner, conversation_id in old:
                await self._uploads.release(owner, conversation_id)
        if gone:
            await self._store.scrub()

    async def _purge_some(self, older_than_ms: int) -> Sequence[tuple[str, str]]:
        with self._hub.reader.deleting():
            old = await self._store.purge(older_than_ms)
            for owner, conversation_id in old:
                self._hub.forget(owner, conversation_id)
        return old

    async def release_uploads(self, *, closing: bool = False) -> None:
        """Delete the uploads that only conversations used which are gone, however they went.

        When it is `closing` time, temporary conversations are gone, too. Where that fails it is
        logged; they are there to be deleted another time.
        """
        try:
            for owner, conversation_id in await self._uploads.used():
                found = await self._store.conversation(owner, conversation_id)
                if found is None or (closing and found.temporary):
                    await self._uploads.release(owner, conversation_id)
        except StoreError:
            _log.exception("uploads of conversations that are gone are still there")

    async def _stop_all(self, owner: str, conversation_id: str) -> None:
        for run_id in self._active.in_conversation(owner, conversation_id):
            await self._active.stop(run_id)

    async def export(
        self,
        owner: str,
        conversation_id: str,
        form: Literal["json", "markdown"],
        *,
        include_reasoning: bool,
        version: str | None = None,
    ) -> bytes:
        """Return a conversation as a document, as it stands now.

        `version` is a run of the version to write; None: the one selected. JSON has the others,
        too. Raises `InvalidRequest` where there is no such run.
        """
        found = await self.get(owner, conversation_id)
        fold = await self._hub.fold(owner, conversation_id)
        if version is not None and fold.run(version) is None:
            raise InvalidRequest("version names no run of this conversation.", field="version")
        path = fold.runs if version is None else fold.tree.path(version)
        if form == "markdown":
            text = as_markdown(fold, path, found.title, include_reasoning=include_reasoning)
            return text.encode()
        return as_json(
            fold, path, found.title, found.created_at_ms, include_reasoning=include_reasoning
        )

    async def select(self, owner: str, conversation_id: str, run_id: str) -> Fold:
        """Select the version that this run is part of, with what followed it; return the result.

        On the current path already: nothing changes. Raises `Conflict` while a run is going on.
        """
        await self.get(owner, conversation_id)
        return await selected(owner, conversation_id, run_id, self._hub, self._active)

    async def branch(self, owner: str, conversation_id: str, run_id: str) -> Conversation:
        """Make a new conversation of everything up to and with this run.

        The run may be of any version. Raises `Conflict` where it or one before it still goes on,
        `NotFound` where there is none.
        """
        found = await self.get(owner, conversation_id)
        now_ms = self._clock.unix_ms()
        branch = Conversation(
            f"conv_{secrets.token_hex(12)}", owner, now_ms, now_ms, found.title, found.temporary
        )
        events = await self._hub.logged(owner, conversation_id)
        # A long conversation is much to copy: nobody else waits for that.
        runs, files = await asyncio.to_thread(copied_runs, events, run_id, branch)
        await self._store.create_conversation(branch, runs)
        await self._uploads.use(owner, files, branch.conversation_id)
        return branch
