"""Where runs take place and conversations are saved: in a running server, or in this process."""

from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from thinkaloud.app.redaction import redaction_of
from thinkaloud.app.server_address import find_server
from thinkaloud.app.storage import open_conversations
from thinkaloud.cli.backend.conversations import Archive, FileArchive
from thinkaloud.cli.backend.local import open_local
from thinkaloud.config import Configuration
from thinkaloud.events.event import LoggedEvent
from thinkaloud.ports.model import ModelInfo
from thinkaloud.runtime.reasoning.reader import Reader
from thinkaloud.runtime.runs.request import RunRequest


class FollowedRun(Protocol):
    """A started run and its events."""

    def batch(self) -> Coroutine[object, object, Sequence[LoggedEvent]]:
        """Wait for the next events, in order; empty at the end of the run.

        Adjacent deltas may be merged.
        """
        ...

    def stop(self) -> Coroutine[object, object, None]:
        """Stop the run. Its terminal event still arrives."""
        ...


class Backend(Protocol):
    """Starts runs and gives access to conversations."""

    @property
    def archive(self) -> Archive:
        """The saved conversations."""
        ...

    @property
    def is_persistent(self) -> bool:
        """Whether conversations outlive the program."""
        ...

    def run(
        self, request: RunRequest, *, include_reasoning: bool
    ) -> AbstractAsyncContextManager[FollowedRun]:
        """Start a run; leaving the block before its end stops it.

        Without `include_reasoning`, reasoning events may be left out. Raises `ThinkaloudError` if
        the run cannot start.
        """
        ...

    def create_temporary(self) -> Coroutine[object, object, str]:
        """Create a conversation that is kept in memory and not listed; return its id."""
        ...

    def models(self) -> Coroutine[object, object, Sequence[ModelInfo]]:
        """List the available models."""
        ...

    def model(self, model_id: str | None) -> Coroutine[object, object, ModelInfo]:
        """Look up a model; None for the default. Raises `UnknownModel` or `ConfigurationError`."""
        ...


@asynccontextmanager
async def open_backend(
    configuration: Configuration, model: str | None, *, temporary: bool = False
) -> AsyncGenerator[Backend]:
    """Open the backend for a configuration until the block is left.

    If a server uses the data directory, that is the backend. Otherwise it is this process, which
    locks the data directory; with `temporary` it keeps everything in memory. `model` is the
    default model of a local backend.

    Raises `UnknownModel`, and `ConfigurationError` if the configuration is unusable or the data
    directory is in use but no server can be reached.
    """
    persistent = not temporary and configuration.settings.store.kind != "memory"
    address = await find_server(configuration) if persistent else None
    if address is None:
        async with open_local(configuration, model, is_persistent=persistent) as local:
            yield local
        return
    # Imports aiohttp, which takes longer than the rest and is not needed without a server.
    from thinkaloud.cli.backend.remote import open_remote  # noqa: PLC0415

    async with open_remote(configuration, address) as remote:
        yield remote


@asynccontextmanager
async def open_archive(configuration: Configuration) -> AsyncGenerator[Archive]:
    """Open the saved conversations until the block is left.

    Raises `ConfigurationError` if the data directory is in use but no server can be reached.
    """
    address = await find_server(configuration)
    if address is None:
        async with open_conversations(configuration) as conversations:
            reader = Reader(
                configuration.settings.server.show_reasoning, redaction_of(configuration)
            )
            yield FileArchive(conversations, configuration.owner, reader)
        return
    # Imported only here: see `open_backend`.
    from thinkaloud.cli.backend.server_archive import open_server_archive  # noqa: PLC0415

    async with open_server_archive(address) as archive:
        yield archive
