"""The local backend: runs in this process, conversations in the database or in memory."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from thinkaloud.app.runtime import MCP_SECONDS, Choices, Runtime, open_runtime
from thinkaloud.app.storage import with_storage
from thinkaloud.cli.backend.conversations import Archive, FileArchive
from thinkaloud.config import Configuration
from thinkaloud.events.event import LoggedEvent
from thinkaloud.ports.model import ModelInfo
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.run_stream import RunStream, follow_run
from thinkaloud.runtime.runs.request import RunRequest
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.stores.memory import MemoryStore


@asynccontextmanager
async def open_local(
    configuration: Configuration, model: str | None, *, is_persistent: bool
) -> AsyncGenerator["LocalBackend"]:
    """Open the configured store, or an in-memory one if not `is_persistent`, and a runtime.

    Raises `ConfigurationError` or `UnknownModel`.
    """
    asked = Choices(
        model=model, store=None if is_persistent else MemoryStore(), mcp_seconds=MCP_SECONDS
    )
    async with (
        with_storage(configuration, asked) as choices,
        open_runtime(configuration, choices) as runtime,
    ):
        yield LocalBackend(runtime, is_persistent=is_persistent)


class LocalBackend:
    """Runs in this process."""

    def __init__(self, runtime: Runtime, *, is_persistent: bool) -> None:
        self._runtime = runtime
        self._archive = FileArchive(
            runtime.runs.conversations, runtime.owner, runtime.runs.reader()
        )
        self._keeps = is_persistent

    @property
    def archive(self) -> Archive:
        """The saved conversations."""
        return self._archive

    @property
    def is_persistent(self) -> bool:
        """Whether conversations outlive the program."""
        return self._keeps

    @asynccontextmanager
    async def run(
        self, request: RunRequest, *, include_reasoning: bool
    ) -> AsyncGenerator["LocalRun"]:
        """Start a run; leaving the block before its end stops it. Includes reasoning regardless."""
        runs, owner = self._runtime.runs, self._runtime.owner
        record = await runs.start(self._runtime.principal, request)
        try:
            async with follow_run(runs, record) as stream:
                yield LocalRun(runs, record, stream)
        finally:
            if await runs.open_runs.is_open(record):
                await runs.stop(owner, record.run_id)

    async def create_temporary(self) -> str:
        """Create a conversation that is kept in this process's memory."""
        runtime = self._runtime
        made = await runtime.runs.conversations.create(runtime.owner, None, temporary=True)
        return made.conversation_id

    async def models(self) -> Sequence[ModelInfo]:
        """List the available models."""
        return await self._runtime.models.models()

    async def model(self, model_id: str | None) -> ModelInfo:
        """Look up a model; None for the default."""
        return self._runtime.models.open(model_id).info


class LocalRun:
    """A run in this process."""

    def __init__(self, runs: Runs, record: RunRecord, stream: RunStream) -> None:
        self._runs = runs
        self._record = record
        self._stream = stream

    async def batch(self) -> Sequence[LoggedEvent]:
        """Wait for the next events of the run; empty means the end."""
        return await self._stream.events()

    async def stop(self) -> None:
        """Stop the run."""
        await self._runs.stop(self._record.owner, self._record.run_id)
