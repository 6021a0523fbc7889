"""The server's side of the long connection."""

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from thinkaloud.channels.feishu.frames import CONTROL, DATA, Frame, decode, encode

SERVICE = 33_554_678


@dataclass
class Delivery:
    """An event on its way, until it is acknowledged."""

    event: Mapping[str, Any]
    acknowledged: asyncio.Future[tuple[int, Any]]
    deliveries: int = 0


@dataclass
class Sockets:
    """The connections of an app. Each event goes to one of them."""

    tickets: dict[str, bool] = field(default_factory=dict)
    open: list[web.WebSocketResponse] = field(default_factory=list)
    pings: int = 0
    waiting: dict[str, Delivery] = field(default_factory=dict)
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    refusal: Mapping[str, str] | None = None
    """The headers of the next handshakes' refusal."""
    part_bytes: int = 4_096

    def address(self, base: str) -> str:
        ticket = f"ticket-{len(self.tickets)}"
        self.tickets[ticket] = False
        host = base.removeprefix("http://")
        query = f"device_id=1&service_id={SERVICE}&access_key=canary-key&ticket={ticket}"
        return f"ws://{host}/ws/v2?{query}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if self.refusal is not None:
            return web.Response(status=400, headers=self.refusal)
        if self.tickets.get(ticket) is not False:
            headers = {"handshake-status": "514", "handshake-msg": "ticket is not valid"}
            return web.Response(status=401, headers={**headers, "handshake-autherrcode": "1"})
        self.tickets[ticket] = True
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.open.append(socket)
        self.connected.set()
        try:
            async for message in socket:
                if message.type is WSMsgType.BINARY:
                    await self._take(socket, decode(message.data))
        finally:
            self.open.remove(socket)
            if not self.open:
                self.connected.clear()
        return socket

    async def push(self, event_id: str, event: Mapping[str, Any]) -> tuple[int, Any]:
        """Send an event and wait until it is acknowledged. Returns the code and the answer."""
        delivery = self.waiting.get(event_id)
        if delivery is None:
            future: asyncio.Future[tuple[int, Any]] = asyncio.get_running_loop().create_future()
            delivery = self.waiting[event_id] = Delivery(event, future)
        if delivery.acknowledged.done():
            delivery.acknowledged = asyncio.get_running_loop().create_future()
        await self.connected.wait()
        delivery.deliveries += 1
        await self._send(event_id, event)
        return await delivery.acknowledged

    async def drop(self) -> None:
        """Close all connections."""
        for socket in list(self.open):
            await socket.close(code=1001)

    async def _send(self, event_id: str, event: Mapping[str, Any]) -> None:
        data = json.dumps(event, ensure_ascii=False).encode()
        parts = [data[at : at + self.part_bytes] for at in range(0, len(data), self.part_bytes)]
        for index, part in enumerate(parts):
            headers = {
                "type": "event",
                "message_id": event_id,
                "trace_id": "trace",
                "sum": str(len(parts)),
                "seq": str(index),
            }
            frame = Frame(7, 9, SERVICE, DATA, headers, payload=part)
            await self.open[-1].send_bytes(encode(frame))

    async def _take(self, socket: web.WebSocketResponse, frame: Frame) -> None:
        if frame.method == CONTROL:
            assert frame.headers == {"type": "ping"}
            assert frame.service == SERVICE
            self.pings += 1
            await socket.send_bytes(encode(Frame(service=SERVICE, headers={"type": "pong"})))
            return
        reply = json.loads(frame.payload)
        delivery = self.waiting[frame.headers["message_id"]]
        data = json.loads(base64.b64decode(reply["data"])) if reply.get("data") else None
        assert "biz_rt" in frame.headers
        if not delivery.acknowledged.done():
            delivery.acknowledged.set_result((reply["code"], data))
