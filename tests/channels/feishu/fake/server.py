"""A Feishu that runs on loopback: the API and the long connection, with Feishu's limits."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from tests.channels.feishu.fake.cards import Cards
from tests.channels.feishu.fake.chats import Chats
from tests.channels.feishu.fake.rates import Rates
from tests.channels.feishu.fake.refusals import Refused, too_often
from tests.channels.feishu.fake.socket import Sockets
from tests.channels.multipart import fields_and_files
from tests.channels.platform.gate import Gate

APP_ID: Final = "cli_a1b2c3"
SECRET: Final = "secret-canary-5d1f"
BOT: Final = "ou_bot"
SCOPES: Final = (
    "cardkit:card:write",
    "im:message",
    "im:message:send_as_bot",
    "im:resource",
)
FILE_BYTES: Final = 30 * 1024 * 1024
_CARD = "/open-apis/cardkit/v1/cards"
_MESSAGES = "/open-apis/im/v1/messages"
_SHOWS = (_CARD, _MESSAGES, "/open-apis/ephemeral")


@dataclass
class Fault:
    """How a call that shows something fails."""

    status: int
    """0: it does not fail."""
    retry_after: float | None = None
    after: bool = False
    """Whether the call is performed, and only its answer lost."""


class FakeFeishu:
    """One tenant with one app."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.gate = Gate()
        self._now = now
        self.rates = Rates(now)
        self.cards = Cards(now)
        self.chats = Chats(APP_ID, self.cards, self.rates, now)
        self.sockets = Sockets()
        self.scopes = set(SCOPES)
        self.secret = SECRET
        self.has_bot = True
        self.files: dict[str, bytes] = {}
        self.faults: deque[Fault] = deque()
        self.reaction_faults: deque[Fault] = deque()
        self.traffic: list[str] = []
        self.refused: list[str] = []
        self.counts: dict[str, int] = {}
        self.tokens: dict[str, float] = {}
        self.url = ""
        self._changed: asyncio.Event = asyncio.Event()

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator["FakeFeishu"]:
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await self.sockets.drop()
            await runner.cleanup()

    async def changed(self) -> None:
        """Wait until the next call has been answered."""
        await self._changed.wait()
        self._changed.clear()

    def fail_next(self, calls: int, status: int, retry_after: float | None = None) -> None:
        """Let the next calls that show something fail."""
        self.faults = deque([Fault(status, retry_after)] * calls)

    def revoke(self) -> None:
        """Make all tokens invalid."""
        self.tokens.clear()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024 * 1024, middlewares=[self.gate.middleware])
        app.router.add_get("/ws/v2", self.sockets.serve)
        for method, path, answer in (
            ("POST", "/callback/ws/endpoint", self._endpoint),
            ("POST", "/open-apis/auth/v3/tenant_access_token/internal", self._token),
            ("GET", "/open-apis/bot/v3/info", self._bot),
            ("GET", "/open-apis/application/v6/scopes", self._scopes),
            ("POST", "/open-apis/im/v1/files", self._upload),
            ("POST", _CARD, self._create_card),
            ("PUT", _CARD + "/{card}", self._update_card),
            ("PATCH", _CARD + "/{card}/settings", self._settings),
            ("PUT", _CARD + "/{card}/elements/{element}/content", self._content),
            ("POST", _MESSAGES, self._create),
            ("GET", _MESSAGES + "/{message}", self._get),
            ("POST", _MESSAGES + "/{message}/reply", self._reply),
            ("POST", _MESSAGES + "/{message}/reactions", self._react),
            ("GET", _MESSAGES + "/{message}/reactions", self._reactions),
            ("DELETE", _MESSAGES + "/{message}/reactions/{reaction}", self._unreact),
            ("GET", _MESSAGES + "/{message}/resources/{key}", self._resource),
            ("POST", "/open-apis/ephemeral/v1/send", self._whisper),
        ):
            app.router.add_route(method, path, self._handler(method, path, answer))
        return app

    def _handler(self, method: str, path: str, answer: Any) -> Any:
        shows = path.startswith(_SHOWS) and "reactions" not in path and method != "GET"

        async def handle(request: web.Request) -> web.StreamResponse:
            data = await request.read()
            self.counts[f"{method} {path}"] = self.counts.get(f"{method} {path}", 0) + 1
            if path.startswith((_CARD, _MESSAGES, "/open-apis/ephemeral")):
                self.traffic.append(f"{method} {request.path_qs} {data.decode()}")
            fault = self.faults.popleft() if shows and self.faults else None
            if "reactions" in path and self.reaction_faults:
                fault = self.reaction_faults.popleft()
            if fault is not None and not fault.status:
                fault = None
            try:
                if fault is not None and not fault.after:
                    return _failed(fault)
                if not path.startswith(("/callback", "/open-apis/auth")):
                    self._authorise(request)
                    self.rates.method(f"{method} {path}")
                if request.content_type == "multipart/form-data":
                    body: Any = fields_and_files(request.headers["Content-Type"], data)
                else:
                    body = json.loads(data) if data else {}
                found = answer(request, body)
                return _failed(fault) if fault is not None else found
            except Refused as refused:
                self.refused.append(f"{method} {path}: {refused}")
                return web.json_response(
                    refused.body(), status=refused.status, headers=refused.headers
                )
            finally:
                self._changed.set()

        return handle

    def _authorise(self, request: web.Request) -> None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.tokens.get(token, 0.0) <= self._now():
            raise Refused(99991663, "Invalid access token for authorization.")

    def _need(self, *scopes: str) -> None:
        if not self.scopes.intersection(scopes):
            violations = [{"type": "action_scope_required", "subject": each} for each in scopes]
            error = {"permission_violations": violations}
            raise Refused(99991672, "Access denied.", error=error)

    def _endpoint(self, request: web.Request, body: Mapping[str, Any]) -> web.Response:
        if body != {"AppID": APP_ID, "AppSecret": self.secret}:
            return web.json_response({"code": 10014, "msg": "app secret is not valid"})
        config = {"ReconnectCount": -1, "ReconnectInterval": 120, "ReconnectNonce": 30}
        data = {
            "URL": self.sockets.address(self.url),
            "ClientConfig": {**config, "PingInterval": 120},
        }
        return web.json_response({"code": 0, "msg": "ok", "data": data})

    def _token(self, request: web.Request, body: Mapping[str, Any]) -> web.Response:
        if body != {"app_id": APP_ID, "app_secret": self.secret}:
            raise Refused(10014, "app secret invalid")
        token = f"t-canary-{len(self.tokens)}-{self._now():.3f}"
        self.tokens[token] = self._now() + 7_200
        return web.json_response(
            {"code": 0, "msg": "ok", "tenant_access_token": token, "expire": 7_200}
        )

    def _bot(self, request: web.Request, body: Mapping[str, Any]) -> web.Response:
        if not self.has_bot:
            raise Refused(99991662, "bot is not enabled")
        bot = {"activate_status": 2, "app_name": "Aloud", "open_id": BOT}
        return web.json_response({"code": 0, "msg": "ok", "bot": bot})

    def _scopes(self, request: web.Request, body: Mapping[str, Any]) -> web.Response:
        return _ok({"scopes": [{"scope_name": name, "grant_status": 1} for name in self.scopes]})

    def _create_card(self, request: web.Request, body: Mapping[str, Any]) -> web.Response:
        self._need("cardkit:card:write")
        return _ok({"card_id": self.cards.create(body)})

    def _update_card(self, request: web.Request, body: Mapping[str, Any]) -> web.Response:
        return self._on_card(request, lambda card: self.cards.update(card, body))

    def _settings(self, request: web.Request, body: Mapping[str, Any]) -> web.Response:
        return self._on_card(request, lambda card: self.cards.settings(card, body))

    def _content(self, request: web.Request, body: Mapping[str, Any]) -> web.Response:
        element = request.match_info["element"]
        return self._on_card(request, lambda card: self.cards.content(card, element, body))

    def _on_card(self, request: web.Request, change: Callable[[str], None]) -> web.Response:
        self._need("cardkit:card:write")
        card_id = request.match_info["card"]
        self.rates.card(card_id)
        change(card_id)
        return _ok({})

    def _create(self, request: web.Request, body: Mapping[str, Any]) -> web.Response:
        self._need("im:message", "im:message:send_as_bot")
        message = self.chats.create(request.query.get("receive_id_type", ""), body)
        return _ok({"message_id": message.message_id, "chat_id": message.chat_id})

    def _reply(self, request: web.Request, body: Mapping[str, Any]) -> web.Response:
        self._need("im:message", "im:message:send_as_bot")
        message = self.chats.reply(request.match_info["message"], body)
        return _ok({"message_id": message.message_id, "chat_id": message.chat_id})

    def _upload(
        self,
        request: web.Request,
        form: tuple[Mapping[str, str], Mapping[str, tuple[str, bytes]]],
    ) -> web.Response:
        self._need("im:resource", "im:resource:upload")
        fields, files = form
        _, content = files["file"]
        if fields.get("file_type") != "stream" or not fields.get("file_name"):
            raise Refused(234001, "Invalid request param.")
        if not content:
            raise Refused(234010, "File's size can't be 0.")
        if len(content) > FILE_BYTES:
            raise Refused(234006, "The file size exceed the max value.")
        key = f"file_up_{len(self.chats.uploads)}"
        self.chats.uploads[key] = (fields["file_name"], content)
        return _ok({"file_key": key})

    def _whisper(self, request: web.Request, body: Mapping[str, Any]) -> web.Response:
        return _ok({"message_id": self.chats.whisper(body).message_id})

    def _get(self, request: web.Request, body: Mapping[str, Any]) -> web.Response:
        self._need("im:message", "im:message:readonly")
        found = self.chats.message(request.match_info["message"])
        sender = {
            "id": found.sender["id"],
            "id_type": "open_id",
            "sender_type": found.sender["type"],
        }
        item = {
            "message_id": found.message_id,
            "msg_type": found.kind,
            "sender": sender,
            "body": {"content": json.dumps(found.content)},
        }
        return _ok({"items": [item]})

    def _react(self, request: web.Request, body: Mapping[str, Any]) -> web.Response:
        self._need("im:message", "im:message.reactions:write_only")
        found = self.chats.message(request.match_info["message"])
        reaction_id = f"reaction-{found.message_id}"
        found.reactions[reaction_id] = body["reaction_type"]["emoji_type"]
        return _ok({"reaction_id": reaction_id})

    def _reactions(self, request: web.Request, body: Mapping[str, Any]) -> web.Response:
        found = self.chats.message(request.match_info["message"])
        operator = {"operator_id": APP_ID, "operator_type": "app"}
        items = [
            {"reaction_id": each, "operator": operator}
            for each, kind in found.reactions.items()
            if kind == request.query["reaction_type"]
        ]
        return _ok({"items": items})

    def _unreact(self, request: web.Request, body: Mapping[str, Any]) -> web.Response:
        found = self.chats.message(request.match_info["message"])
        if found.reactions.pop(request.match_info["reaction"], None) is None:
            raise Refused(231007, "the reaction does not exist")
        return _ok({})

    def _resource(self, request: web.Request, body: Mapping[str, Any]) -> web.Response:
        self._need("im:message", "im:resource")
        key = request.match_info["key"]
        kind = "image" if key.startswith("img_") else "file"
        if request.query.get("type") != kind or key not in self.files:
            raise Refused(234003, "file not in message")
        return web.Response(body=self.files[key], content_type="application/octet-stream")


def _ok(data: Mapping[str, Any]) -> web.Response:
    return web.json_response({"code": 0, "msg": "success", "data": data})


def _failed(fault: Fault) -> web.Response:
    if fault.status == 429:
        refused = too_often(fault.retry_after or 1.0)
        return web.json_response(refused.body(), status=refused.status, headers=refused.headers)
    return web.Response(
        status=fault.status, text="<html>Bad Gateway</html>", content_type="text/html"
    )
