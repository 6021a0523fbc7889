"""A channel for `nc -U`: a connection is a chat, a line is a message, and thinking is dim."""

import asyncio

from thinkaloud.channels import BaseChannel, OutboundMessage, StreamMetadata


class LineChannel(BaseChannel):
    async def start(self) -> None:
        self.chats: dict[str, asyncio.StreamWriter] = {}
        path = str(self.settings.options["path"])
        self.server = await asyncio.start_unix_server(self.talk, path)

    async def stop(self) -> None:
        self.server.close()
        for writer in self.chats.values():
            writer.close()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        chat_id = str(len(self.chats) + 1)
        self.chats[chat_id] = writer
        async for line in reader:
            await self.receive(chat_id, line.decode().strip())

    async def write(self, chat_id: str, text: str) -> None:
        self.chats[chat_id].write(text.encode())
        await self.chats[chat_id].drain()

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
