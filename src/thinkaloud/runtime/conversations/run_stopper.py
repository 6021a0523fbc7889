"""The interface to active runs that conversations need."""

from typing import Protocol


class RunStopper(Protocol):
    """Finds and stops the runs of a conversation."""

    def in_conversation(self, owner: str, conversation_id: str) -> list[str]:
        """Return the ids of this owner's active and queued runs in a conversation."""
        ...

    async def stop(self, run_id: str) -> None:
        """Stop a run and return once it has ended."""
        ...
