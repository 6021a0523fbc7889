"""The port for approvals that are remembered for all runs of an owner."""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class RememberedApproval(msgspec.Struct, frozen=True):
    """A tool whose calls an owner always approves, as long as its definition stays the same."""

    owner: str
    action: str
    """The tool's full name."""
    fingerprint: str
    """Identifies its definition."""
    at_ms: int
    """When it was remembered, in Unix milliseconds."""


class RememberedApprovals(Protocol):
    """Stores remembered approvals. A method that fails raises `StoreError` and changes nothing."""

    async def remember(self, approval: RememberedApproval) -> None:
        """Remember an approval, instead of the one of the same owner and tool."""
        ...

    async def remembered(self, owner: str) -> Sequence[RememberedApproval]:
        """Return what is remembered for an owner, oldest first."""
        ...

    async def forget(self, owner: str, action: str | None = None) -> int:
        """Forget the approval of a tool, or all of them. Returns how many there were."""
        ...
