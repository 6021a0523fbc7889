"""Access to saved conversations through a running server."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import msgspec

from thinkaloud.app.server_address import ServerAddress
from thinkaloud.app.server_session import session_for
from thinkaloud.cli.backend.api import Api
from thinkaloud.cli.backend.conversations import ConversationEntry
from thinkaloud.core.conversations.export import Form


@asynccontextmanager
async def open_server_archive(address: ServerAddress) -> AsyncGenerator["ServerArchive"]:
    """Open a session with the server at this address until the block is left."""
    async with session_for(address.url) as session:
        yield ServerArchive(Api(session, address))


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
