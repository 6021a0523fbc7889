"""The updates of the fake Bot API: what people do, and how the bot asks for it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from tests.channels.telegram.fake.refusals import Refusal


class Updates:
    """The queue of updates. `getUpdates` confirms, waits, and may only be called by one at a time."""

    def __init__(self) -> None:
        self._queue: list[dict[str, Any]] = []
        self._next = 1
        self._changed = asyncio.Event()
        self._newest_call: object = None
        self.asked = asyncio.Event()
        """Set by each call of `getUpdates`."""
        self.webhook = ""
        self.allowed: set[str] = set()

    def add(self, kind: str, value: Mapping[str, Any]) -> int:
        """Queue an update, if the bot asks for its kind or hasn't asked yet."""
        update_id, self._next = self._next, self._next + 1
        if not self.allowed or kind in self.allowed:
            self._queue.append({"update_id": update_id, kind: dict(value)})
            self._changed.set()
        return update_id

    def repeat(self, update: Mapping[str, Any]) -> None:
        """Queue the content of an earlier update under a new id."""
        for kind in set(update) - {"update_id"}:
            self.add(kind, update[kind])

    @property
    def waiting(self) -> list[dict[str, Any]]:
        """The updates that no call has confirmed."""
        return list(self._queue)

    async def get(
        self, offset: int, allowed: set[str] | None, *, waits: bool
    ) -> list[dict[str, Any]]:
        if self.webhook:
            raise Refusal(
                409,
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook",
            )
        if allowed:
            self.allowed = allowed
            self._queue = [update for update in self._queue if set(update) & allowed]
        call = self._newest_call = object()
        self._changed.set()  # Another call that waits is terminated.
        self._queue = [update for update in self._queue if update["update_id"] >= offset]
        self.asked.set()
        while waits and not self._queue:
            self._changed.clear()
            await self._changed.wait()
            if self._newest_call is not call:
                raise Refusal(
                    409,
                    "Conflict: terminated by other getUpdates request; make sure that only one bot"
                    " instance is running",
                )
        return self._queue[:100]
