"""Remembered approvals in memory."""

from collections.abc import Sequence

from thinkaloud.ports.execution.approvals import RememberedApproval


class MemoryApprovals:
    """Implements `RememberedApprovals` in memory."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], RememberedApproval] = {}

    async def remember(self, approval: RememberedApproval) -> None:
        """Remember an approval, instead of the one of the same owner and tool."""
        self._kept[approval.owner, approval.action] = approval

    async def remembered(self, owner: str) -> Sequence[RememberedApproval]:
        """Return what is remembered for an owner, oldest first."""
        found = (each for each in self._kept.values() if each.owner == owner)
        return sorted(found, key=lambda each: (each.at_ms, each.action))

    async def forget(self, owner: str, action: str | None = None) -> int:
        """Forget the approval of a tool, or all of them. Returns how many there were."""
        found = [key for key in self._kept if key[0] == owner and action in {None, key[1]}]
        for key in found:
            del self._kept[key]
        return len(found)
