"""A WeCom server for one smart bot: the long connection over TLS, with WeCom's rules."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

from aiohttp import WSMsgType, web

from tests.channels.platform.gate import Gate
from tests.channels.wecom.fake.certificates import server_context
from tests.channels.wecom.fake.chats import INVALID_REQUEST, TOO_MANY, Chats, Refused
from tests.channels.wecom.fake.uploads import Uploads

BOT_ID = "bot-aloud"
SECRET = "canary-wecom-secret"
NOT_SUBSCRIBED = 846609
BUSY = -1
WRONG_SECRET = 853000


class FakeWeCom:
    """One bot's server."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.gate = Gate()
        self.chats = Chats(now)
        self.uploads = Uploads()
        self.traffic: list[str] = []
        self.refused: list[tuple[int, str]] = []
        self.logins = 0
        self.pings = 0
        self.files: dict[str, bytes] = {}
        self.url = ""
        self.connected = asyncio.Event()
        """Whether a client is logged in."""
        self.drops_acks = 0
        """How many acknowledgements get lost."""
        self._socket: web.WebSocketResponse | None = None
        self._transport: asyncio.Transport | None = None
        self._requests: dict[str, str] = {}
        self._failures: list[int] = []
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator["FakeWeCom"]:
        app = web.Application()
        app.router.add_get("/ws", self._serve)
        app.router.add_get("/files/{name}", self._file)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_context())
        await site.start()
        port = runner.addresses[0][1]
        self.url = f"wss://127.0.0.1:{port}/ws"
        try:
            yield self
        finally:
            await self.close(1001)
            await runner.cleanup()

    def fail_next(self, calls: int, status: int) -> None:
        """Let the next messages of the bot fail."""
        self._failures += [TOO_MANY if status == 429 else BUSY] * calls

    async def push(self, command: str, body: Mapping[str, Any], *, chat: str = "") -> str:
        """Deliver a message or an event, and return the request's id. It is valid in this connection only."""
        await self.connected.wait()
        assert self._socket is not None
        req_id = f"req-{self.logins}-{len(self._requests) + 1}"
        self._requests[req_id] = chat
        frame = {"cmd": command, "headers": {"req_id": req_id}, "body": dict(body)}
        await self._socket.send_str(json.dumps(frame))
        return req_id

    async def close(self, code: int) -> None:
        """Close the connection with a code."""
        if self._socket is not None:
            await self._socket.close(code=code)

    def abort(self) -> None:
        """Cut the connection without closing it."""
        assert self._transport is not None
        self._transport.abort()

    async def changed(self) -> None:
        """Wait for the next call."""
        event = self._changed
        await event.wait()

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._transport = cast("asyncio.Transport", request.transport)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._take(socket, json.loads(message.data))
        finally:
            if self._socket is socket:
                self._socket = None
                self._requests.clear()
                self.connected.clear()
        return socket

    async def _take(self, socket: web.WebSocketResponse, frame: Mapping[str, Any]) -> None:
        self.traffic.append(json.dumps(frame, ensure_ascii=False))
        code, text, answer = 0, "ok", {}
        counts = frame["cmd"] not in {"ping", "aibot_subscribe"}
        if counts:
            await self.gate.point()
        try:
            answer = await self._handle(socket, frame)
        except Refused as refusal:
            code, text = refusal.code, refusal.message
            self.refused.append((code, text))
        if counts:
            await self.gate.point()
        if (
            self.drops_acks
            and frame["cmd"].startswith("aibot_")
            and "subscribe" not in frame["cmd"]
        ):
            self.drops_acks -= 1
        else:
            headers = {"req_id": frame["headers"]["req_id"]}
            reply = {"headers": headers, "errcode": code, "errmsg": text}
            await socket.send_str(json.dumps(reply | ({"body": answer} if answer else {})))
        if code == 0 and frame["cmd"] == "aibot_subscribe":
            self.connected.set()
        event, self._changed = self._changed, asyncio.Event()
        event.set()

    async def _handle(
        self, socket: web.WebSocketResponse, frame: Mapping[str, Any]
    ) -> dict[str, Any]:
        command, body = frame["cmd"], cast("Mapping[str, Any]", frame.get("body") or {})
        if command == "aibot_subscribe":
            await self._subscribe(socket, body)
            return {}
        if socket is not self._socket:
            raise Refused(NOT_SUBSCRIBED, "aibot websocket not subscribed")
        if command == "ping":
            self.pings += 1
            return {}
        if self._failures:
            raise Refused(self._failures.pop(0), "not now")
        if command.startswith("aibot_upload_media_"):
            return self.uploads.handle(command, body)
        if command == "aibot_send_msg":
            self.chats.send(body, self.uploads.media)
            return {}
        if command != "aibot_respond_msg":
            raise Refused(40058, f"unknown command {command}")
        req_id = frame["headers"]["req_id"]
        chat = self._requests.get(req_id)
        if not chat:
            raise Refused(INVALID_REQUEST, "invalid req_id")
        self.chats.respond(req_id, chat, body)
        return {}

    async def _subscribe(self, socket: web.WebSocketResponse, body: Mapping[str, Any]) -> None:
        if body.get("bot_id") != BOT_ID or body.get("secret") != SECRET:
            raise Refused(WRONG_SECRET, "invalid bot_id or secret")
        earlier, self._socket = self._socket, socket
        self._requests.clear()
        self.logins += 1
        if earlier is not None and earlier is not socket and not earlier.closed:
            event = {"msgtype": "event", "event": {"eventtype": "disconnected_event"}}
            frame = {"cmd": "aibot_event_callback", "headers": {"req_id": "end"}, "body": event}
            await earlier.send_str(json.dumps(frame))

    async def _file(self, request: web.Request) -> web.StreamResponse:
        data = self.files.get(request.match_info["name"])
        if data is not None:
            return web.Response(body=data)
        response = web.StreamResponse()
        await response.prepare(request)
        while True:  # It has no end; writing fails when the client has closed the connection.
            await response.write(bytes(100_000))
