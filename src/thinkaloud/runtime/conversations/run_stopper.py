"""The interface to active runs that conversations need."""

from collections.abc import Sequence
from typing import Protocol


class RunStopper(Protocol):
    """Finds and stops the runs of a conversation."""

    async def in_conversation(self, owner: str, conversation_id: str) -> Sequence[str]:
        """Return the ids of this owner's active and queued runs in a conversation."""
        ...

    async def stop_by_id(self, owner: str, run_id: str) -> None:
        """Stop a run and return once it has ended. Does nothing if there is none."""
        ...
