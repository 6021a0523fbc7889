"""A scripted provider on loopback that records its requests."""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.harness import FakeClock
from thinkaloud.app.discovery import configured_hosts, package_hosts
from thinkaloud.config import load
from thinkaloud.events.model import AnswerText, ModelEvent, ModelFailed, ReasoningText
from thinkaloud.events.prompt import Effort, ModelRequest, UserTurn
from thinkaloud.ports.model import Model, PushModel
from thinkaloud.providers.catalogue import ConfiguredModels
from thinkaloud.providers.client import Sessions

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

THOUGHT_AND_ANSWER = (
    b'data: {"choices":[{"delta":{"reasoning_content":"Hm. "}}]}\n\n'
    b'data: {"choices":[{"delta":{"content":"Yes."}}]}\n\n'
)
END = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


class Upstream:
    """What the provider saw."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.port = 0
        self.requests: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.left = asyncio.Event()
        """Set when a client closed its connection in the middle of a response."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.bodies.append(await request.read())
        try:
            return await self._answer(request)
        except (asyncio.CancelledError, ConnectionError):
            self.left.set()
            raise


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Upstream]:
    """Run a provider within the block."""
    upstream = Upstream(answer)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", upstream.answer)
    server = TestServer(application, host="127.0.0.1", shutdown_timeout=0)
    await server.start_server()
    try:
        assert server.port is not None
        upstream.port = server.port
        yield upstream
    finally:
        await server.close()


def giving(
    body: bytes,
    status: int = 200,
    content_type: str = "text/event-stream",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Answer everything with this."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(
            body=body, status=status, headers={"Content-Type": content_type, **(headers or {})}
        )

    return answer


def streaming(*pieces: bytes, then: Callable[[web.Request], Awaitable[None]]) -> Answer:
    """Stream the pieces, then do what `then` says: cut the line, wait for ever."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        await then(request)
        return response

    return answer


async def cut(request: web.Request) -> None:
    """Cut the line, without an end."""
    assert request.transport is not None
    request.transport.abort()


@asynccontextmanager
async def models_of(
    toml: str, folder: Path, environment: Mapping[str, str] | None = None
) -> AsyncGenerator[ConfiguredModels]:
    """Open the models that a configuration file and an environment make available."""
    file = folder / "thinkaloud.toml"
    file.write_text(toml, encoding="utf-8")
    configuration = load(file, environment=environment or {})
    sessions = Sessions()
    try:
        yield ConfiguredModels(
            configured_hosts(configuration),
            [],
            "lab/m",
            sessions,
            FakeClock(),
            packages=package_hosts(configuration),
        )
    finally:
        await sessions.close()


def lab(url: str, more: str = "") -> str:
    """The table of a custom host with Chat Completions."""
    return f'[hosts.lab]\ndialect = "openai-chat"\nbase_url = "{url}"\n{more}\n'


async def collect_events(
    model: Model, text: str = "Hi", effort: Effort | None = None, *, pushed: bool = True
) -> list[ModelEvent]:
    """Call a model and return all its events: `pushed` as they arrive, or pulled one by one."""
    request = ModelRequest(model.info.name, (UserTurn(text),), effort=effort)
    if not pushed:
        return [event async for batch in model.stream(request) for event in batch]
    found: list[ModelEvent] = []

    def take(batch: Sequence[ModelEvent]) -> bool:
        found.extend(batch)
        return True

    assert isinstance(model, PushModel)
    await model.push(request, take)
    return found


def failure(events: list[ModelEvent]) -> ModelFailed:
    """Return the failure that a call ended in."""
    end = events[-1]
    assert isinstance(end, ModelFailed), end
    return end


def texts(events: list[ModelEvent]) -> tuple[str, str]:
    """Return the reasoning and the answer."""
    return (
        "".join(e.text for e in events if isinstance(e, ReasoningText)),
        "".join(e.text for e in events if isinstance(e, AnswerText)),
    )


def sent(upstream: Upstream) -> dict[str, object]:
    """Return the JSON that the provider was last asked with."""
    return msgspec.json.decode(upstream.bodies[-1], type=dict[str, object])
