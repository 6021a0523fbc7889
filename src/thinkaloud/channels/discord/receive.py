"""Receives over the gateway until the connection is lost for good."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import discord

from thinkaloud.channels.discord.gateway import Gateway, gateway_error
from thinkaloud.channels.discord.interactions import Interactions
from thinkaloud.channels.discord.read import Reader
from thinkaloud.channels.platform.errors import PlatformError, Transient
from thinkaloud.channels.platform.platform import Inbox
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.tasks import owned_tasks

_DOWN_SECONDS: Final = 120.0
"""How long the library may try to connect again; then the layer reports it and starts over."""
_CLOSE_SECONDS: Final = 3.0
_CANCEL_SECONDS: Final = 0.1


class Receiver:
    """Passes on what one connection receives."""

    def __init__(
        self,
        gateway: Gateway,
        reader: Reader,
        interactions: Interactions,
        inbox: Inbox,
        clock: Clock,
    ) -> None:
        self._gateway = gateway
        self._reader = reader
        self._interactions = interactions
        self._inbox = inbox
        self._clock = clock
        self._connected = asyncio.Event()
        self._lost = asyncio.Event()
        self._lost.set()
        gateway.handle("message", self._message)
        gateway.handle("edit", self._edit)
        gateway.handle("interaction", self._interaction)

    async def run(self, ready: Callable[[], None]) -> PlatformError:
        """Receive, and return why it ended."""

        def changed(up: bool) -> None:
            (self._lost if up else self._connected).clear()
            (self._connected if up else self._lost).set()
            if up:
                ready()

        self._gateway.changed = changed
        async with owned_tasks() as tasks:
            connecting = tasks.create_task(_connection_error(self._gateway))
            watching = tasks.create_task(self._watch())
            try:
                await asyncio.wait((connecting, watching), return_when=asyncio.FIRST_COMPLETED)
                ended = connecting.result() if connecting.done() else None
            finally:
                watching.cancel()
                await _end(connecting)
        return gateway_error(ended) if ended else Transient("the gateway cannot be reached")

    async def _message(self, found: discord.Message) -> None:
        read = self._reader.message(found)
        if read is not None:
            await self._inbox.receive(read)

    async def _edit(self, found: discord.Message) -> None:
        read = self._reader.message(found, edited=True)
        if read is not None:
            await self._inbox.receive(read)

    async def _interaction(self, found: discord.Interaction) -> None:
        await self._interactions.handle(found, self._inbox)

    async def _watch(self) -> None:
        """Return when the connection was lost for too long."""
        while True:
            await self._lost.wait()
            async with owned_tasks() as tasks:
                up = tasks.create_task(self._connected.wait())
                timer = tasks.create_task(self._clock.sleep(_DOWN_SECONDS))
                try:
                    await asyncio.wait((up, timer), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    up.cancel()
                    timer.cancel()
            if not self._connected.is_set():
                return


async def close_gateway(gateway: Gateway) -> None:
    """Close the connection, also if the gateway doesn't answer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await gateway.close()
            await gateway.close_connections()
    await gateway.http.close()


async def _end(task: asyncio.Task[Exception]) -> None:
    """Cancel a task until it ends: on Python 3.11, `wait_for` can swallow a cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=_CANCEL_SECONDS)


async def _connection_error(gateway: Gateway) -> Exception:
    """Connect, and return what ended the connection. The library connects again by itself."""
    try:
        await gateway.connect()
    except (discord.DiscordException, OSError, AttributeError) as error:
        # Before the first connection, the library fails with an AttributeError.
        return error
    return ConnectionError()
