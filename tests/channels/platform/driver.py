"""The driver interface of the contract suite: each platform's tests implement `Driver`."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol

import msgspec

from tests.channels.platform.lab import Lab
from thinkaloud.ports.tool import Tool
from thinkaloud.providers.scripted import Script

WAIT_SECONDS = 30.0
RECHECK_SECONDS = 0.05
ADA = "@ada"
GROUP = "@group"
"""Stand for `Driver.ada` and `Driver.group` in settings, before there is a driver."""


class Shown(msgspec.Struct, frozen=True):
    """A message of the bot, as people see it now."""

    text: str
    """The visible text, without markup."""
    folded: str = ""
    """The text behind the platform's own fold (details, spoiler, collapsed panel)."""
    notifies: bool = True
    """Whether it rang when it was sent."""
    private_to: str | None = None
    """The only person who sees it."""


class DriverSetup(msgspec.Struct, frozen=True):
    """What a test of the suite decides."""

    settings: Mapping[str, object] = {}
    """Keys of the channel's section, beside the platform's own; people are allowed here."""
    tools: Sequence[Tool] = ()
    reasoning_allowed: bool = True
    """The policy of the server."""

    def section(self, *, ada: str, group: str) -> dict[str, object]:
        """Return the settings with the platform's own ids."""
        ids = {ADA: ada, GROUP: group}
        return {
            key: [ids.get(each, each) for each in value] if isinstance(value, list) else value
            for key, value in self.settings.items()
        }


class Driver(Protocol):
    """A platform's fake server with a channel connected to it.

    A direct chat has the id of its person here, whatever the platform calls it.
    """

    lab: Lab
    """The open channel; a new one after `restart`."""
    ada: str
    """A person. The suite allows her."""
    stranger: str
    """Another person, whom nobody allowed."""
    group: str
    """A group that both are in."""
    live_thoughts: bool
    """Whether the platform shows thoughts while they stream."""
    folds: bool
    """Whether the platform has a fold for finished thoughts."""
    edits: bool
    """Whether sent text can change, or grows in place."""
    private_replies: bool
    """Whether a reply in a group can be for one person alone."""

    async def person_says(
        self,
        text: str,
        *,
        sender: str,
        group: bool = False,
        mention: bool = False,
        is_bot: bool = False,
    ) -> None:
        """Let a person (or bot) send a message, in the direct chat or in the group."""
        ...

    async def repeat_last(self) -> None:
        """Deliver the last message once more, as the platform does after a lost acknowledgement."""
        ...

    async def press_stop(self, sender: str) -> bool:
        """Use the platform's native stop in a direct chat. False if there is none."""
        ...

    def shown(self, chat: str) -> list[Shown]:
        """What the chat (a person or `group`) shows now, oldest first."""
        ...

    def traffic(self) -> list[str]:
        """Everything that the channel has sent to the server, decoded, one string per call."""
        ...

    def pings(self) -> list[str]:
        """Whom the bot's messages have mentioned so that they were notified."""
        ...

    def fail_next(self, calls: int, status: int, retry_after: float | None = None) -> None:
        """Let the next calls that show something fail, in the platform's own shape (429, 500, …)."""
        ...

    def people(self, count: int) -> Sequence[str]:
        """Return this many different persons. The suite allows them with `["*"]`."""
        ...

    async def changed(self) -> None:
        """Wait until the next call has reached the server. Must not miss one made after the call."""
        ...

    async def restart(self, *scripts: Script) -> None:
        """Stop the channel at once, as a crash would, and start it again on the same state."""
        ...


class Opens(Protocol):
    """Opens a platform's driver on a model that plays these scripts."""

    def __call__(
        self, setup: DriverSetup, *scripts: Script
    ) -> AbstractAsyncContextManager[Driver]: ...


async def until(driver: Driver, predicate: Callable[[], bool]) -> None:
    """Wait until a condition holds; it is checked after every call that reaches the server.

    And now and then, for conditions inside the channel.
    """
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while not predicate():
                with suppress(TimeoutError):
                    await asyncio.wait_for(driver.changed(), RECHECK_SECONDS)
    except TimeoutError:
        shown = {chat: driver.shown(chat) for chat in (driver.ada, driver.stranger, driver.group)}
        raise AssertionError(f"it did not happen; shown: {shown}") from None


def text_of(driver: Driver, chat: str) -> str:
    """All visible text of a chat."""
    return "\n".join([each.text for each in driver.shown(chat)])


def folded_of(driver: Driver, chat: str) -> str:
    """All text of a chat that is behind a fold."""
    return "\n".join([each.folded for each in driver.shown(chat)])
