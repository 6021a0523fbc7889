"""The contract suite's driver: a channel on the fake Slack."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from tests.channels.platform.clocks import FastClock
from tests.channels.platform.driver import DriverSetup, Shown
from tests.channels.platform.gate import Gate
from tests.channels.platform.lab import Lab, Setup, channel_lab
from tests.channels.slack.fake.messages import Message
from tests.channels.slack.fake.people import People
from tests.channels.slack.fake.server import FakeSlack, Fault
from tests.channels.slack.fake.workspace import BOT
from tests.channels.slack.harness import ENVIRONMENT
from thinkaloud.channels.platform.platform import PlatformContext
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.channels.slack.client import SlackPlatform
from thinkaloud.channels.slack.settings import SlackSettings
from thinkaloud.providers.scripted import Script
from thinkaloud.stores.channel_state import MemoryChannelState
from thinkaloud.stores.memory import MemoryStore

SHOWING = ("chat.startStream", "chat.appendStream", "chat.stopStream", "chat.postMessage")
EXPECTED = {"fault", "stopped_by_user"}
"""What a channel may be refused: what a test ordered, and what a person did. Never a limit."""
PINGS = ("<!channel", "<!here", "<!everyone", "<!subteam", "<@U", "@channel", "@here", "@everyone")


class SlackDriver:
    """Implements `Driver`."""

    live_thoughts = True
    folds = True
    edits = True
    private_replies = True
    ada = "U0ADA"
    stranger = "U0EVE"
    group = "C0GROUP"

    def __init__(self, slack: FakeSlack, clock: FastClock, setup: DriverSetup) -> None:
        section = setup.section(ada=self.ada, group=self.group)
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in section.items()
        }
        self.slack = slack
        self.workspace = slack.workspace
        self.people_of = People(slack)
        self.people_of.channel(self.group, self.ada, self.stranger)
        self._setup = Setup(
            name="slack",
            settings=SlackSettings(api_base=slack.url, **values),
            clock=clock,
            environment=dict(ENVIRONMENT),
            store=MemoryStore(),
            tools=setup.tools,
            reasoning_allowed=setup.reasoning_allowed,
        )
        self.expected_errors: set[str] = set()
        """After a crash, nobody knows whether the last call was performed: it is repeated."""
        self._state = MemoryChannelState()
        self._stack = AsyncExitStack()
        self._last: Callable[[], Any] | None = None
        self.lab: Lab

    @property
    def gate(self) -> Gate:
        return self.slack.gate

    async def open(self, *scripts: Script) -> None:
        def make(settings: PlatformSettings, context: PlatformContext) -> SlackPlatform:
            assert isinstance(settings, SlackSettings)
            return SlackPlatform(settings, context, ping_seconds=60)

        lab = channel_lab(make, self._state, self._setup, *scripts)
        self.lab = await self._stack.enter_async_context(lab)
        while not self.slack.sockets:
            await self.changed()

    async def close(self) -> None:
        await self._stack.aclose()

    async def restart(self, *scripts: Script) -> None:
        await self.close()
        self.gate.disarm()
        self.expected_errors.add("message_not_in_streaming_state")
        await self.slack.drop_sockets()
        self._stack = AsyncExitStack()
        await self.open(*scripts)

    async def person_says(
        self,
        text: str,
        *,
        sender: str,
        group: bool = False,
        mention: bool = False,
        is_bot: bool = False,
    ) -> None:
        channel = self.group if group else self.people_of.direct(sender)
        more = {"bot_id": "B0OTHER"} if is_bot else {}
        message_text = f"<@{BOT}> {text}" if mention else text
        message = await self.people_of.writes(sender, channel, message_text, **more)
        kind = "im" if channel.startswith("D") else "channel"
        event = message.event() | {"channel": channel, "channel_type": kind} | more
        self._last = lambda: self.slack.event(event)

    async def repeat_last(self) -> None:
        assert self._last is not None
        await self._last()

    async def press_stop(self, sender: str) -> bool:
        channel = self.people_of.direct(sender)
        thread = next(each.ts for each in self.workspace.messages if each.channel == channel)
        await self.people_of.presses_stop(sender, channel, thread)
        return True

    def shown(self, chat: str) -> list[Shown]:
        channel = chat if chat == self.group else self.people_of.direct(chat)
        return [self._shown(message) for message in self.workspace.by_bot(channel)]

    def _shown(self, message: Message) -> Shown:
        return Shown(message.visible, message.folded, private_to=message.only_for or None)

    def traffic(self) -> list[str]:
        return self.slack.sent

    def pings(self) -> list[str]:
        return [sent for sent in self.slack.sent if any(each in sent for each in PINGS)]

    def fail_next(self, calls: int, status: int, retry_after: float | None = None) -> None:
        fault = Fault(status, "<html>Bad Gateway</html>", "text/html")
        if status == 429:
            fault = Fault.limited(max(1, round(retry_after or 1)))
        self.slack.fail_any(SHOWING, [fault] * calls)

    def people(self, count: int) -> Sequence[str]:
        return [f"U0P{number:03}" for number in range(count)]

    async def changed(self) -> None:
        self.slack.changed.clear()
        await self.slack.changed.wait()


@asynccontextmanager
async def slack_driver(setup: DriverSetup, *scripts: Script) -> AsyncGenerator[SlackDriver]:
    clock = FastClock(100)
    async with FakeSlack(lambda: clock.unix_ms() / 1000).serve() as slack:
        driver = SlackDriver(slack, clock, setup)
        await driver.open(*scripts)
        try:
            yield driver
        finally:
            await driver.close()
        errors = [error for _, error in slack.errors]
        assert {*errors} <= EXPECTED | driver.expected_errors | {"ratelimited"}, slack.errors
        # At 100 times real time, a call that is on its way for 10 ms is a second late. On a busy machine, all statuses
        # of a minute may arrive at once; one that is refused is not repeated, and nothing depends on it.
        late = [name for name, error in slack.errors if error == "ratelimited"]
        assert len(late) - late.count("agents.sessions.setStatus") <= 2, slack.errors
        assert driver.expected_errors or slack.workspace.unmodified == []
