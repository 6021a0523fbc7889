"""The port for the tokens that principals have used, which survive a restart."""

from collections.abc import Collection, Mapping
from typing import Protocol


class UsageStore(Protocol):
    """Stores the tokens that accounts have used on the latest UTC day. Raises `StoreError`.

    An account is the name of a set of limits, as in `Principal.limits`. A day is a number of whole
    days since the Unix epoch.
    """

    async def tokens(self, day: int) -> Mapping[str, int]:
        """Return the tokens of each account that has used any on this day."""
        ...

    async def add(self, day: int, tokens: Mapping[str, int]) -> None:
        """Add tokens that accounts have used on this day, and delete those of earlier days."""
        ...

    async def rename(self, accounts: Mapping[str, str]) -> None:
        """Move the tokens of accounts to others, and add them to those already there."""
        ...

    async def delete(self, accounts: Collection[str]) -> None:
        """Delete the tokens of accounts. Unknown accounts are ignored."""
        ...
