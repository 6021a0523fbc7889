"""The port for hints: lossy notifications that something in a store has changed.

A hint carries no data, and may be lost, doubled or reordered. A replica that gets one reads the
store, and without any it reads the store from time to time.
"""

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec


class Hint(msgspec.Struct, frozen=True, gc=False):
    """What may have changed."""

    conversations: Collection[tuple[str, str]] = ()
    """The owners and ids of conversations that got events, or were deleted."""
    runs: bool = False
    """Whether runs may have been accepted, asked to stop or set free."""
    everything: bool = False
    """Whether hints may have been lost."""


class Subscription(Protocol):
    """Receives hints."""

    poll_seconds: float
    """How long to rely on hints before reading the store without one."""

    async def next(self) -> Hint:
        """Wait for hints, and return all that have arrived as one. Never raises `StoreError`."""
        ...


class Hints(Protocol):
    """Passes hints between the replicas of a store, including the one that caused them.

    The store itself sends them, after each change that is of interest to others.
    """

    def subscribe(self) -> AbstractAsyncContextManager[Subscription]:
        """Receive hints for the length of a block."""
        ...
