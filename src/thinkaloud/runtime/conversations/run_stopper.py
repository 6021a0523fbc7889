"""The runs in progress, as far as conversations need them."""

from typing import Protocol


class RunStopper(Protocol):
    """Finds the runs of a conversation and stops them."""

    def in_conversation(self, owner: str, conversation_id: str) -> list[str]:
        """Return the ids of this owner's active and queued runs in a conversation."""
        ...

    async def stop(self, run_id: str) -> None:
        """Stop a run and return once it has ended."""
        ...
