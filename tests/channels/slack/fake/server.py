"""A fake Slack: the Web API over HTTP, Socket Mode over a WebSocket, and file downloads, on loopback."""

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from aiohttp import WSMsgType, web

from tests.channels.platform.gate import Gate
from tests.channels.slack.fake.messages import arguments
from tests.channels.slack.fake.posts import Posts
from tests.channels.slack.fake.rates import TIER_OF, Rates
from tests.channels.slack.fake.streams import Streams
from tests.channels.slack.fake.uploads import Uploads
from tests.channels.slack.fake.validation import Json, Refused
from tests.channels.slack.fake.workspace import BOT, TEAM, Workspace

BOT_TOKEN: Final = "xoxb-canary-bot-token"
APP_TOKEN: Final = "xapp-canary-app-token"


@dataclass
class Fault:
    """What happens to one call. With `after`, the call is performed first, so that only the answer is lost."""

    status: int = 200
    body: str = '{"ok": false, "error": "internal_error"}'
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict[str, str])
    after: bool = False
    hang_up: bool = False

    @staticmethod
    def error(name: str) -> "Fault":
        return Fault(body=json.dumps({"ok": False, "error": name}))

    @staticmethod
    def limited(seconds: int) -> "Fault":
        return Fault(
            429, '{"ok": false, "error": "ratelimited"}', headers={"Retry-After": str(seconds)}
        )


class FakeSlack:
    """One workspace, one app. `now` tells the seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.gate = Gate()
        self.workspace = Workspace(now)
        self.posts = Posts(self.workspace)
        self.streams = Streams(self.workspace)
        self.uploads = Uploads(self.workspace)
        self.rates = Rates(now)
        self.calls: list[tuple[str, Json]] = []
        """Every accepted call with its arguments, in order."""
        self.errors: list[tuple[str, str]] = []
        """Every refused call with its error, in order."""
        self.acknowledged: list[str] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.files: dict[str, bytes] = {}
        self.url = ""
        self.changed = asyncio.Event()
        """Set at each call; clear it before waiting for it."""
        self.subscribed = True
        """Whether the app is subscribed to `agent_session_stopped`."""
        self.sent: list[str] = []
        """Every string that a call has carried."""
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._common: tuple[frozenset[str], deque[Fault]] = (frozenset(), deque())
        self._waiting: dict[str, Json] = {}
        self._tickets = 0
        self._envelopes = 0

    def fail(self, method: str, *faults: Fault) -> None:
        """Let the next calls of a method fail."""
        self._faults[method].extend(faults)

    def fail_any(self, methods: Sequence[str], faults: Sequence[Fault]) -> None:
        """Let the next calls of any of these methods fail."""
        self._common = (frozenset(methods), deque(faults))

    @asynccontextmanager
    async def serve(self) -> AsyncGenerator["FakeSlack"]:
        """Serve on a port of the system's choice."""
        app = web.Application(middlewares=[self.gate.middleware])
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_get("/files/{name}", self._file)
        app.router.add_get("/link", self._link)
        app.router.add_post("/upload/{name}", self._upload)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}/api/"
        self.uploads.base = f"http://127.0.0.1:{port}/"
        try:
            yield self
        finally:
            for socket in list(self.sockets):
                await socket.close()
            await runner.cleanup()

    async def _api(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        given: Json = dict(request.query)
        if request.content_type == "application/json":
            given |= await request.json()
        else:
            given |= {name: str(value) for name, value in (await request.post()).items()}
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.changed.set()
        fault = self._next_fault(method)
        if fault is None:
            return self._answer(method, given, token)
        if fault.after:
            self._answer(method, given, token)
        if fault.hang_up and request.transport is not None:
            request.transport.abort()
        self.errors.append((method, "fault"))
        return web.Response(
            status=fault.status,
            text=fault.body,
            content_type=fault.content_type,
            headers=fault.headers,
        )

    def _next_fault(self, method: str) -> Fault | None:
        methods, faults = self._common
        if faults and method in methods:
            return faults.popleft()
        return self._faults[method].popleft() if self._faults[method] else None

    def _answer(self, method: str, given: Json, token: str) -> web.Response:
        given.pop("token", None)
        self.sent.append(arguments(given))
        try:
            done = self._perform(method, given, token)
        except Refused as refused:
            self.errors.append((method, refused.error))
            return web.json_response({"ok": False, "error": refused.error, **refused.more})
        if isinstance(done, int):
            self.errors.append((method, "ratelimited"))
            headers = {"Retry-After": str(done)}
            error = {"ok": False, "error": "ratelimited"}
            return web.json_response(error, status=429, headers=headers)
        self.calls.append((method, given))
        scopes = {"x-oauth-scopes": self.workspace.scopes}
        return web.json_response({"ok": True, **done}, headers=scopes)

    def _perform(self, method: str, given: Json, token: str) -> Json | int:
        wanted = APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN
        if not token:
            raise Refused("not_authed")
        if token != wanted:
            known = token in (APP_TOKEN, BOT_TOKEN)
            raise Refused("not_allowed_token_type" if known else "invalid_auth")
        if method == "apps.connections.open":
            self._tickets += 1
            return {"url": f"{self.url.replace('http', 'ws', 1)}../link?ticket={self._tickets}"}
        apis = (self.workspace, self.posts, self.streams, self.uploads)
        api = next((each for each in apis if each.knows(method)), None)
        if api is None:
            raise Refused("unknown_method", req_method=method)
        channel = str(given.get("channel") or given.get("channel_id") or "")
        wait = self.rates.take(method, channel) if method in TIER_OF or "post" in method else None
        if wait is not None:
            return wait
        done = api.call(method, given)
        if method == "agents.sessions.setStatus" and not self.subscribed:
            done["warning"] = "missing_agent_session_stopped_event_subscription"
        return done

    async def _file(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {BOT_TOKEN}":
            return web.Response(text="<html>Sign in</html>", content_type="text/html")
        content = self.files[request.match_info["name"]]
        return web.Response(body=content, content_type="application/octet-stream")

    async def _upload(self, request: web.Request) -> web.Response:
        content = await request.read()
        return web.Response(status=self.uploads.receive(request.match_info["name"], content))

    async def _link(self, request: web.Request) -> web.WebSocketResponse:
        if request.query.get("ticket") != str(self._tickets):
            raise web.HTTPForbidden  # a ticket opens one connection
        self._tickets += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        self.changed.set()
        await socket.send_json({"type": "hello", "num_connections": 1})
        for envelope in list(self._waiting.values()):
            await socket.send_json(envelope | {"retry_attempt": 1})
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._acknowledge(frame.json())
        finally:
            self.sockets.remove(socket)
        return socket

    def _acknowledge(self, frame: Json) -> None:
        envelope = frame.get("envelope_id", "")
        self.acknowledged.append(envelope)
        self._waiting.pop(envelope, None)
        self.changed.set()

    @property
    def unacknowledged(self) -> list[Json]:
        """The envelopes that Slack would send again."""
        return list(self._waiting.values())

    async def deliver(self, kind: str, payload: Json) -> str:
        """Send an envelope to the app, now and at each reconnect until it is acknowledged."""
        self._envelopes += 1
        name = f"envelope-{self._envelopes}"
        envelope: Json = {
            "envelope_id": name,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        self._waiting[name] = envelope
        for socket in self.sockets[-1:]:
            with suppress(ConnectionError):
                await socket.send_json(envelope)
        return name

    async def event(self, event: Json) -> str:
        """Send an event of the Events API."""
        payload = {
            "type": "event_callback",
            "team_id": TEAM,
            "api_app_id": "A0APP",
            "event_id": f"Ev{self._envelopes + 1}",
            "event": event,
            "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True}],
        }
        return await self.deliver("events_api", payload)

    async def drop_sockets(self, *, politely: bool = False) -> None:
        """Close the sockets; politely: announce it first, as Slack does every few hours."""
        for socket in list(self.sockets):
            if politely:
                await socket.send_json({"type": "disconnect", "reason": "refresh_requested"})
            elif (transport := socket._req.transport if socket._req else None) is not None:
                transport.abort()
