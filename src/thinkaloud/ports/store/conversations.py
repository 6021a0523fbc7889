"""The port for conversations: their metadata, listing, search and deletion."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from thinkaloud.ports.store.event_log import FinishedRun

ConversationKey = tuple[str, str]
"""The owner and the id of a conversation. An id is a name within its owner."""


class Conversation(msgspec.Struct, frozen=True, gc=False):
    """A conversation's metadata, without its log."""

    conversation_id: str
    owner: str
    created_at_ms: int
    updated_at_ms: int
    title: str = ""
    temporary: bool = False
    """Kept in memory only, and not listed."""
    unlisted: bool = False
    """In no list and no search. It is found by its id only."""


class ConversationPatch(msgspec.Struct, frozen=True, gc=False):
    """Changes to a conversation. A field that is None is left unchanged."""

    title: str | None = None
    default_title: str | None = None
    """Used if the conversation has no title."""
    updated_at_ms: int | None = None

    def applied(self, conversation: Conversation) -> Conversation:
        """Return the changed conversation."""
        title = conversation.title or self.default_title or ""
        updated_at_ms = self.updated_at_ms
        return msgspec.structs.replace(
            conversation,
            title=title if self.title is None else self.title,
            updated_at_ms=conversation.updated_at_ms if updated_at_ms is None else updated_at_ms,
        )


ConversationCursor = tuple[int, str]
"""A position in a list of conversations: `updated_at_ms` and id of the last one seen."""


class ConversationStore(Protocol):
    """Stores conversations. Another owner's read as missing: None, not an error.

    A method that fails raises `thinkaloud.errors.StoreError` and changes nothing.
    """

    async def create_conversation(
        self, conversation: Conversation, runs: Sequence[FinishedRun] = ()
    ) -> bool:
        """Create a conversation with these runs atomically.

        Returns False if its owner already uses the id.
        """
        ...

    async def conversation(self, owner: str, conversation_id: str) -> Conversation | None:
        """Look up a conversation of this owner."""
        ...

    async def conversations(
        self,
        owner: str,
        *,
        before: ConversationCursor | None,
        limit: int,
        search: str | None = None,
    ) -> Sequence[Conversation]:
        """List this owner's conversations after `before`, most recently updated first.

        Ties are ordered by id, descending. With `search`, only those whose title or indexed text
        contains all its words, ignoring case. Unlisted ones are left out.
        """
        ...

    async def update_conversation(
        self, owner: str, conversation_id: str, change: ConversationPatch
    ) -> Conversation | None:
        """Update a conversation of this owner and return it; None if there is none.

        Concurrent updates do not overwrite each other.
        """
        ...

    async def delete_conversation(self, owner: str, conversation_id: str) -> bool:
        """Delete a conversation with its runs, log and index. Returns False if there is none."""
        ...

    async def purge(self, older_than_ms: int) -> Sequence[ConversationKey]:
        """Delete a batch of conversations, of any owner, last updated before this time (Unix ms).

        Keeps those with a run that has not ended. Returns the owner and id of each deleted
        conversation; empty once there are no more.
        """
        ...

    async def scrub(self) -> None:
        """Remove the last traces of deleted data. What cannot be removed now is retried later."""
        ...
