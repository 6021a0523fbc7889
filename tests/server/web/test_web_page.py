"""The web page: served to browsers at every path, with only its own files, and its permissions."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.channels.sockets import hosting
from tests.server.serving import Served
from thinkaloud.testing import ScriptedModel

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PAGE = "<!doctype html><title>thinkaloud</title><script src=./assets/main-1a.js></script>"
SCRIPT = "console.log('hello');" * 200


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    folder = tmp_path / "webui"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE, encoding="utf-8")
    (folder / "assets" / "main-1a.js").write_text(SCRIPT, encoding="utf-8")
    (folder / "assets" / "font.woff2").write_bytes(bytes(range(256)))
    (folder / "icon.svg").write_text("<svg/>", encoding="utf-8")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


@asynccontextmanager
async def asked(
    served: Served, path: str, accept: str = BROWSER, method: str = "GET", **headers: str
) -> AsyncGenerator[aiohttp.ClientResponse]:
    given = {"Accept": accept, **{name.replace("_", "-"): each for name, each in headers.items()}}
    async with served.session.request(method, served.url + path, headers=given) as answer:
        yield answer


@pytest.mark.parametrize(
    "accept",
    [BROWSER, "text/html", "text/html;q=0.9, application/json;q=0.1", "TEXT/HTML"],
)
async def test_a_browser_gets_the_page_at_the_root(bundle: Path, accept: str) -> None:
    async with (
        hosting(ScriptedModel(), bundle=bundle) as served,
        asked(served, "/", accept) as answer,
    ):
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "Accept" in answer.headers["Vary"]
        assert await answer.text() == PAGE


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", "application/json, text/html;q=0.5", "text/html;q=0", ""]
)
async def test_everybody_else_gets_json_at_the_root(bundle: Path, accept: str) -> None:
    async with (
        hosting(ScriptedModel(), bundle=bundle) as served,
        asked(served, "/", accept) as answer,
    ):
        assert (await answer.json())["name"] == "thinkaloud"


@pytest.mark.parametrize("path", ["/chat/conv_1", "/settings", "/index.html"])
async def test_any_other_path_shows_the_page(bundle: Path, path: str) -> None:
    async with hosting(ScriptedModel(), bundle=bundle) as served, asked(served, path) as answer:
        assert (answer.status, await answer.text()) == (200, PAGE)


@pytest.mark.parametrize(
    ("path", "accept", "method"),
    [
        ("/api/v1/nothing", BROWSER, "GET"),
        ("/webui/nothing", BROWSER, "GET"),
        ("/settings", "*/*", "GET"),
        ("/settings", BROWSER, "POST"),
        ("/assets/gone.js", "*/*", "GET"),
    ],
)
async def test_a_missing_path_is_a_problem_document(
    bundle: Path, path: str, accept: str, method: str
) -> None:
    async with (
        hosting(ScriptedModel(), bundle=bundle) as served,
        asked(served, path, accept, method) as answer,
    ):
        assert answer.status == 404
        assert (await answer.json(content_type=None))["code"] == "not_found"


@pytest.mark.parametrize("path", ["/assets/main-1a.js", "/chat/assets/main-1a.js"])
async def test_assets_are_cached_forever(bundle: Path, path: str) -> None:
    async with (
        hosting(ScriptedModel(), bundle=bundle) as served,
        asked(served, path, "*/*") as answer,
    ):
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Encoding"] == "gzip"
        assert await answer.text() == SCRIPT


async def test_a_precompressed_file_is_sent_unchanged(bundle: Path) -> None:
    async with (
        hosting(ScriptedModel(), bundle=bundle) as served,
        asked(served, "/assets/font.woff2", "*/*") as answer,
    ):
        assert "Content-Encoding" not in answer.headers
        assert answer.headers["Content-Type"] == "font/woff2"
        assert await answer.read() == bytes(range(256))


async def test_the_page_is_revalidated_and_sent_only_if_it_changed(bundle: Path) -> None:
    async with hosting(ScriptedModel(), bundle=bundle) as served:
        async with asked(served, "/") as first:
            assert first.headers["Cache-Control"] == "no-cache"
            tag = first.headers["ETag"]
        async with asked(served, "/", If_None_Match=tag) as again:
            assert (again.status, await again.read()) == (304, b"")
        (bundle / "index.html").write_text(PAGE + "<p>new", encoding="utf-8")
        async with asked(served, "/", If_None_Match=tag) as changed:
            assert await changed.text() == PAGE + "<p>new"


@pytest.mark.parametrize("path", ["/", "/assets/main-1a.js", "/icon.svg"])
async def test_the_policy_lets_no_foreign_or_inline_script_run(bundle: Path, path: str) -> None:
    async with hosting(ScriptedModel(), bundle=bundle) as served, asked(served, path) as answer:
        rules = dict(
            rule.strip().partition(" ")[::2]
            for rule in answer.headers["Content-Security-Policy"].split(";")
        )
    assert rules["default-src"] == rules["script-src"] == rules["connect-src"] == "'self'"
    assert rules["img-src"] == "'self' data: blob:"
    assert rules["object-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt", "/assets/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt",
        "/assets/..%2f..%2fsecret.txt", "//secret.txt", "/link.txt", "/assets", "/a%00b",
        "/" + "x" * 5_000,
    ],
)  # fmt: skip
async def test_no_file_beside_the_bundle_can_be_read(bundle: Path, path: str) -> None:
    async with hosting(ScriptedModel(), bundle=bundle) as served:
        host, port = served.url.removeprefix("http://").split(":")
        reply = await raw_get(host, int(port), path)
    assert b" 404 " in reply.partition(b"\r\n")[0]
    assert b"secret" not in reply.partition(b"\r\n\r\n")[2]


async def raw_get(host: str, port: int, path: str) -> bytes:
    """Ask without a client that tidies the path up first."""
    reader, writer = await asyncio.open_connection(host, port)
    head = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    try:
        return await reader.read()
    finally:
        writer.close()


async def test_without_a_bundle_the_page_explains_what_to_do(tmp_path: Path) -> None:
    async with (
        hosting(ScriptedModel(), bundle=tmp_path / "none") as served,
        asked(served, "/") as answer,
    ):
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/html")
        text = await answer.text()
    assert "make run" in text
    assert "/api/docs" in text


async def test_a_head_request_returns_no_body(bundle: Path) -> None:
    async with (
        hosting(ScriptedModel(), bundle=bundle) as served,
        asked(served, "/", method="HEAD") as answer,
    ):
        assert (answer.status, await answer.read()) == (200, b"")
        assert int(answer.headers["Content-Length"]) > 0
