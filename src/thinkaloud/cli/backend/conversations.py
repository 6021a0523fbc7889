"""Access to saved conversations."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from thinkaloud.core.conversations.export import Form
from thinkaloud.runtime.conversations.service import Conversations
from thinkaloud.runtime.reasoning.reader import Reader


class ConversationEntry(msgspec.Struct, frozen=True):
    """A conversation's entry in a list."""

    conversation_id: str
    title: str
    created_at_ms: int
    updated_at_ms: int


class Archive(Protocol):
    """Operations on conversations. Raise `NotFound`, `InvalidRequest` or `Conflict`."""

    async def search(self, words: str, limit: int) -> Sequence[ConversationEntry]:
        """List conversations that contain all these words, most recently changed first."""
        ...

    async def get(self, conversation_id: str) -> ConversationEntry:
        """Look up a conversation."""
        ...

    async def rename(self, conversation_id: str, title: str) -> ConversationEntry:
        """Rename a conversation."""
        ...

    async def delete(self, conversation_id: str) -> None:
        """Delete a conversation."""
        ...

    async def branch(self, conversation_id: str, run_id: str) -> ConversationEntry:
        """Copy everything up to and including this run into a new conversation."""
        ...

    async def select(self, conversation_id: str, run_id: str) -> None:
        """Select the version of a message that this run belongs to."""
        ...

    async def export(
        self,
        conversation_id: str,
        form: Form,
        *,
        include_reasoning: bool,
        version: str | None = None,
    ) -> bytes:
        """Export a conversation; `version` is a run in another version."""
        ...


class FileArchive:
    """Conversations in the database, opened by this process."""

    def __init__(self, conversations: Conversations, owner: str, reader: Reader) -> None:
        self._reader = reader
        self._conversations = conversations
        self._owner = owner

    async def search(self, words: str, limit: int) -> Sequence[ConversationEntry]:
        """List conversations that contain all these words."""
        found = await self._conversations.search(self._owner, limit=limit, words=words)
        return [msgspec.convert(each, ConversationEntry, from_attributes=True) for each in found]

    async def get(self, conversation_id: str) -> ConversationEntry:
        """Look up a conversation."""
        found = await self._conversations.get(self._owner, conversation_id)
        return msgspec.convert(found, ConversationEntry, from_attributes=True)

    async def rename(self, conversation_id: str, title: str) -> ConversationEntry:
        """Rename a conversation."""
        renamed = await self._conversations.rename(self._owner, conversation_id, title)
        return msgspec.convert(renamed, ConversationEntry, from_attributes=True)

    async def delete(self, conversation_id: str) -> None:
        """Delete a conversation."""
        await self._conversations.delete(self._owner, conversation_id)

    async def branch(self, conversation_id: str, run_id: str) -> ConversationEntry:
        """Copy everything up to and including this run into a new conversation."""
        made = await self._conversations.branch(self._owner, conversation_id, run_id)
        return msgspec.convert(made, ConversationEntry, from_attributes=True)

    async def select(self, conversation_id: str, run_id: str) -> None:
        """Select the version of a message that this run belongs to."""
        await self._conversations.select(self._owner, conversation_id, run_id)

    async def export(
        self,
        conversation_id: str,
        form: Form,
        *,
        include_reasoning: bool,
        version: str | None = None,
    ) -> bytes:
        """Export a conversation."""
        return await self._conversations.export(
            self._owner,
            conversation_id,
            form,
            include_reasoning=include_reasoning,
            version=version,
            reader=self._reader,
        )
