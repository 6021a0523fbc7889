"""Every way in which a call of Feishu's API fails, and the error that the layer gets."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from tests.channels.feishu.harness import ManualClock
from thinkaloud.channels.feishu.api import FeishuApi, Refusal
from thinkaloud.channels.platform.errors import PlatformError, RetryLater, Transient


@asynccontextmanager
async def answering(
    body: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> AsyncGenerator[FeishuApi]:
    """An API that gives this answer to everything but the request of a token."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if "tenant_access_token" in request.path:
            return web.json_response({"code": 0, "tenant_access_token": "t-1", "expire": 7200})
        if status == 0:
            assert request.transport is not None
            request.transport.abort()
            await asyncio.Event().wait()
        return web.Response(text=body, status=status, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    api = FeishuApi(f"http://127.0.0.1:{runner.addresses[0][1]}", "cli_1", "secret", ManualClock())
    try:
        yield api
    finally:
        await api.close()
        await runner.cleanup()


async def failure(api: FeishuApi) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        await api.call("POST", "/open-apis/im/v1/messages/om_1a2b/reply", {"content": "private"})
    assert "private" not in caught.value.message
    return caught.value


def coded(code: int, **more: Any) -> str:
    return json.dumps({"code": code, "msg": "words", **more})


@pytest.mark.parametrize(
    ("body", "status", "headers", "seconds", "scope"),
    [
        (coded(99991400), 400, {"x-ogw-ratelimit-reset": "12"}, 12.0, "channel"),
        (coded(99991400), 429, {"x-ogw-ratelimit-reset": "soon"}, 1.0, "channel"),
        ("slow down", 429, {"Retry-After": "3"}, 3.0, "channel"),
        (coded(0), 429, {}, 1.0, "channel"),
        (coded(230020), 400, {}, 1.0, "chat"),
        (coded(230020), 200, {}, 1.0, "chat"),
        (coded(99991400), 400, {"x-ogw-ratelimit-reset": "999999"}, 3600.0, "channel"),
    ],
)
async def test_a_rate_limit_says_how_long_to_wait_and_who(
    body: str, status: int, headers: Mapping[str, str], seconds: float, scope: str
) -> None:
    async with answering(body, status, headers) as api:
        error = await failure(api)
        assert isinstance(error, RetryLater)
        assert (error.seconds, error.scope) == (seconds, scope)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("<html>Bad Gateway</html>", 502),
        (coded(99991500), 500),
        (coded(2200), 200),
        ("<html>Log in to the hotel's network</html>", 200),
        ("[]", 200),
        ("", 200),
        ("", 0),
    ],
)
async def test_what_may_work_later_is_transient(body: str, status: int) -> None:
    async with answering(body, status) as api:
        assert isinstance(await failure(api), Transient)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (coded(230002), 400, "230002 words"),
        (coded(230002), 200, "230002 words"),
        ("<html>Not Found</html>", 404, "404"),
        (
            coded(99991672, error={"permission_violations": [{"subject": "im:message"}]}),
            400,
            "add one of: im:message",
        ),
        (coded(99991672), 400, "words"),
        (coded(230001, msg="x" * 5_000), 400, "xxx…"),
    ],
)
async def test_what_never_works_is_refused_with_its_reason(
    body: str, status: int, words: str
) -> None:
    async with answering(body, status) as api:
        error = await failure(api)
        assert isinstance(error, Refusal)
        assert words in error.message
        assert "om_1a2b" not in error.message
        assert len(error.message) < 400


async def test_a_server_that_is_not_there_is_transient() -> None:
    api = FeishuApi("http://127.0.0.1:1", "cli_1", "secret", ManualClock())
    assert isinstance(await failure(api), Transient)
    await api.close()
