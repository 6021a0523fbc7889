"""The platform of a channel while it is connected."""

import asyncio

from thinkaloud.channels.platform.platform import Platform


class Connection:
    """Holds the connected platform; a channel that restarts gets a new one."""

    def __init__(self) -> None:
        self._platform: Platform | None = None
        self._connected = asyncio.Event()

    @property
    def platform(self) -> Platform | None:
        """The platform, if it is connected."""
        return self._platform

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
