"""A fake Discord on loopback: the REST API, the gateway and downloads."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from tests.channels.discord.fake.gateway import Gateway
from tests.channels.discord.fake.messages import Message, pings_of
from tests.channels.discord.fake.places import BOT, Places
from tests.channels.discord.fake.rates import Rates, Verdict
from tests.channels.discord.fake.uploads import body_of, uploads_of
from tests.channels.discord.fake.validation import (
    COMPONENTS_V2,
    EPHEMERAL,
    SILENT,
    SUPPRESS_EMBEDS,
    TEXT,
    Json,
    Refused,
    check_message,
    walk,
)
from tests.channels.platform.gate import Gate

TOKEN: Final = "canary-token.discord.abcdefghijklmnop"
NONCE_MS: Final = 180_000
INTERACTION_MS: Final = 3_000
TOKEN_MS: Final = 900_000


@dataclass
class Fault:
    """What happens to a call. With `after`, it is carried out and only the response is lost."""

    status: int = 500
    retry_after: float | None = None
    cloudflare: bool = False
    after: bool = False


@dataclass
class Interaction:
    id: str
    token: str
    person: str
    channel: str
    at_ms: int
    source: Message | None
    response: int | None = None
    """The type of the response."""
    original: Message | None = None


class FakeDiscord:
    """One bot. `now_ms` tells the time."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.gate = Gate()
        self.now_ms = now_ms
        self.places = Places(now_ms)
        self.rates = Rates(now_ms)
        self.gateway = Gateway(self.places, TOKEN)
        self.url = ""
        self.commands: list[Json] = []
        self.registrations = 0
        self.calls: list[tuple[str, str, Json]] = []
        """Every call: method, path, body."""
        self.traffic: list[str] = []
        self.errors: list[str] = []
        self.faults: deque[Fault] = deque()
        """For the next calls that send or edit messages."""
        self.typing: list[str] = []
        self.sessions_left = 1000
        self.down = False
        self.interaction_ms = INTERACTION_MS
        self.changed = asyncio.Event()
        self._nonces: dict[tuple[str, str | None], Message] = {}
        self._interactions: dict[str, Interaction] = {}

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[None]:
        app = web.Application(client_max_size=32 * 1024 * 1024, middlewares=[self.gate.middleware])
        app.router.add_get("/gw/", self.gateway.serve)
        app.router.add_get("/attachments/{id}/{name}", self._download)
        app.router.add_route("*", "/api/v10/{path:.*}", self._rest)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"
        self.gateway.resume_url = f"ws://127.0.0.1:{port}/gw/"
        try:
            yield
        finally:
            await runner.cleanup()

    def new_interaction(self, person: str, channel: str, source: Message | None) -> Interaction:
        number = self.places.new_id()
        token = f"interaction-token-{number}-with-a-length-as-in-reality"
        made = Interaction(number, token, person, channel, self.now_ms(), source)
        self._interactions[token] = made
        return made

    def next_change(self) -> asyncio.Event:
        """Return an event that is set with the next call."""
        if self.changed.is_set():
            self.changed = asyncio.Event()
        return self.changed

    def goes_down(self) -> None:
        """Hang up on every call from now on."""
        self.down = True

    async def _download(self, request: web.Request) -> web.Response:
        return web.Response(body=self.places.files[request.match_info["id"]])

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        path = request.match_info["path"]
        body = body_of(request.headers.get("Content-Type", ""), raw)
        self.calls.append((request.method, path, body))
        if self.down:
            assert request.transport is not None
            request.transport.abort()
        self.traffic.append(f"{request.method} {request.path_qs} {raw.decode()}")
        try:
            return await self._answer(request, path.split("/"), body)
        except Refused as refused:
            self.errors.append(f"{refused.code} {refused.message}")
            return _json({"message": refused.message, "code": refused.code}, refused.status)
        finally:
            self.changed.set()

    async def _answer(
        self, request: web.Request, path: list[str], body: Json
    ) -> web.StreamResponse:
        if path[0] in {"interactions", "webhooks"}:
            return self._interaction(request.method, path, body)
        if request.headers.get("Authorization") != f"Bot {TOKEN}":
            raise Refused(401, 0, "401: Unauthorized")
        kind = f"{request.method} {path[2] if len(path) > 2 else path[0]}"
        verdict = self.rates.count(kind, path[1] if len(path) > 1 else "")
        if verdict.retry_ms:
            return _limited(verdict)
        fault = self._fault(kind)
        if fault is not None and not fault.after:
            return _failure(fault, verdict)
        answer = self._call(request.method, path, body)
        if fault is not None:
            assert request.transport is not None
            request.transport.abort()
        return _json(answer, 204 if answer is None else 200, verdict.headers)

    def _fault(self, kind: str) -> Fault | None:
        shows = kind in {"POST messages", "PATCH messages"}
        return self.faults.popleft() if shows and self.faults else None

    def _call(self, method: str, path: list[str], body: Json) -> object:
        match method, *path:
            case "GET", "users", "@me":
                return self.places.user(BOT)
            case "GET", "oauth2", "applications", "@me":
                return self._application()
            case "GET", "applications", "@me":
                return self._application()
            case "GET", "gateway", "bot":
                limit = {"total": 1000, "remaining": self.sessions_left, "reset_after": 1000}
                limit["max_concurrency"] = 1
                url = self.gateway.resume_url
                return {"url": url, "shards": 1, "session_start_limit": limit}
            case "GET", "applications", _, "commands":
                return self.commands
            case "PUT", "applications", _, "commands":
                return self._register(body)
            case _, "channels", channel, *rest:
                if not self.places.exists(channel):
                    raise Refused(404, 10003, "Unknown Channel")
                return self._channel(method, channel, rest, body)
            case _:
                raise Refused(404, 0, "404: Not Found")

    def _channel(self, method: str, channel: str, rest: list[str], body: Json) -> object:
        match method, *rest:
            case "POST", "typing":
                self.typing.append(channel)
                return None
            case "POST", "messages":
                return self._post(channel, body)
            case "PATCH", "messages", number:
                return self._edit(self._own(channel, number), body)
            case "DELETE", "messages", number:
                del self.places.messages[self._own(channel, number).id]
                return None
            case _:
                raise Refused(404, 0, "404: Not Found")

    def _post(self, channel: str, body: Json) -> object:
        flags = int(body.get("flags") or 0)
        if flags & ~(SUPPRESS_EMBEDS | SILENT | COMPONENTS_V2):
            raise Refused(400, 50035, "Invalid Form Body: flags")
        check_message(body, flags)
        nonce = str(body["nonce"]) if "nonce" in body else None
        reference = body.get("message_reference") or {}
        if body.get("enforce_nonce") and (earlier := self._by_nonce(channel, nonce)):
            return self.places.message(earlier)
        reply_to = reference.get("message_id")
        if reply_to and reply_to not in self.places.messages:
            if reference.get("fail_if_not_exists", True):
                raise Refused(400, 50035, "Invalid Form Body: Unknown message")
            reply_to = None
        made = Message(self.places.new_id(), channel, BOT, reply_to=reply_to, nonce=nonce)
        self._fill(made, body, flags)
        self._ping(made, body)
        if nonce is not None:
            self._nonces[channel, nonce] = made
        made.uploads = uploads_of(body)
        return self.places.message(self.places.add(made))

    def _by_nonce(self, channel: str, nonce: str | None) -> Message | None:
        """Also finds a message that was deleted."""
        earlier = self._nonces.get((channel, nonce))
        return earlier if earlier and earlier.sent_ms > self.now_ms() - NONCE_MS else None

    def _edit(self, message: Message, body: Json) -> object:
        flags = int(body.get("flags", message.flags)) | (message.flags & (SILENT | EPHEMERAL))
        if message.flags & COMPONENTS_V2:
            flags |= COMPONENTS_V2
        whole = {"content": message.content, "components": message.components} | body
        if flags & COMPONENTS_V2 and not message.flags & COMPONENTS_V2 and message.content:
            whole["content"] = body.get("content", message.content)
        check_message(whole, flags)
        before = message.content, json.dumps(message.components), message.flags
        self._fill(message, whole, flags)
        if before == (message.content, json.dumps(message.components), message.flags):
            self.errors.append("not modified")
        message.edits += 1
        return self.places.message(message)

    def _fill(self, message: Message, body: Json, flags: int) -> None:
        message.content = (body.get("content") or "").strip()
        message.components = body.get("components") or []
        message.flags = flags
        message.sent_ms = message.sent_ms or self.now_ms()

    def _ping(self, message: Message, body: Json) -> None:
        """Only new messages ping."""
        texts = [each["content"] for each in walk(message.components) if each["type"] == TEXT]
        message.pings = pings_of(body, [message.content, *texts])
        replied = self.places.messages.get(message.reply_to or "")
        if replied and (body.get("allowed_mentions") or {}).get("replied_user", True):
            message.pings.append(replied.author)

    def _own(self, channel: str, number: str) -> Message:
        found = self.places.messages.get(number)
        if found is None or found.channel != channel or found.private_to:
            raise Refused(404, 10008, "Unknown Message")
        if found.author != BOT:
            raise Refused(403, 50005, "Cannot edit a message authored by another user")
        return found

    def _register(self, body: Any) -> object:
        self.registrations += 1
        if len(body) > 100 or len({each["name"] for each in body}) != len(body):
            raise Refused(400, 50035, "Invalid Form Body: names")
        for each in body:
            if not 1 <= len(each["description"]) <= 100 or not each["name"].islower():
                raise Refused(400, 50035, "Invalid Form Body: description")
        extra = {"id": "1", "application_id": BOT, "version": "1", "nsfw": False}
        self.commands = [{**each, **extra} for each in body]
        return self.commands

    def _application(self) -> Json:
        return {
            "id": BOT,
            "name": "thinkaloud",
            "description": "",
            "icon": None,
            "bot_public": False,
            "bot_require_code_grant": False,
            "owner": self.places.user("1"),
            "verify_key": "0",
            "flags": 1 << 19 if self.gateway.content_intent else 0,
            "team": None,
            "approximate_guild_count": 1,
        }

    def _interaction(self, method: str, path: list[str], body: Json) -> web.Response:
        match method, *path:
            case "POST", "interactions", number, token, "callback":
                self._respond(self._known(token, number), body)
                return _json(None, 204)
            case "PATCH", "webhooks", _, token, "messages", "@original":
                return _json(self._replace(self._known(token), body))
            case "POST", "webhooks", _, token:
                return _json(self._follow_up(self._known(token), body))
            case _:
                raise Refused(404, 10015, "Unknown Webhook")

    def _known(self, token: str, number: str | None = None) -> Interaction:
        found = self._interactions.get(token)
        if found is None or number not in {None, found.id}:
            raise Refused(404, 10015, "Unknown Webhook")
        if self.now_ms() - found.at_ms > TOKEN_MS:
            raise Refused(401, 50027, "Invalid Webhook Token")
        return found

    def _respond(self, interaction: Interaction, body: Json) -> None:
        if interaction.response is not None:
            raise Refused(400, 40060, "Interaction has already been acknowledged.")
        if self.now_ms() - interaction.at_ms > self.interaction_ms:
            raise Refused(404, 10062, "Unknown interaction")
        kind, data = body["type"], body.get("data") or {}
        if kind not in {4, 5, 6} or (kind == 6 and interaction.source is None):
            raise Refused(400, 50035, "Invalid Form Body: type")
        if kind == 4:
            check_message(data, int(data.get("flags") or 0))
        interaction.response = kind
        if kind == 6:
            interaction.original = interaction.source
            return
        message = self._private(interaction, int(data.get("flags") or 0))
        message.loading = kind == 5
        self._fill(message, data, message.flags)
        interaction.original = message

    def _private(self, interaction: Interaction, flags: int) -> Message:
        reader = interaction.person if flags & EPHEMERAL else None
        number = self.places.new_id()
        made = Message(number, interaction.channel, BOT, flags=flags, private_to=reader)
        return self.places.add(made)

    def _replace(self, interaction: Interaction, body: Json) -> object:
        if interaction.original is None:
            raise Refused(404, 10015, "Unknown Webhook")
        interaction.original.loading = False
        return self._edit(interaction.original, body)

    def _follow_up(self, interaction: Interaction, body: Json) -> object:
        if interaction.response is None:
            raise Refused(404, 10015, "Unknown Webhook")
        flags = int(body.get("flags") or 0)
        check_message(body, flags)
        message = self._private(interaction, flags)
        self._fill(message, body, flags)
        return self.places.message(message)


def _limited(verdict: Verdict) -> web.Response:
    seconds = verdict.retry_ms / 1000
    headers = {**verdict.headers, "Retry-After": str(int(seconds) + 1), "Via": "1.1 google"}
    body = {
        "message": "You are being rate limited.",
        "retry_after": seconds,
        "global": verdict.everything,
    }
    return _json(body, 429, headers)


def _failure(fault: Fault, verdict: Verdict) -> web.Response:
    if fault.cloudflare:
        headers = {"Retry-After": str(int(fault.retry_after or 1))}
        html = "<html>error code: 1015</html>"
        return web.Response(status=fault.status, text=html, headers=headers)
    if fault.status == 429:
        body = {"message": "You are being rate limited.", "retry_after": fault.retry_after or 1.0}
        return _json(body | {"global": False}, 429, {**verdict.headers, "Via": "1.1 google"})
    if fault.status >= 500:
        return web.Response(status=fault.status, text="<html>bad gateway</html>")
    return _json({"message": "refused", "code": 50013}, fault.status, verdict.headers)


def _json(body: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Discord says `application/json` without a charset, and the library depends on it."""
    data = b"" if body is None else json.dumps(body).encode()
    made = web.Response(status=status, body=data, headers=headers or {})
    made.headers["Content-Type"] = "application/json"
    return made
