"""Access to saved conversations, through a running server or directly from the database."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

import msgspec

from thinkaloud.app.server_address import find_server, session_for
from thinkaloud.app.storage import open_conversations
from thinkaloud.cli.backend.api import Api
from thinkaloud.config import Configuration
from thinkaloud.core.conversations.export import Form
from thinkaloud.runtime.conversations.service import Conversations

T = TypeVar("T")


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


@asynccontextmanager
async def open_archive(configuration: Configuration) -> AsyncGenerator[Archive]:
    """Open the saved conversations until the block is left.

    Raises `ConfigurationError` if the data directory is in use but no server can be reached.
    """
    url = await find_server(configuration)
    if url is None:
        async with open_conversations(configuration) as conversations:
            yield FileArchive(conversations, configuration.owner)
        return
    async with session_for(url) as session:
        yield ServerArchive(Api(session, url))


class FileArchive:
    """Conversations in the database, opened by this process."""

    def __init__(self, conversations: Conversations, owner: str) -> None:
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
        )


class _Page(msgspec.Struct, frozen=True):
    conversations: tuple[ConversationEntry, ...]


class ServerArchive:
    """Conversations in a running server."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def search(self, words: str, limit: int) -> Sequence[ConversationEntry]:
        """List conversations that contain all these words."""
        query = {"search": words, "limit": str(limit)}
        page = await self._api.ask("GET", "conversations", query=query)
        return msgspec.json.decode(page, type=_Page).conversations

    async def get(self, conversation_id: str) -> ConversationEntry:
        """Look up a conversation."""
        return _listed(await self._api.ask("GET", f"conversations/{conversation_id}"))

    async def rename(self, conversation_id: str, title: str) -> ConversationEntry:
        """Rename a conversation."""
        path = f"conversations/{conversation_id}"
        return _listed(await self._api.ask("PATCH", path, body={"title": title}))

    async def delete(self, conversation_id: str) -> None:
        """Delete a conversation."""
        await self._api.ask("DELETE", f"conversations/{conversation_id}")

    async def branch(self, conversation_id: str, run_id: str) -> ConversationEntry:
        """Copy everything up to and including this run into a new conversation."""
        path = f"conversations/{conversation_id}/branch"
        return _listed(await self._api.ask("POST", path, body={"run_id": run_id}))

    async def select(self, conversation_id: str, run_id: str) -> None:
        """Select the version of a message that this run belongs to."""
        path = f"conversations/{conversation_id}/versions"
        await self._api.ask("POST", path, body={"run_id": run_id})

    async def export(
        self,
        conversation_id: str,
        form: Form,
        *,
        include_reasoning: bool,
        version: str | None = None,
    ) -> bytes:
        """Export a conversation, within the server's reasoning policy."""
        query = {"format": form, "include_reasoning": "true" if include_reasoning else "false"}
        if version is not None:
            query["version"] = version
        return await self._api.ask("GET", f"conversations/{conversation_id}/export", query=query)


def _listed(data: bytes) -> ConversationEntry:
    return msgspec.json.decode(data, type=ConversationEntry)
