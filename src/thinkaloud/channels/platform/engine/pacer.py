"""Decides when a channel may call its platform: spacing, budgets, and the platform's own orders."""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Final

from thinkaloud.channels.platform.errors import RetryLater
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.platform.platform import Budget, Limits
from thinkaloud.ports.clock import Clock

_MAX_CHATS: Final = 4096
_LEAST_MS: Final = 10

_Chat = tuple[str, str]


async def pause(clock: Clock, seconds: float, wake: asyncio.Event) -> None:
    """Sleep, but no longer than until `wake` is set."""
    if wake.is_set() or seconds <= 0:
        return
    async with asyncio.TaskGroup() as tasks:
        waiting = (tasks.create_task(clock.sleep(seconds)), tasks.create_task(wake.wait()))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()


class _Window:
    """The calls of one budget within its last `per_seconds`."""

    def __init__(self, budget: Budget) -> None:
        self.span_ms = int(budget.per_seconds * 1000)
        self.capacity = max(1, budget.capacity)
        reserve = self.capacity // 4 if budget.reserve is None else budget.reserve
        self.shared = max(1, self.capacity - reserve)
        """The capacity for content that is not final."""
        self.finals = 0
        """Final calls that wait for this budget: others let them pass."""
        self._calls: deque[int] = deque()

    def delay_ms(self, now_ms: int, *, final: bool) -> int:
        while self._calls and self._calls[0] <= now_ms - self.span_ms:
            self._calls.popleft()
        room = self.capacity if final else self.shared
        excess = len(self._calls) - room
        if excess >= 0:
            return max(_LEAST_MS, self._calls[excess] + self.span_ms - now_ms)
        if self.finals and not final:
            return max(_LEAST_MS, self.span_ms // self.capacity)
        return 0

    def count(self, now_ms: int) -> None:
        self._calls.append(now_ms)

    @property
    def idle(self) -> bool:
        return not self._calls and not self.finals


class _Chats:
    """When a chat may be updated next."""

    __slots__ = ("blocked_ms", "next_ms", "updates_blocked_ms")

    def __init__(self) -> None:
        self.next_ms = 0
        self.blocked_ms = 0
        self.updates_blocked_ms = 0

    def until_ms(self, *, final: bool, spaced: bool) -> int:
        until = self.blocked_ms
        if spaced:
            until = max(until, self.next_ms)
        return until if final else max(until, self.updates_blocked_ms)


class Pacer:
    """The pace of one channel. Implements `Pace`."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self.limits = limits
        self._clock = clock
        self._budgets: Mapping[str, Budget] = {each.name: each for each in limits.budgets}
        self._windows: dict[tuple[str, str], _Window] = {}
        self._chats: dict[_Chat, _Chats] = {}
        self._blocked_ms = 0

    def delay(
        self, chat: ChatAddress, *, is_group: bool, final: bool, again: bool = False
    ) -> float:
        """Return how many seconds `show` has to wait for this chat; 0 if it may be called now.

        `again`: the previous call showed only a part of the same content.
        """
        now = self._clock.steady_ms()
        state = self._chats.get(_key(chat))
        until = self._blocked_ms
        if state is not None:
            spaced = again or not final or self.limits.pace_final
            until = max(until, state.until_ms(final=final, spaced=spaced))
        waits = [until - now]
        waits += [w.delay_ms(now, final=final) for w in self._spent(chat, is_group=is_group)]
        return max(0, *waits) / 1000

    def count(self, chat: ChatAddress, *, is_group: bool) -> None:
        """Count a call of `show` that is about to be made."""
        now = self._clock.steady_ms()
        for window in self._spent(chat, is_group=is_group):
            window.count(now)
        gap = self.limits.group_edit_seconds if is_group else self.limits.edit_seconds
        self._chat(chat).next_ms = now + int(gap * 1000)

    def wait_final(self, chat: ChatAddress, *, is_group: bool, waiting: bool) -> None:
        """Note that a final call waits for this chat, or no longer does."""
        for window in self._spent(chat, is_group=is_group):
            window.finals += 1 if waiting else -1

    def obey(self, order: RetryLater, chat: ChatAddress) -> None:
        """Make calls wait as the platform asked."""
        until = self._clock.steady_ms() + int(order.seconds * 1000)
        if order.scope == "channel":
            self._blocked_ms = max(self._blocked_ms, until)
        elif order.scope == "chat":
            state = self._chat(chat)
            state.blocked_ms = max(state.blocked_ms, until)
        else:
            state = self._chat(chat)
            state.updates_blocked_ms = max(state.updates_blocked_ms, until)

    async def wait_out(self, order: RetryLater, chat: ChatAddress) -> None:
        """Make calls wait as the platform asked, and wait until this chat may be called again."""
        self.obey(RetryLater(order.seconds) if order.scope == "updates" else order, chat)
        await self.permitted(chat)

    async def permitted(self, chat: ChatAddress) -> None:
        """Wait until no order of the platform forbids a call for this chat."""
        while True:
            state = self._chats.get(_key(chat))
            until = max(self._blocked_ms, state.blocked_ms if state is not None else 0)
            delay = until - self._clock.steady_ms()
            if delay <= 0:
                return
            await self._clock.sleep(delay / 1000)

    async def spend(
        self, budget: str, chat: ChatAddress | None = None, *, final: bool = False
    ) -> None:
        """Wait until a call fits into a budget, and count it. `final` may use the reserve."""
        window = self._window(self._budgets[budget], chat)
        window.finals += final
        try:
            while True:
                now = self._clock.steady_ms()
                delay = max(window.delay_ms(now, final=final), self._blocked_ms - now)
                if delay <= 0:
                    window.count(now)
                    return
                await self._clock.sleep(delay / 1000)
        finally:
            window.finals -= final

    def try_spend(
        self, budget: str, chat: ChatAddress | None = None, *, final: bool = False
    ) -> bool:
        """Count a call if it fits into a budget now, as `spend` would; else return False."""
        window = self._window(self._budgets[budget], chat)
        now = self._clock.steady_ms()
        if max(window.delay_ms(now, final=final), self._blocked_ms - now) > 0:
            return False
        window.count(now)
        return True

    def _spent(self, chat: ChatAddress, *, is_group: bool) -> list[_Window]:
        budgets = [self._budgets[name] for name in self.limits.show_spends]
        return [self._window(b, chat) for b in budgets if is_group or b.scope != "group"]

    def _window(self, budget: Budget, chat: ChatAddress | None) -> _Window:
        place = "" if budget.scope == "channel" or chat is None else chat.chat_id
        key = (budget.name, place)
        window = self._windows.get(key)
        if window is None:
            if len(self._windows) >= _MAX_CHATS:
                self._forget()
            window = self._windows[key] = _Window(budget)
        return window

    def _chat(self, chat: ChatAddress) -> _Chats:
        if len(self._chats) >= _MAX_CHATS:
            self._forget()
        return self._chats.setdefault(_key(chat), _Chats())

    def _forget(self) -> None:
        """Drop what no longer delays anything, to bound the memory of a channel with many chats."""
        now = self._clock.steady_ms()
        for window in self._windows.values():
            window.delay_ms(now, final=True)
        self._windows = {key: each for key, each in self._windows.items() if not each.idle}
        self._chats = {
            key: each
            for key, each in self._chats.items()
            if max(each.next_ms, each.blocked_ms, each.updates_blocked_ms) > now
        }


def _key(chat: ChatAddress) -> _Chat:
    return chat.channel, chat.chat_id
