"""Where runs are started and conversations kept: the server that uses the data, or this process."""

from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from thinkaloud.app.server_address import find_server
from thinkaloud.cli.backend.conversations import Archive
from thinkaloud.cli.backend.local import open_local
from thinkaloud.cli.backend.remote import open_remote
from thinkaloud.config import Configuration
from thinkaloud.events.event import LoggedEvent
from thinkaloud.ports.model import ModelInfo
from thinkaloud.runtime.runs.request import RunRequest


class FollowedRun(Protocol):
    """A run that was started here, and its events."""

    def batch(self) -> Coroutine[object, object, Sequence[LoggedEvent]]:
        """Wait for the next events of the run, each once, in order; empty means the end.

        Neighbouring deltas may come as one.
        """
        ...

    def stop(self) -> Coroutine[object, object, None]:
        """Stop the run. Its end comes as an event."""
        ...


class Backend(Protocol):
    """Takes requests, and has what was said."""

    @property
    def archive(self) -> Archive:
        """The conversations."""
        ...

    @property
    def is_persistent(self) -> bool:
        """Whether conversations are still there when the program has ended."""
        ...

    def run(
        self, request: RunRequest, *, include_reasoning: bool
    ) -> AbstractAsyncContextManager[FollowedRun]:
        """Start a run; leaving the block before its end stops it.

        Without `include_reasoning` its reasoning need not come. Raises `ThinkaloudError` before
        anything is kept.
        """
        ...

    def create_temporary(self) -> Coroutine[object, object, str]:
        """Make a conversation that lives in memory and stands in no list; return its id."""
        ...

    def models(self) -> Coroutine[object, object, Sequence[ModelInfo]]:
        """List the models that can be chosen."""
        ...

    def model(self, model_id: str | None) -> Coroutine[object, object, ModelInfo]:
        """Look up a model, or the current one. Raises `UnknownModel` or `ConfigurationError`."""
        ...


@asynccontextmanager
async def open_backend(
    configuration: Configuration, model: str | None, *, temporary: bool = False
) -> AsyncGenerator[Backend]:
    """Open the place of these settings for the length of a block.

    That is the server that uses the data, if there is one, else this process, which then owns the
    data. A temporary backend is in this process' memory. `model` is the default model. Raises `ConfigurationError`, also where the data is in use by something that does not
    answer, and `UnknownModel`.
    """
    lasts = not temporary and configuration.settings.store.kind == "sqlite"
    url = await find_server(configuration) if lasts else None
    opening = (
        open_local(configuration, model, is_persistent=lasts)
        if url is None
        else open_remote(configuration, url)
    )
    async with opening as backend:
        yield backend
