"""A whole store: everything that a runtime needs of its persistence."""

from typing import Protocol

from thinkaloud.ports.store.conversations import ConversationStore
from thinkaloud.ports.store.event_log import EventLog
from thinkaloud.ports.store.hints import Hints
from thinkaloud.ports.store.replicas import Replicas
from thinkaloud.ports.store.run_ownership import RunOwnership
from thinkaloud.ports.store.run_store import RunStore


class Store(ConversationStore, RunStore, RunOwnership, Replicas, EventLog, Hints, Protocol):
    """Persists everything. Another owner's objects read as missing: None, not an error.

    A method that fails raises `thinkaloud.errors.StoreError` and changes nothing.
    """

    @property
    def is_shared(self) -> bool:
        """Whether other runtimes may use the store at the same time.

        If not, there is one writer, which needs no token, and `unfinished_runs` lists all open runs
        when it starts: they are of a process that died.
        """
        ...

    def shares(self, owner: str, conversation_id: str) -> bool:
        """Whether other runtimes see this conversation."""
        ...

    async def check_writing(self) -> None:
        """Raise `StoreError` if writing fails.

        Only tries if the last write failed; otherwise this costs nothing.
        """
        ...
