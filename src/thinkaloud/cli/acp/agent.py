"""The methods of an agent: sessions are conversations, and prompts are runs.

See https://agentclientprotocol.com/protocol/overview.
"""

import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Final, TypeVar

import anyio
import msgspec

from thinkaloud.cli.acp.connection import (
    METHOD_NOT_FOUND,
    Connection,
    Output,
    RpcError,
)
from thinkaloud.cli.acp.messages import (
    PROTOCOL_VERSION,
    ConfigParams,
    ListedSession,
    ListParams,
    ListResult,
    NewSessionParams,
    PromptParams,
    SessionParams,
    SessionResult,
)
from thinkaloud.cli.acp.sessions import EFFORT, MODEL, Session, Sessions
from thinkaloud.cli.acp.turns import Turns
from thinkaloud.cli.acp.updates import replay
from thinkaloud.cli.backend.backend import Backend
from thinkaloud.cli.backend.history import validate_id
from thinkaloud.core.conversations.export import Export
from thinkaloud.errors import (
    InvalidRequest,
    NotFound,
)
from thinkaloud.ports.model import ModelInfo
from thinkaloud.ports.tasks import owned_tasks
from thinkaloud.version import __version__

MAX_LISTED: Final = 100
"""How many sessions `session/list` returns: the most recently changed ones."""
_LISTING_SECONDS: Final = 3.0
"""How long the models of the hosts may take, before only the current model is offered."""
_CAPABILITIES: Final[dict[str, object]] = {
    "loadSession": True,
    "promptCapabilities": {"image": True, "audio": False, "embeddedContext": True},
    "mcpCapabilities": {"http": False, "sse": False},
    "sessionCapabilities": {"list": {}, "resume": {}, "close": {}, "delete": {}},
}
P = TypeVar("P", bound=msgspec.Struct)
_Method = Callable[[msgspec.Raw], Awaitable[object]]


@asynccontextmanager
async def open_agent(
    backend: Backend, output: Output, model: str | None = None
) -> AsyncGenerator["Agent"]:
    """Open an agent for a client that reads `output`. Leaving the block stops its runs.

    `model` is the model of new sessions; None: the current one of the backend.
    """
    async with owned_tasks() as group:
        connection = Connection(output, group)
        try:
            yield Agent(backend, connection, model)
        finally:
            connection.close()


class Agent:
    """Answers one client."""

    def __init__(self, backend: Backend, connection: Connection, model: str | None) -> None:
        self._backend = backend
        self._sessions = Sessions(model)
        self._connection = connection
        self._turns = Turns(backend, connection)
        self._methods: dict[str, _Method] = {
            "initialize": self._initialize,
            "session/new": _typed(NewSessionParams, self._new),
            "session/load": _typed(SessionParams, self._load),
            "session/resume": _typed(SessionParams, self._resume),
            "session/list": _typed(ListParams, self._list),
            "session/close": _typed(SessionParams, self._close),
            "session/delete": _typed(SessionParams, self._delete),
            "session/set_config_option": _typed(ConfigParams, self._configure),
            "session/prompt": _typed(PromptParams, self._prompt),
        }

    async def receive(self, line: bytes) -> None:
        """Handle one line from the client. Requests are handled in tasks."""
        await self._connection.receive(line, self)

    async def reject(self, error: RpcError) -> None:
        """Respond to something that is no line."""
        await self._connection.reject(error)

    async def respond(self, method: str, params: msgspec.Raw) -> object:
        """Return the result of a request."""
        handle = self._methods.get(method)
        if handle is None:
            raise RpcError(METHOD_NOT_FOUND, "Method not found", {"method": method[:100]})
        return await handle(params)

    def notice(self, method: str, params: msgspec.Raw) -> None:
        """Handle a notification: only a cancellation means anything here."""
        if method == "session/cancel":
            with suppress(NotFound):
                session_id = msgspec.json.decode(params, type=SessionParams).session_id
                self._turns.cancel(self._sessions.get(session_id))

    async def _initialize(self, params: msgspec.Raw) -> object:
        response: dict[str, object] = {
            "protocolVersion": PROTOCOL_VERSION,
            "agentCapabilities": _CAPABILITIES,
            "agentInfo": {"name": "thinkaloud", "title": "thinkaloud", "version": __version__},
            "authMethods": [],
        }
        return response

    async def _new(self, params: NewSessionParams) -> object:
        session = self._sessions.create()
        result = await self._opened(session)
        return msgspec.structs.replace(result, session_id=session.session_id)

    async def _load(self, params: SessionParams) -> object:
        """Send the whole conversation as updates before the response."""
        validate_id(params.session_id)
        document = await self._backend.archive.export(
            params.session_id, "json", include_reasoning=True
        )
        export = msgspec.json.decode(document, type=Export)
        session = self._sessions.open(params.session_id)
        for run in export.runs:
            await self._turns.send(session, replay(run))
        await self._turns.send_title(session, export.title)
        return await self._opened(session)

    async def _resume(self, params: SessionParams) -> object:
        """Open a session without its history, which the client has."""
        validate_id(params.session_id)
        found = await self._backend.archive.get(params.session_id)
        session = self._sessions.open(params.session_id)
        session.title = found.title
        return await self._opened(session)

    async def _list(self, params: ListParams) -> object:
        """List the conversations. They have no folder, so they belong to the client's."""
        folder = params.cwd or os.getcwd()
        found = await self._backend.archive.search("", MAX_LISTED)
        sessions = [
            ListedSession(
                session_id=each.conversation_id,
                cwd=folder,
                title=each.title,
                updated_at=datetime.fromtimestamp(each.updated_at_ms / 1000, UTC).isoformat(),
            )
            for each in found
        ]
        return ListResult(sessions=tuple(sessions))

    async def _close(self, params: SessionParams) -> object:
        session = self._sessions.close(params.session_id)
        if session is None:
            raise NotFound("No such session is open.")
        self._turns.cancel(session)
        return {}

    async def _delete(self, params: SessionParams) -> object:
        validate_id(params.session_id)
        session = self._sessions.close(params.session_id)
        if session is not None:
            self._turns.cancel(session)
        try:
            await self._backend.archive.delete(params.session_id)
        except NotFound:
            if session is None:
                raise
        return {}

    async def _configure(self, params: ConfigParams) -> object:
        session = self._sessions.get(params.session_id)
        if params.config_id == MODEL:
            session.use_model(await self._backend.model(params.value))
        elif params.config_id == EFFORT:
            session.use_effort(params.value, await self._backend.model(session.model))
        else:
            raise InvalidRequest("There is no such option.", field="configId")
        return await self._opened(session)

    async def _prompt(self, params: PromptParams) -> object:
        return await self._turns.answer(self._sessions.get(params.session_id), params.prompt)

    async def _opened(self, session: Session) -> SessionResult:
        model = await self._backend.model(session.model)
        session.window = model.max_tokens
        models: Sequence[ModelInfo] = ()
        with anyio.move_on_after(_LISTING_SECONDS):
            models = await self._backend.models()
        return SessionResult(config_options=session.options(model, models))


def _typed(kind: type[P], handle: Callable[[P], Awaitable[object]]) -> _Method:
    """Return a method that reads its parameters. Raises `MsgspecError`."""

    def read(params: msgspec.Raw) -> Awaitable[object]:
        return handle(msgspec.json.decode(params, type=kind))

    return read
