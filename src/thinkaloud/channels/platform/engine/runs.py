"""What the layer needs from the runtime. `thinkaloud.app.chat_runs` implements it."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from thinkaloud.events.prompt import Effort
from thinkaloud.events.view import RunView
from thinkaloud.ports.model import ModelInfo


class RunOrder(msgspec.Struct, frozen=True):
    """A run to start. Persisted before it starts, so that a crash loses no message."""

    owner: str
    conversation_id: str
    text: str
    key: str
    """The idempotency key: the same message starts one run, however often it arrives."""
    files: tuple[str, ...] = ()
    """The ids of uploads."""
    model: str | None = None
    reasoning_effort: Effort | None = None
    system_prompt: str | None = None
    context: dict[str, str] = {}
    """What the model should know besides the text: who writes in a group, what a reply quotes."""


class RunFeed(Protocol):
    """A subscription to one run."""

    async def changed(self) -> bool:
        """Wait for new events, and return False once the run has ended and nothing will follow."""
        ...

    def view(self) -> RunView | None:
        """Return the state of the run after the events so far; None before its first one."""
        ...


class ChatRuns(Protocol):
    """The runtime, for chats. Raises `ThinkaloudError`."""

    async def start(self, order: RunOrder) -> str:
        """Start a run and return its id, or that of the run that this key started before."""
        ...

    async def started(self, owner: str, key: str) -> str | None:
        """Return the id of the run that this key started, if any."""
        ...

    async def stop(self, owner: str, conversation_id: str, run_id: str | None = None) -> bool:
        """Stop the active run of a conversation (only this one, if given) and wait for its end.

        Returns whether there was one. Queued runs are not stopped.
        """
        ...

    def follow(self, owner: str, run_id: str) -> AbstractAsyncContextManager[RunFeed]:
        """Follow a run from its first event to its end."""
        ...

    async def latest(self, owner: str, conversation_id: str) -> RunView | None:
        """Return the latest run of a conversation that has reasoning."""
        ...

    async def run(self, owner: str, run_id: str) -> tuple[str, RunView] | None:
        """Return a run and the id of its conversation."""
        ...

    async def models(self) -> Sequence[ModelInfo]:
        """List the available models."""
        ...

    def model(self, model_id: str | None) -> ModelInfo:
        """Return a model, by default the server's. Raises `UnknownModel` with similar ids."""
        ...

    async def keep_file(self, owner: str, name: str, data: bytes) -> str:
        """Store an uploaded file and return its id. Raises `InvalidRequest` if it isn't accepted."""
        ...

    @property
    def max_file_bytes(self) -> int:
        """The largest file that `keep_file` accepts."""
        ...
