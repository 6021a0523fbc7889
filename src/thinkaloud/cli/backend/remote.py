"""Runs of a server on this machine, and its conversations."""

import difflib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress

import msgspec

from thinkaloud.app.server_address import ServerAddress
from thinkaloud.app.server_session import session_for
from thinkaloud.cli.backend.api import Api
from thinkaloud.cli.backend.conversations import Archive
from thinkaloud.cli.backend.remote_run import RemoteRequest, RemoteRun
from thinkaloud.cli.backend.server_archive import ServerArchive
from thinkaloud.config import Configuration
from thinkaloud.errors import ConfigurationError, NotFound, Unavailable, UnknownModel
from thinkaloud.events.event import content_of
from thinkaloud.ports.clock import SystemClock
from thinkaloud.ports.model import ModelInfo
from thinkaloud.runtime.runs.request import RunRequest


@asynccontextmanager
async def open_remote(
    configuration: Configuration, address: ServerAddress
) -> AsyncGenerator["RemoteBackend"]:
    """Talk to the server at this address, which uses the data of these settings."""
    async with session_for(address.url) as session:
        yield RemoteBackend(Api(session, address), configuration)


class _Capabilities(msgspec.Struct, frozen=True):
    model: ModelInfo | None


class _CreatedConversation(msgspec.Struct, frozen=True):
    conversation_id: str


class _CreatedUpload(msgspec.Struct, frozen=True):
    id: str


class RemoteBackend:
    """What runs there. Its policy holds: reasoning that it keeps back does not come."""

    def __init__(self, api: Api, configuration: Configuration) -> None:
        self._configuration = configuration
        self._api = api
        self._archive = ServerArchive(api)

    @property
    def archive(self) -> Archive:
        """The conversations."""
        return self._archive

    @property
    def is_persistent(self) -> bool:
        """Whether conversations are still there when the program has ended."""
        return True

    @asynccontextmanager
    async def run(
        self, request: RunRequest, *, include_reasoning: bool
    ) -> AsyncGenerator[RemoteRun]:
        """Start a run; leaving the block before its end stops it."""
        request = await self._with_uploads(request)
        asked = RemoteRequest(request, include_reasoning)
        async with RemoteRun(self._api, self._configuration, asked, SystemClock()) as run:
            try:
                yield run
            finally:
                if not run.over:
                    with suppress(NotFound, Unavailable):  # Then there is nothing to stop.
                        await run.stop()

    async def _with_uploads(self, request: RunRequest) -> RunRequest:
        """Return a request whose images are uploads: the API takes none in a message."""
        if not request.images:
            return request
        names = [
            msgspec.json.decode(
                await self._api.upload(each.name, content_of(each)), type=_CreatedUpload
            ).id
            for each in request.images
        ]
        files = (*(request.context_files or ()), *names)
        return msgspec.structs.replace(request, images=(), context_files=files)

    async def create_temporary(self) -> str:
        """Make a conversation that lives in the server's memory."""
        made = await self._api.ask("POST", "conversations", body={"temporary": True})
        return msgspec.json.decode(made, type=_CreatedConversation).conversation_id

    async def models(self) -> Sequence[ModelInfo]:
        """List the models that can be chosen."""
        return msgspec.json.decode(await self._api.ask("GET", "models"), type=tuple[ModelInfo, ...])

    async def model(self, model_id: str | None) -> ModelInfo:
        """Look up a model among those that the server lists, or its current one."""
        if model_id is None:
            found = msgspec.json.decode(
                await self._api.ask("GET", "capabilities"), type=_Capabilities
            ).model
            if found is None:
                raise ConfigurationError("The server has no usable model.")
            return found
        models = {model.id: model for model in await self.models()}
        if model_id not in models:
            raise UnknownModel(model_id, difflib.get_close_matches(model_id, models, n=3))
        return models[model_id]
