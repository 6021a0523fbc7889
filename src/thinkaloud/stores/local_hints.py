"""Hints within a process."""

import asyncio
from collections.abc import Collection, Generator
from contextlib import contextmanager

from thinkaloud.ports.store import ConversationKey, Hint


class LocalSubscription:
    """Collects hints until they are fetched."""

    def __init__(self, poll_seconds: float) -> None:
        self.poll_seconds = poll_seconds
        self._loop = asyncio.get_running_loop()
        self._conversations: set[ConversationKey] = set()
        self._runs = False
        self._everything = False
        self._arrived = asyncio.Event()

    async def next(self) -> Hint:
        """Wait for hints, and return all that have arrived as one."""
        await self._arrived.wait()
        self._arrived.clear()
        hint = Hint(frozenset(self._conversations), self._runs, self._everything)
        self._conversations.clear()
        self._runs = self._everything = False
        return hint

    def notify(self, hint: Hint) -> None:
        """Add a hint. May be called in any thread."""
        self._loop.call_soon_threadsafe(self._add, hint)

    def _add(self, hint: Hint) -> None:
        self._conversations.update(hint.conversations)
        self._runs |= hint.runs
        self._everything |= hint.everything
        self._arrived.set()


class LocalHints:
    """Passes hints to the subscriptions of this process."""

    def __init__(self) -> None:
        self._subscriptions: set[LocalSubscription] = set()

    @contextmanager
    def subscribe(self, poll_seconds: float) -> Generator[LocalSubscription]:
        """Receive hints for the length of a block."""
        subscription = LocalSubscription(poll_seconds)
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def publish(
        self,
        conversations: Collection[ConversationKey] = (),
        *,
        runs: bool = False,
        everything: bool = False,
    ) -> None:
        """Pass a hint to all subscriptions. Costs nothing without any."""
        if self._subscriptions:
            hint = Hint(conversations, runs, everything)
            for subscription in tuple(self._subscriptions):
                subscription.notify(hint)
