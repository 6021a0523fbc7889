"""A model provider on loopback that streams a known text, paced by the test."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web

_AT_ONCE: Final = 64
DEADLINE: Final = 30.0
"""Seconds after which a test gives up waiting."""


class PacedReply:
    """One response: `tokens` pieces of text, the first half of them reasoning.

    It stops before piece number `held_at` until it is released.
    """

    def __init__(self, tokens: int, *, held_at: int | None = None, padding: str = "") -> None:
        self.tokens = tokens
        self.padding = padding
        self.started = asyncio.Event()
        """Set when the provider was asked for it."""
        self.hung_up = asyncio.Event()
        """Set when the client left before its end."""
        self.asked = 0
        self._allowed = tokens if held_at is None else held_at
        self._more = asyncio.Event()

    @property
    def reasoning(self) -> str:
        return "".join(self._piece(number) for number in range(self.tokens // 2))

    @property
    def answer(self) -> str:
        return "".join(self._piece(number) for number in range(self.tokens // 2, self.tokens))

    def let(self, through: int) -> None:
        """Allow its first `through` pieces to be sent."""
        self._allowed = max(self._allowed, through)
        self._more.set()

    def release_all(self) -> None:
        """Allow all pieces to be sent."""
        self.let(self.tokens)

    async def next_pieces(self, sent: int) -> bytes:
        """Wait for leave and return some pieces as the wire has them; nothing at the end."""
        while sent >= self._allowed and sent < self.tokens:
            self._more.clear()
            await self._more.wait()
        stop = min(self._allowed, self.tokens, sent + _AT_ONCE)
        return b"".join(self._chunk(number) for number in range(sent, stop))

    def _piece(self, number: int) -> str:
        ending = "é\n  " if number % 7 == 0 else " "
        return f"{'r' if number < self.tokens // 2 else 'a'}{number}{self.padding}{ending}"

    def _chunk(self, number: int) -> bytes:
        field = "reasoning_content" if number < self.tokens // 2 else "content"
        return _chunk({field: self._piece(number)}, None)


class Upstream:
    """Tells each message the response that was offered for its text."""

    def __init__(self) -> None:
        self.url = ""
        self.prompts: dict[str, set[str]] = {}
        """By message: all earlier user messages in the request."""
        self._tellings: dict[str, PacedReply] = {}

    def offer(self, text: str, reply: PacedReply) -> PacedReply:
        """Answer messages of this text so."""
        self._tellings[text] = reply
        return reply

    def configuration(self, more: str = "", store: str = "") -> str:
        """Return a configuration of a server that asks here, over SQLite."""
        return (
            '[model]\ndefault = "lab/m"\n[tools]\nenabled = false\n'
            f'[hosts.lab]\ndialect = "openai-chat"\nbase_url = "{self.url}"\nmodels = ["m"]\n'
            f'[store]\nkind = "sqlite"\n{store}\n{more}\n'
        )

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        asked: dict[str, Any] = await request.json()
        *before, text = [e["content"] for e in asked["messages"] if e["role"] == "user"]
        self.prompts[text] = set(before)
        reply = self._tellings[text]
        reply.asked += 1
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        response.enable_chunked_encoding()
        try:
            await response.prepare(request)
            reply.started.set()
            sent = 0
            while pieces := await reply.next_pieces(sent):
                await response.write(pieces)
                sent += pieces.count(b"\n\n")
            await response.write(_chunk({}, "stop") + b"data: [DONE]\n\n")
        except asyncio.CancelledError:
            reply.hung_up.set()
            raise
        except ConnectionError:
            reply.hung_up.set()
        return response


def _chunk(delta: Mapping[str, str], finish: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    event = {"id": "c-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}
    return b"data: %b\n\n" % json.dumps(event).encode()


@asynccontextmanager
async def upstream() -> AsyncGenerator[Upstream]:
    """Run a provider on a free port, in the test's own loop, for the length of a block."""
    provider = Upstream()
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/{rest:.*}", provider._handle)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield provider
    finally:
        await runner.cleanup()
