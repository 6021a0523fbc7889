"""A channel plugin for the tests of the page: forwards what it reads from a Unix socket to a chat."""

import asyncio
import json

from thinkaloud.channels import BaseChannel, OutboundMessage


class BellChannel(BaseChannel):
    """Takes lines of JSON: the members of an `OutboundMessage` to the channel of the page."""

    async def start(self) -> None:
        """Listen on the configured socket."""
        self.server = await asyncio.start_unix_server(self.take, str(self.settings.options["path"]))

    async def stop(self) -> None:
        """Listen no more."""
        self.server.close()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Dispatch every line, and close when the other end does."""
        async for line in reader:
            self.dispatch(OutboundMessage("websocket", **json.loads(line)))
        writer.close()

    async def send(self, msg: OutboundMessage) -> None:
        """Nobody talks to it."""
