"""An iLink API in this process: HTTP for the client, methods for the people in the tests."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web

from tests.channels.platform.gate import Gate
from tests.channels.wechat.fake.logins import BOT, Logins
from tests.channels.wechat.fake.people import People
from tests.channels.wechat.fake.refusals import Refusal
from tests.channels.wechat.fake.storage import Storage

TOKEN = "CANARY-token-of-the-bot"
POLL_MS = 35_000


class Call(msgspec.Struct):
    """A call of the bot."""

    method: str
    body: dict[str, Any]
    at_ms: int
    code: int = 0
    host: str = ""
    hanging: int = 0
    """How many earlier calls were still without a response, and not given up by the bot."""


class Fault(msgspec.Struct):
    """What goes wrong with the next call of a method."""

    method: str = "sendmessage"
    status: int = 200
    code: int = 0
    key: str = "ret"
    retry_after: float | None = None
    lost: bool = False
    """Whether the call is carried out, and the connection breaks before the response."""
    html: bool = False
    hangs: bool = False
    """Whether there is never a response."""


class FakeWeChat:
    """The server. `now_ms` is its clock."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.gate = Gate()
        self.now_ms = now_ms
        self.storage = Storage()
        self.people = People(now_ms, BOT, self.storage)
        self.logins = Logins()
        self.tokens = {TOKEN}
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.traffic: list[str] = []
        self.files = self.storage.files
        self.asked = asyncio.Event()
        """Set by each call of `getupdates`."""
        self.changed = asyncio.Condition()
        self.base = ""
        self.second = ""
        """The same server under another address."""
        self._newest_poll: object = None
        self._uins: set[str] = set()
        self._hanging: list[web.Request] = []

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator["FakeWeChat"]:
        app = web.Application(client_max_size=50_000_000, middlewares=[self.gate.middleware])
        app.router.add_route("*", "/ilink/bot/{method:.+}", self._answer)
        app.router.add_get("/c2c/download", self._download)
        app.router.add_post("/c2c/upload", self._upload)
        runner = web.AppRunner(app, shutdown_timeout=0.01, access_log=None)
        await runner.setup()
        for _ in range(2):
            await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.base, self.second = (f"http://127.0.0.1:{port}" for _, port in runner.addresses)
        self.logins.base = self.base
        try:
            yield self
        finally:
            await runner.cleanup()

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait until calls have made this true."""
        async with asyncio.timeout(20), self.changed:
            await self.changed.wait_for(condition)

    def called(self, method: str) -> list[Call]:
        """The successful calls of a method."""
        return [call for call in self.calls if call.method == method and call.code == 0]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        method = request.match_info["method"]
        self.traffic.append(f"{request.path_qs}\n{raw.decode()}")
        fault = next((each for each in self.faults if each.method == method), None)
        if fault:
            self.faults.remove(fault)
        call = Call(method, json.loads(raw or b"{}"), self.now_ms(), host=request.host)
        try:
            self._check_headers(request, call)
            call.hanging = sum(not _is_closed(each) for each in self._hanging)
            if fault and fault.hangs:
                self._hanging.append(request)
                await asyncio.Event().wait()
            if fault and not fault.lost:
                call.code = fault.code or fault.status
                return _failed(fault)
            body = await self._result(call, request)
        except Refusal as refusal:
            call.code = refusal.code
            body = {refusal.key: refusal.code, "errmsg": refusal.message}
            return web.json_response(body, status=refusal.status)
        finally:
            self.calls.append(call)
            async with self.changed:
                self.changed.notify_all()
        if fault and fault.lost and request.transport:
            request.transport.close()
        return web.json_response(body)

    def _check_headers(self, request: web.Request, call: Call) -> None:
        headers = request.headers
        if headers.get("iLink-App-Id") != "bot" or not headers["iLink-App-ClientVersion"].isdigit():
            raise Refusal(-1, "invalid app", status=400)
        if request.method == "GET":
            return
        uin = headers.get("X-WECHAT-UIN", "")
        if not 0 <= int(base64.b64decode(uin)) < 2**32 or uin in self._uins:
            raise Refusal(-1, "invalid X-WECHAT-UIN", status=400)
        self._uins.add(uin)
        if headers.get("AuthorizationType") != "ilink_bot_token" or "base_info" not in call.body:
            raise Refusal(-1, "invalid request", status=400)
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        if call.method != "get_bot_qrcode" and token not in self.tokens:
            raise Refusal(-14, "session timeout", key="errcode")

    async def _result(self, call: Call, request: web.Request) -> dict[str, Any]:
        match call.method, request.method:
            case "getupdates", "POST":
                return await self._updates(call.body["get_updates_buf"])
            case "sendmessage", "POST":
                self.people.receive(call.body["msg"])
                return {"ret": 0}
            case "getconfig", "POST":
                return {"ret": 0, "typing_ticket": f"ticket {call.body['ilink_user_id']}"}
            case "getuploadurl", "POST":
                return self.storage.announce(call.body, self.base)
            case "sendtyping", "POST":
                return self._typing(call.body)
            case (("msg/notifystart" | "msg/notifystop"), "POST"):
                return {"ret": 0}
            case "get_bot_qrcode", "POST":
                return self.logins.new_code(call.body, request.query.get("bot_type", ""))
            case "get_qrcode_status", "GET":
                query = request.query
                found = self.logins.status(query["qrcode"], query.get("verify_code"), request.host)
                self.tokens |= {found["bot_token"]} if "bot_token" in found else set()
                return found
            case _:
                raise Refusal(-1, "not found", status=404)

    async def _updates(self, cursor: str) -> dict[str, Any]:
        """Wait for messages after the cursor. An empty cursor replays everything."""
        poll = self._newest_poll = object()
        place = int(cursor.removeprefix("buf-") or 0)
        people = self.people
        self.asked.set()
        people.written.set()  # Another call that waits is ended.
        while len(people.log) <= place and self._newest_poll is poll and not people.hurry:
            people.written.clear()
            await people.written.wait()
        messages = people.log[place:] if self._newest_poll is poll else []
        position = place + len(messages)
        return {
            "ret": 0,
            "msgs": messages,
            "get_updates_buf": f"buf-{position}",
            "longpolling_timeout_ms": POLL_MS,
        }

    def _typing(self, body: dict[str, Any]) -> dict[str, Any]:
        user = body["ilink_user_id"]
        if body.get("typing_ticket") != f"ticket {user}" or body.get("status") not in {1, 2}:
            raise Refusal(-1, "invalid ticket")
        self.people.typing.append((user, body["status"]))
        return {"ret": 0}

    async def _upload(self, request: web.Request) -> web.Response:
        fault = next((each for each in self.faults if each.method == "upload"), None)
        if fault:
            self.faults.remove(fault)
            return _failed(fault)
        query = request.query
        try:
            found = self.storage.store(
                query["encrypted_query_param"], query["filekey"], await request.read()
            )
        except Refusal as refusal:
            return web.Response(status=refusal.status, headers={"x-error-message": str(refusal)})
        return web.Response(headers={"x-encrypted-param": found})

    async def _download(self, request: web.Request) -> web.Response:
        found = self.files.get(request.query.get("encrypted_query_param", ""))
        return web.Response(status=404) if found is None else web.Response(body=found)


def _is_closed(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _failed(fault: Fault) -> web.Response:
    headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
    if fault.html:
        page = "<html><body><h1>502 Bad Gateway</h1></body></html>"
        return web.Response(status=fault.status, text=page, content_type="text/html")
    body = {fault.key: fault.code or -1, "errmsg": "failed"}
    return web.json_response(body, status=fault.status, headers=headers)
