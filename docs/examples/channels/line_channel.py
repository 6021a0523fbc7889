"""A channel for `nc -U`: a connection is a chat, a line is a message, and thinking is dim."""

import asyncio
import itertools

from thinkaloud.channels import BaseChannel, InboundMessage, OutboundMessage, StreamMetadata


class LineChannel(BaseChannel):
    async def start(self) -> None:
        self.writers: dict[str, asyncio.StreamWriter] = {}
        self.numbers = itertools.count(1)
        path = str(self.settings.options["path"])
        async with await asyncio.start_unix_server(self.talk, path) as server:
            await server.serve_forever()

    async def stop(self) -> None:
        for writer in self.writers.values():
            writer.close()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        chat_id = str(next(self.numbers))
        self.writers[chat_id] = writer
        while line := await reader.readline():
            await self.inbox(InboundMessage(self.name, chat_id, line.decode().strip()))

    async def write(self, chat_id: str, text: str) -> None:
        self.writers[chat_id].write(text.encode())
        await self.writers[chat_id].drain()

    async def send(self, msg: OutboundMessage) -> None:
        await self.write(msg.chat_id, f"{msg.content}\n")

    async def send_delta(self, chat_id: str, delta: str, metadata: StreamMetadata) -> None:
        await self.write(chat_id, delta)

    async def send_stream_end(self, chat_id: str, metadata: StreamMetadata) -> None:
        await self.write(chat_id, "\n")

    async def send_reasoning_delta(
        self, chat_id: str, delta: str, metadata: StreamMetadata
    ) -> None:
        await self.write(chat_id, f"\033[2m{delta}\033[0m")

    async def send_reasoning_end(self, chat_id: str, metadata: StreamMetadata) -> None:
        await self.write(chat_id, "\n")
