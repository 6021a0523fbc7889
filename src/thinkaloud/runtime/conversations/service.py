"""Operations on whole conversations."""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from typing import Literal

import msgspec

from thinkaloud.core.conversations.export import as_json, as_markdown
from thinkaloud.errors import Conflict, InvalidRequest, NotFound, StoreError
from thinkaloud.events.fold import Fold
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.store import (
    Conversation,
    ConversationCursor,
    ConversationKey,
    ConversationPatch,
    Store,
)
from thinkaloud.ports.uploads import Uploads
from thinkaloud.runtime.conversations.branching import copied_runs
from thinkaloud.runtime.conversations.run_stopper import RunStopper
from thinkaloud.runtime.conversations.versions import selected
from thinkaloud.runtime.log.hub import Hub
from thinkaloud.runtime.reasoning.reader import Reader

MAX_TITLE_CHARS = 200
_log = logging.getLogger(__name__)


class Conversations:
    """The conversations of all owners. Methods look up by owner and id, or raise `NotFound`."""

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
        """List conversations after `before`, most recently updated first.

        With `words`, only those whose titles, messages or answers contain all of them. Reasoning
        is never searched (P1).
        """
        return await self._store.conversations(owner, before=before, limit=limit, search=words)

    async def create(
        self, owner: str, conversation_id: str | None, title: str = "", *, temporary: bool = False
    ) -> Conversation:
        """Create an empty conversation with this id or a generated one.

        Raises `Conflict` if the owner already has it, and `InvalidRequest` if a temporary one is
        given an id.
        """
        if temporary and conversation_id is not None:
            raise InvalidRequest(
                "The server assigns the id of a temporary conversation: leave conversation_id out.",
                field="conversation_id",
            )
        now_ms = self._clock.unix_ms()
        name = conversation_id or f"conv_{secrets.token_hex(12)}"
        new = Conversation(name, owner, now_ms, now_ms, title, temporary)
        if not await self._store.create_conversation(new):
            raise Conflict(f"Conversation {name} already exists.")
        return new

    async def rename(self, owner: str, conversation_id: str, title: str) -> Conversation:
        """Set the title of a conversation. Raises `InvalidRequest`."""
        await self.get(owner, conversation_id)
        title = " ".join(title.split())
        if not title or len(title) > MAX_TITLE_CHARS:
            raise InvalidRequest(
                f"A title must have 1 to {MAX_TITLE_CHARS} characters.", field="title"
            )
        change = ConversationPatch(title=title)
        renamed = await self._store.update_conversation(owner, conversation_id, change)
        return renamed or await self.get(owner, conversation_id)

    async def delete(self, owner: str, conversation_id: str) -> None:
        """Stop a conversation's runs and delete it, with the uploads that only it used."""
        await self.get(owner, conversation_id)
        await self.discard(owner, conversation_id)
        await self._uploads.release(owner, conversation_id)
        await self._store.scrub()

    async def discard(self, owner: str, conversation_id: str) -> None:
        """Stop a conversation's runs and delete it. For one that is in memory, without uploads."""
        await self._stop_all(owner, conversation_id)
        with self._hub.reader.deleting():
            await self._store.delete_conversation(owner, conversation_id)
            self._hub.forget(owner, conversation_id)
        # A run may have started while the others were being stopped.
        await self._stop_all(owner, conversation_id)

    async def purge(self, older_than_ms: int) -> None:
        """Delete the conversations of all owners last updated before this time (Unix ms).

        Keeps those with a run that has not ended. Raises `StoreError`.
        """
        gone = False
        while old := await self._purge_some(older_than_ms):
            gone = True
            for owner, conversation_id in old:
                await self._uploads.release(owner, conversation_id)
        if gone:
            await self._store.scrub()

    async def _purge_some(self, older_than_ms: int) -> Sequence[ConversationKey]:
        with self._hub.reader.deleting():
            old = await self._store.purge(older_than_ms)
            for owner, conversation_id in old:
                self._hub.forget(owner, conversation_id)
        return old

    async def release_uploads(self, *, closing: bool = False) -> None:
        """Delete uploads that are used only by deleted conversations.

        With `closing`, temporary conversations of this process count as deleted. One that is not
        found in a shared store may be a temporary one of another process, so its uploads are kept.
        A failure is logged; the uploads can be deleted later.
        """
        try:
            for owner, conversation_id in await self._uploads.used():
                found = await self._store.conversation(owner, conversation_id)
                gone = not self._store.is_shared if found is None else closing and found.temporary
                if gone:
                    await self._uploads.release(owner, conversation_id)
        except StoreError:
            _log.exception("could not delete the uploads of deleted conversations")

    async def _stop_all(self, owner: str, conversation_id: str) -> None:
        for run_id in await self._active.in_conversation(owner, conversation_id):
            await self._active.stop_by_id(owner, run_id)

    async def export(
        self,
        owner: str,
        conversation_id: str,
        form: Literal["json", "markdown"],
        *,
        include_reasoning: bool,
        version: str | None = None,
        reader: Reader | None = None,
    ) -> bytes:
        """Export the current state of a conversation as a document.

        `version` is a run of the version to export; None: the selected one. JSON also includes
        the other versions. `reader` is who it is for; None: somebody who may read everything.
        Raises `InvalidRequest` if there is no such run.
        """
        found = await self.get(owner, conversation_id)
        fold = await self._hub.fold(owner, conversation_id)
        if reader is not None:
            fold = reader.fold(fold)
        if version is not None and fold.run(version) is None:
            raise InvalidRequest("version is not a run of this conversation.", field="version")
        path = fold.runs if version is None else fold.tree.path(version)
        if form == "markdown":
            text = as_markdown(fold, path, found.title, include_reasoning=include_reasoning)
            return text.encode()
        return as_json(
            fold, path, found.title, found.created_at_ms, include_reasoning=include_reasoning
        )

    async def select(self, owner: str, conversation_id: str, run_id: str) -> Fold:
        """Select the version that this run is part of and return the updated conversation.

        Does nothing if the run is on the current path. Raises `Conflict` while a run is active.
        """
        await self.get(owner, conversation_id)
        return await selected(owner, conversation_id, run_id, self._hub, self._active)

    async def branch(self, owner: str, conversation_id: str, run_id: str) -> Conversation:
        """Create a conversation with copies of all runs up to and including this one.

        The run may be of any version. Raises `Conflict` if it or an earlier run is still active,
        and `NotFound` if there is no such run.
        """
        found = await self.get(owner, conversation_id)
        now_ms = self._clock.unix_ms()
        branch = msgspec.structs.replace(
            found,
            conversation_id=f"conv_{secrets.token_hex(12)}",
            created_at_ms=now_ms,
            updated_at_ms=now_ms,
        )
        events = await self._hub.logged(owner, conversation_id)
        # In a thread: copying a long conversation would block the event loop.
        runs, files = await asyncio.to_thread(copied_runs, events, run_id, branch)
        await self._store.create_conversation(branch, runs)
        await self._uploads.use(owner, files, branch.conversation_id)
        return branch
