"""The gateway: compressed sessions over a WebSocket that can be resumed."""

import asyncio
import json
import zlib
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import WSMsgType, web

from tests.channels.discord.fake.places import BOT, GUILD, Places
from tests.channels.discord.fake.rates import IDENTIFY_MS
from tests.channels.discord.fake.validation import Json

GUILDS, GUILD_MESSAGES, DIRECT_MESSAGES, CONTENT = 1 << 0, 1 << 9, 1 << 12, 1 << 15
_KNOWN_INTENTS: Final = (1 << 26) - 1
_KEPT: Final = 200


@dataclass
class Session:
    """A session outlives its connection for a while."""

    id: str
    intents: int
    sequence: int = 0
    events: list[Json] = field(default_factory=list[Json])
    socket: "Socket | None" = None


class Socket:
    """One connection: one stream of zlib."""

    def __init__(self, socket: web.WebSocketResponse, *, compressed: bool) -> None:
        self.socket = socket
        self._zlib = zlib.compressobj() if compressed else None

    async def send(self, payload: Json) -> None:
        text = json.dumps(payload)
        if self._zlib is None:
            await self.socket.send_str(text)
            return
        data = self._zlib.compress(text.encode()) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
        await self.socket.send_bytes(data)


class Gateway:
    """All sessions of the bot."""

    def __init__(self, places: Places, token: str) -> None:
        self.places = places
        self.token = token
        self.content_intent = False
        """Whether the privileged intent is switched on in the portal."""
        self.resume_url = ""
        self.identified: list[int] = []
        """The intents of each IDENTIFY that was accepted."""
        self.resumed = 0
        self.refused = 0
        """How many IDENTIFYs came too soon."""
        self.connections = 0
        self.heartbeats = asyncio.Condition()
        """Notified with each heartbeat: the first one comes as soon as a connection is greeted."""
        self.refuses = False
        """Whether connections get an error from now on."""
        self._sessions: dict[str, Session] = {}
        self._identify_ms = -IDENTIFY_MS
        self.changed = asyncio.Event()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        if self.refuses:
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        assert request.query["v"] == "10"
        assert request.query["encoding"] == "json"
        self.connections += 1
        connection = Socket(socket, compressed=request.query.get("compress") == "zlib-stream")
        await connection.send({"op": 10, "d": {"heartbeat_interval": 41_250}, "s": None, "t": None})
        session: Session | None = None
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                break
            payload = json.loads(frame.data)
            match payload["op"]:
                case 1:
                    await connection.send({"op": 11, "d": None, "s": None, "t": None})
                    async with self.heartbeats:
                        self.heartbeats.notify_all()
                case 2:
                    session = await self._identify(connection, payload["d"])
                case 6:
                    session = await self._resume(connection, payload["d"])
                case 3 | 4 | 8:
                    pass
                case _:
                    await socket.close(code=4001)
        if session is not None and session.socket is connection:
            session.socket = None
            if socket.close_code in {1000, 1001}:
                self._sessions.pop(session.id, None)
        return socket

    async def dispatch(self, event: str, data: Json) -> None:
        """Send an event to all sessions, and keep it for those that resume."""
        for session in list(self._sessions.values()):
            if self._wants(session, event, data):
                await self._send(session, event, self._for(session, event, data))

    async def drop(self) -> None:
        """Cut all connections, without a close frame. The sessions can be resumed."""
        for session in self._sessions.values():
            if session.socket is not None:
                transport = session.socket.socket._req.transport  # type: ignore[union-attr]
                session.socket = None
                assert transport is not None
                transport.abort()

    async def ask_to_reconnect(self) -> None:
        for session in self._sessions.values():
            if session.socket is not None:
                await session.socket.send({"op": 7, "d": None, "s": None, "t": None})

    async def forget(self) -> None:
        """Cut all connections for good: a resume gets op 9."""
        await self.drop()
        self._sessions.clear()

    async def _identify(self, connection: Socket, data: Json) -> Session | None:
        now = self.places.now_ms()
        if data["token"] != self.token:
            await connection.socket.close(code=4004, message=b"Authentication failed.")
            return None
        intents = int(data["intents"])
        if intents & ~_KNOWN_INTENTS:
            await connection.socket.close(code=4013, message=b"Invalid intent(s).")
            return None
        if intents & CONTENT and not self.content_intent:
            await connection.socket.close(code=4014, message=b"Disallowed intent(s).")
            return None
        if now - self._identify_ms < IDENTIFY_MS:
            self.refused += 1
            await connection.send({"op": 9, "d": False, "s": None, "t": None})
            return None
        self._identify_ms = now
        self.identified.append(intents)
        session = Session(f"session-{len(self.identified)}", intents, socket=connection)
        self._sessions[session.id] = session
        ready = {
            "v": 10,
            "user": self.places.user(BOT),
            "guilds": [{"id": GUILD, "unavailable": True}],
            "session_id": session.id,
            "resume_gateway_url": self.resume_url,
            "application": {"id": BOT, "flags": 0},
        }
        await self._send(session, "READY", ready)
        await self._send(session, "GUILD_CREATE", self.places.guild())
        self.changed.set()
        return session

    async def _resume(self, connection: Socket, data: Json) -> Session | None:
        session = self._sessions.get(data["session_id"])
        if session is None or data["token"] != self.token:
            await connection.send({"op": 9, "d": False, "s": None, "t": None})
            return None
        session.socket = connection
        self.resumed += 1
        # What was lost, and once more what the bot saw last.
        for event in [each for each in session.events if each["s"] > int(data["seq"]) - 1]:
            await connection.send(event)
        await self._send(session, "RESUMED", {})
        self.changed.set()
        return session

    async def _send(self, session: Session, event: str, data: Json) -> None:
        session.sequence += 1
        payload = {"op": 0, "d": data, "s": session.sequence, "t": event}
        session.events = [*session.events[-_KEPT:], payload]
        if session.socket is not None:
            await session.socket.send(payload)

    def _wants(self, session: Session, event: str, data: Json) -> bool:
        if event.startswith("MESSAGE_"):
            needed = GUILD_MESSAGES if "guild_id" in data else DIRECT_MESSAGES
            return bool(session.intents & needed)
        return True

    def _for(self, session: Session, event: str, data: Json) -> Json:
        """Without the intent, only mentions and direct messages have content."""
        if event not in {"MESSAGE_CREATE", "MESSAGE_UPDATE"} or "guild_id" not in data:
            return data
        mentioned = any(user["id"] == BOT for user in data["mentions"])
        if session.intents & CONTENT or mentioned or data["author"]["id"] == BOT:
            return data
        hidden: dict[str, Any] = {"content": "", "attachments": [], "embeds": [], "components": []}
        return data | hidden
