"""The platform of a channel while it is connected, and the pace of the calls to it."""

import asyncio

from thinkaloud.channels.platform.engine.pacer import Pacer
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.platform.platform import Limits, Platform
from thinkaloud.ports.clock import Clock


class LatePace:
    """The pace of a platform that is only just being created. Implements `Pace`."""

    def __init__(self) -> None:
        self.pacer: Pacer | None = None

    async def spend(
        self, budget: str, chat: ChatAddress | None = None, *, final: bool = False
    ) -> None:
        """Wait until a call fits into a budget, and count it."""
        if self.pacer is not None:
            await self.pacer.spend(budget, chat, final=final)

    def try_spend(
        self, budget: str, chat: ChatAddress | None = None, *, final: bool = False
    ) -> bool:
        """Count a call if it fits. See `Pace.try_spend`."""
        return self.pacer is None or self.pacer.try_spend(budget, chat, final=final)


class Connection:
    """Holds the connected platform; a channel that restarts gets a new one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._platform: Platform | None = None
        self._connected = asyncio.Event()
        self.pace = LatePace()
        """The pace of the platform."""

    @property
    def platform(self) -> Platform | None:
        """The platform, if it is connected."""
        return self._platform

    @property
    def pacer(self) -> Pacer:
        """The pacer: there is one once a platform has been created."""
        assert self.pace.pacer is not None
        return self.pace.pacer

    def set_pace(self, limits: Limits) -> None:
        """Use these limits. A new connection with the same ones keeps the budgets and delays."""
        if self.pace.pacer is None or self.pace.pacer.limits != limits:
            self.pace.pacer = Pacer(limits, self._clock)

    def connect(self, platform: Platform) -> None:
        """Use this platform from now on."""
        self._platform = platform
        self._connected.set()

    def disconnect(self) -> None:
        """Make calls wait until there is a platform again."""
        self._platform = None
        self._connected.clear()

    async def ready(self) -> Platform:
        """Wait until there is a platform, and return it."""
        while self._platform is None:
            await self._connected.wait()
        return self._platform
