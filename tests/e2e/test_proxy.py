"""Behind Debian's default nginx, gzip included, with only the documented snippet added."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from tests.docs.examples import EXAMPLES
from tests.e2e.reading import Reader
from tests.e2e.server_process import ServerProcess, server
from tests.e2e.upstream import DEADLINE, PacedReply, Upstream, upstream
from tests.nginx import NAME, NGINX, USER, nginx, temporary_paths, user

DEBIANS: Final = Path("/etc/nginx/nginx.conf")
PAGE: Final = {
    "Host": NAME,
    "Origin": f"https://{NAME}",
    **USER,
    "Accept-Encoding": "gzip, deflate, br",
}
TRANSPORTS = pytest.mark.parametrize("transport", ["sse", "socket"])

pytestmark = pytest.mark.skipif(
    NGINX is None or not DEBIANS.exists(), reason="needs Debian's package nginx"
)


@asynccontextmanager
async def behind_nginx(folder: Path, served: ServerProcess) -> AsyncGenerator[ServerProcess]:
    """The same server, as the world sees it."""
    async with nginx(folder, served.url, configuration) as url:
        timeout = aiohttp.ClientTimeout(total=None, sock_read=DEADLINE)
        async with aiohttp.ClientSession(
            headers=PAGE, timeout=timeout, auto_decompress=False
        ) as session:
            yield ServerProcess(url, served.process, session)


def configuration(folder: Path) -> str:
    """Debian's own configuration, with its files in this folder and our site as its only one."""
    whole = DEBIANS.read_text(encoding="utf-8")
    assert re.search(r"^\s*gzip on;", whole, re.MULTILINE)
    for line, ours in (
        (r"^user .*$", user()),
        (r"^pid .*$", "pid nginx.pid;"),
        (r"^error_log .*$", ""),
        (r"^include \S*modules-enabled.*$", ""),
        (r"access_log .*$", "access_log off;"),
    ):
        whole = re.sub(line, ours, whole, flags=re.MULTILINE)
    whole, sites = re.subn(r"include \S*sites-enabled/\*;", "include site.conf;", whole)
    assert sites == 1
    return whole.replace("http {", f"http {{ {temporary_paths(folder)}", 1)


def behind(provider: Upstream) -> str:
    """A server as the how-to sets it up for a proxy."""
    site = (EXAMPLES / "config" / "behind_nginx.toml").read_text(encoding="utf-8")
    return provider.configuration(site)


@pytest.fixture
async def provider() -> AsyncIterator[Upstream]:
    async with upstream() as served:
        yield served


@pytest.mark.promise("P9")
@TRANSPORTS
async def test_each_piece_passes_nginx_before_the_model_sends_the_next(
    transport: str, provider: Upstream, tmp_path: Path
) -> None:
    async with (
        server(tmp_path, behind(provider)) as inner,
        behind_nginx(tmp_path, inner) as served,
    ):
        reply = provider.offer("Tell", PacedReply(60, held_at=1))
        reader = Reader(transport)
        await reader.begin(served, "Tell", lambda: bool(reader.characters))
        for through in range(2, 20):
            before = reader.characters
            reply.let(through)
            # A buffer would hold this piece until more arrives, and nothing more arrives.
            await reader.resume(served, lambda before=before: reader.characters > before)
            assert reader.end is None
        reply.release_all()
        await reader.resume(served)
        assert (reader.reasoning, reader.answer) == (reply.reasoning, reply.answer)
        assert reply.asked == 1


async def test_nginx_with_gzip_on_leaves_an_event_stream_as_it_is(
    provider: Upstream, tmp_path: Path
) -> None:
    provider.offer("Tell", PacedReply(400))
    async with (
        server(tmp_path, behind(provider)) as inner,
        behind_nginx(tmp_path, inner) as served,
        served.session.post(f"{served.api}/chat/stream-sse", json={"text": "Tell"}) as response,
    ):
        body = await response.read()
    assert "Content-Encoding" not in response.headers
    assert response.headers["Cache-Control"] == "no-cache, no-transform"
    assert b"event: complete" in body
