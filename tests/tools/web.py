"""A web server on loopback, and name servers backed by a dictionary."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """A server that answers every path with one handler and keeps the requests that it saw."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.requests: list[web.Request] = []
        self.port = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        return await self._handler(request)


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[Site]:
    """Run a site on 127.0.0.1 within the block."""
    site = Site(handler)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", site.answer)
    server = TestServer(application, host="127.0.0.1", shutdown_timeout=0)
    await server.start_server()
    try:
        assert server.port is not None
        site.port = server.port
        yield site
    finally:
        await server.close()


def page(
    body: str | bytes, content_type: str | None = "text/plain; charset=utf-8", status: int = 200
) -> Handler:
    """Return a handler that always gives this body."""

    async def give(request: web.Request) -> web.Response:
        data = body.encode() if isinstance(body, str) else body
        headers = {} if content_type is None else {"Content-Type": content_type}
        response = web.Response(body=data, status=status, headers=headers)
        if content_type is None:
            del response.headers["Content-Type"]
        return response

    return give


class NameServer:
    """A lookup whose answers for a name follow one another; the last one stays."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self._answers = {name: list(each) for name, each in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(0)
        name = host.partition(".")[0]
        self.asked.append(host)
        if name not in self._answers:
            raise OSError("no such name")
        answers = self._answers[name]
        return answers.pop(0) if len(answers) > 1 else answers[0]
