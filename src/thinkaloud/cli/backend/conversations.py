"""What is kept, for terminal commands: through the server that uses it, or straight from the file."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

import msgspec

from thinkaloud.agent import LOCAL_OWNER
from thinkaloud.app.server_address import find_server, session_for
from thinkaloud.app.storage import open_conversations
from thinkaloud.cli.backend.api import Api
from thinkaloud.config import Configuration
from thinkaloud.core.conversations.export import Form
from thinkaloud.runtime.conversations.service import Conversations

T = TypeVar("T")


class Listed(msgspec.Struct, frozen=True):
    """A conversation in a list."""

    conversation_id: str
    title: str
    created_at_ms: int
    updated_at_ms: int


class Archive(Protocol):
    """What can be done with conversations. Raises `NotFound`, `InvalidRequest` and `Conflict`."""

    async def search(self, words: str, limit: int) -> Sequence[Listed]:
        """List conversations with all these words, the latest changed first."""
        ...

    async def get(self, conversation_id: str) -> Listed:
        """Look up a conversation."""
        ...

    async def rename(self, conversation_id: str, title: str) -> Listed:
        """Give a conversation another title."""
        ...

    async def delete(self, conversation_id: str) -> None:
        """Delete a conversation."""
        ...

    async def branch(self, conversation_id: str, run_id: str) -> Listed:
        """Make a new conversation of everything up to and with this run."""
        ...

    async def select(self, conversation_id: str, run_id: str) -> None:
        """Select the version of a message that this run is part of."""
        ...

    async def export(
        self,
        conversation_id: str,
        form: Form,
        *,
        include_reasoning: bool,
        version: str | None = None,
    ) -> bytes:
        """Return a conversation as a document; `version` is a run of another version."""
        ...


@asynccontextmanager
async def open_archive(configuration: Configuration) -> AsyncGenerator[Archive]:
    """Open what is kept for the length of a block, wherever it can be had.

    Raises `ConfigurationError` where the data is in use by something that does not answer.
    """
    url = await find_server(configuration)
    if url is None:
        async with open_conversations(configuration) as kept:
            yield FileArchive(kept)
        return
    async with session_for(url) as session:
        yield ServerArchive(Api(session, url))


class FileArchive:
    """Conversations in the file, which no server uses."""

    def __init__(self, kept: Conversations) -> None:
        self._kept = kept

    async def search(self, words: str, limit: int) -> Sequence[Listed]:
        """List conversations with all these words."""
        found = await self._kept.search(LOCAL_OWNER, limit=limit, words=words)
        return [msgspec.convert(each, Listed, from_attributes=True) for each in found]

    async def get(self, conversation_id: str) -> Listed:
        """Look up a conversation."""
        found = await self._kept.get(LOCAL_OWNER, conversation_id)
        return msgspec.convert(found, Listed, from_attributes=True)

    async def rename(self, conversation_id: str, title: str) -> Listed:
        """Give a conversation another title."""
        renamed = await self._kept.rename(LOCAL_OWNER, conversation_id, title)
        return msgspec.convert(renamed, Listed, from_attributes=True)

    async def delete(self, conversation_id: str) -> None:
        """Delete a conversation."""
        await self._kept.delete(LOCAL_OWNER, conversation_id)

    async def branch(self, conversation_id: str, run_id: str) -> Listed:
        """Make a new conversation of everything up to and with this run."""
        made = await self._kept.branch(LOCAL_OWNER, conversation_id, run_id)
        return msgspec.convert(made, Listed, from_attributes=True)

    async def select(self, conversation_id: str, run_id: str) -> None:
        """Select the version of a message that this run is part of."""
        await self._kept.select(LOCAL_OWNER, conversation_id, run_id)

    async def export(
        self,
        conversation_id: str,
        form: Form,
        *,
        include_reasoning: bool,
        version: str | None = None,
    ) -> bytes:
        """Return a conversation as a document."""
        return await self._kept.export(
            LOCAL_OWNER,
            conversation_id,
            form,
            include_reasoning=include_reasoning,
            version=version,
        )


class _Page(msgspec.Struct, frozen=True):
    conversations: tuple[Listed, ...]


class ServerArchive:
    """Conversations of a running server."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def search(self, words: str, limit: int) -> Sequence[Listed]:
        """List conversations with all these words."""
        query = {"search": words, "limit": str(limit)}
        page = await self._api.ask("GET", "conversations", query=query)
        return msgspec.json.decode(page, type=_Page).conversations

    async def get(self, conversation_id: str) -> Listed:
        """Look up a conversation."""
        return _listed(await self._api.ask("GET", f"conversations/{conversation_id}"))

    async def rename(self, conversation_id: str, title: str) -> Listed:
        """Give a conversation another title."""
        path = f"conversations/{conversation_id}"
        return _listed(await self._api.ask("PATCH", path, body={"title": title}))

    async def delete(self, conversation_id: str) -> None:
        """Delete a conversation."""
        await self._api.ask("DELETE", f"conversations/{conversation_id}")

    async def branch(self, conversation_id: str, run_id: str) -> Listed:
        """Make a new conversation of everything up to and with this run."""
        path = f"conversations/{conversation_id}/branch"
        return _listed(await self._api.ask("POST", path, body={"run_id": run_id}))

    async def select(self, conversation_id: str, run_id: str) -> None:
        """Select the version of a message that this run is part of."""
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
        """Return a conversation as a document, as far as the server's policy lets it out."""
        query = {"format": form, "include_reasoning": "true" if include_reasoning else "false"}
        if version is not None:
            query["version"] = version
        return await self._api.ask("GET", f"conversations/{conversation_id}/export", query=query)


def _listed(data: bytes) -> Listed:
    return msgspec.json.decode(data, type=Listed)
