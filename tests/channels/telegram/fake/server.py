"""A Bot API in this process: HTTP for the real client library, methods for the people in the tests."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web

from tests.channels.multipart import fields_and_files
from tests.channels.platform.gate import Gate
from tests.channels.telegram.fake.chats import BOT, Bubble, Chats
from tests.channels.telegram.fake.inbox import Updates
from tests.channels.telegram.fake.rates import Rates
from tests.channels.telegram.fake.refusals import Refusal, bad_request

TOKEN = "999:CANARY-token-of-the-bot"


class Call(msgspec.Struct):
    """A call of the bot."""

    method: str
    parameters: Mapping[str, str]
    status: int
    at_ms: int


class Fault(msgspec.Struct):
    """What goes wrong with the next call of a method, or of any of those that send."""

    status: int
    method: str = ""
    retry_after: int | None = None
    html: bool = False
    """Whether the body is a page of a proxy rather than JSON."""
    description: str = "Internal Server Error"
    lost: bool = False
    """Whether the call is carried out, and the connection breaks before the response."""
    after: int = 0
    """How many calls succeed before."""


SENDING = {
    "sendMessage",
    "sendRichMessage",
    "editMessageText",
    "sendMessageDraft",
    "sendRichMessageDraft",
}


class FakeTelegram:
    """The server. `now_ms` is its clock."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.gate = Gate()
        self.now_ms = now_ms
        self.chats = Chats(now_ms)
        self.rates = Rates(now_ms)
        self.updates = Updates()
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.files: dict[str, bytes] = {}
        self.privacy_mode = False
        self.broken_files = False
        self.typing: list[int] = []
        self.commands: list[dict[str, str]] = []
        self.answered: list[str] = []
        self.bytes_received: list[bytes] = []
        self.moved: dict[int, int] = {}
        """The new ids of groups that have become supergroups."""
        self.unknown: set[str] = set()
        """Methods that this version of the server doesn't have."""
        self.changed = asyncio.Condition()
        self.base = ""

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator["FakeTelegram"]:
        app = web.Application(client_max_size=50_000_000, middlewares=[self.gate.middleware])
        app.router.add_route("*", "/bot{token}/{method}", self._answer)
        app.router.add_get("/file/bot{token}/{path:.*}", self._file)
        runner = web.AppRunner(app, shutdown_timeout=0.01, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait until the bot's calls have made this true."""
        async with self.changed:
            await self.changed.wait_for(condition)

    def called(self, method: str) -> list[Call]:
        """The successful calls of a method."""
        return [call for call in self.calls if call.method == method and call.status == 200]

    def seen(self, chat_id: int) -> list[Bubble]:
        return self.chats.messages_in(chat_id)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.bytes_received.append(raw)
        parameters, files = await _form(request, raw)
        method = request.match_info["method"]
        call = Call(method, parameters, 200, self.now_ms())
        fault = self._fault(method)
        try:
            if request.match_info["token"] != TOKEN:
                raise Refusal(401, "Unauthorized")
            if fault and not fault.lost:
                call.status = fault.status
                return _failed(fault)
            body: dict[str, Any] = {
                "ok": True,
                "result": await self._result(method, parameters, files),
            }
        except Refusal as refusal:
            call.status, body = refusal.code, refusal.body()
        finally:
            self.calls.append(call)
            async with self.changed:
                self.changed.notify_all()
        if fault and fault.lost and request.transport:
            request.transport.close()
        return web.json_response(body, status=call.status)

    def _fault(self, method: str) -> Fault | None:
        for fault in self.faults:
            if fault.method == method or (not fault.method and method in SENDING):
                if fault.after:
                    fault.after -= 1
                    return None
                self.faults.remove(fault)
                return fault
        return None

    async def _result(
        self, method: str, parameters: Mapping[str, str], files: Mapping[str, tuple[str, bytes]]
    ) -> Any:
        if method in self.unknown:
            raise Refusal(404, "Not Found: method not found")
        if method in SENDING:
            return self._sent(method, parameters)
        if method == "sendDocument":
            self.rates.message(self.chats.chat_of(parameters))
            return self.chats.send_document(parameters, files)
        match method:
            case "getMe":
                return BOT | {"can_read_all_group_messages": not self.privacy_mode}
            case "getUpdates":
                allowed = set(json.loads(parameters.get("allowed_updates", "[]")))
                offset, seconds = (int(parameters.get(name, 0)) for name in ("offset", "timeout"))
                return await self.updates.get(offset, allowed or None, waits=seconds > 0)
            case "deleteMessage":
                self.chats.delete(self.chats.chat_of(parameters), int(parameters["message_id"]))
                return True
            case "deleteWebhook":
                self.updates.webhook = ""
                return True
            case "setMyCommands":
                self.commands = json.loads(parameters["commands"])
                return True
            case "sendChatAction":
                self.typing.append(self.chats.chat_of(parameters))
                return True
            case "answerCallbackQuery":
                self.answered.append(parameters["callback_query_id"])
                return True
            case "getFile":
                return self._file_info(parameters["file_id"])
            case _:
                raise Refusal(404, "Not Found")

    def _sent(self, method: str, parameters: Mapping[str, str]) -> Any:
        chat_id = self.chats.chat_of(parameters)
        if chat_id in self.moved:
            raise Refusal(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=self.moved[chat_id],
            )
        if chat_id in self.chats.blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        if method.endswith("Draft"):
            self.rates.draft(chat_id)
            return self.chats.draft(parameters, rich="Rich" in method)
        self.rates.message(chat_id)
        if method == "editMessageText":
            return self.chats.edit(parameters)
        return self.chats.send(parameters, rich="Rich" in method)

    def _file_info(self, file_id: str) -> dict[str, Any]:
        content = self.files.get(file_id)
        if content is None:
            raise bad_request("invalid file_id")
        if len(content) > 20_000_000:
            raise bad_request("file is too big")
        return {"file_id": file_id, "file_unique_id": file_id, "file_path": f"files/{file_id}"}

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info["path"].removeprefix("files/")
        if self.broken_files:
            return web.Response(status=500)
        if request.match_info["token"] != TOKEN or name not in self.files:
            return web.Response(status=404)
        return web.Response(body=self.files[name])


async def _form(
    request: web.Request, raw: bytes
) -> tuple[Mapping[str, str], Mapping[str, tuple[str, bytes]]]:
    if request.content_type == "multipart/form-data":
        return fields_and_files(request.headers["Content-Type"], raw)
    return {str(name): str(value) for name, value in (await request.post()).items()}, {}


def _failed(fault: Fault) -> web.Response:
    if fault.html:
        page = "<html><body><h1>502 Bad Gateway</h1></body></html>"
        return web.Response(status=fault.status, text=page, content_type="text/html")
    parameters = {} if fault.retry_after is None else {"retry_after": fault.retry_after}
    return web.json_response(
        Refusal(fault.status, fault.description, **parameters).body(), status=fault.status
    )
