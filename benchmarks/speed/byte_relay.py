"""The floor: a relay of bare bytes to a port. Run as a process of its own; prints its port."""

import asyncio
import sys
from typing import cast

import uvloop


class Upstream(asyncio.Protocol):
    """The side of the provider."""

    def __init__(self, client: asyncio.Transport) -> None:
        self._client = client

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        self._client.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Hang up."""
        self._client.close()


class Downstream(asyncio.Protocol):
    """The side of the client."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._held: list[bytes] = []
        self._upstream: asyncio.Transport | None = None
        self._opening: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Dial the provider."""
        client = cast("asyncio.Transport", transport)  # uvloop's is not a subclass
        self._opening = asyncio.get_running_loop().create_task(self._dial(client))

    async def _dial(self, client: asyncio.Transport) -> None:
        loop = asyncio.get_running_loop()
        upstream, _ = await loop.create_connection(
            lambda: Upstream(client), "127.0.0.1", self._port
        )
        self._upstream = upstream
        for data in self._held:
            upstream.write(data)

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        if self._upstream is None:
            self._held.append(data)
        else:
            self._upstream.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Hang up."""
        if self._upstream is not None:
            self._upstream.close()


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Downstream(port), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
