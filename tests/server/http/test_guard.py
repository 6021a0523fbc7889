"""The guard: which clients may connect, and which headers every response has."""

import asyncio
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from tests.server.serving import Served, serving
from thinkaloud.testing import ScriptedModel, say

FOREIGN_HOSTS = [
    "evil.example",
    "EVIL.example:8484",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evil.example@127.0.0.1",
    "127.0.0.1@evil.example",
    "[::ffff:127.0.0.1]",
    "localhost.",
    "127.0.0.1:",
    "127.0.0.1:0",
    "127.0.0.1:99999",
    "127.0.0.1:80:80",
    "127.0.0.1:8x",
    "127.1",
    "0x7f000001",
    "2130706433",
    "0.0.0.0",
    "::1",
    "[::1",
    "local host",
    "",
]
OWN_HOSTS = ["localhost", "LocalHost:1234", "127.0.0.1", "127.0.0.1:65535", "127.8.8.8", "[::1]:80"]
FOREIGN_ORIGINS = [
    "https://evil.example",
    "null",
    "http://localhost.evil.example",
    "http://127.0.0.1.evil.example",
    "http://localhost:3000",
    "https://{host}",
    "http://evil.example@{host}",
    "http://{host}.evil.example",
    "http://{host}/",
    "{host}",
    "file://",
    "chrome-extension://abcdef",
    "",
]
PLACES = [
    ("GET", "/"),
    ("GET", "/healthz"),
    ("GET", "/metrics"),
    ("GET", "/api/docs"),
    ("GET", "/api/v1/models"),
    ("GET", "/api/v1/nothing"),
    ("POST", "/api/v1/chat/message"),
    ("POST", "/api/v1/chat/stream-sse"),
    ("POST", "/api/v1/models/switch"),
    ("POST", "/api/v1/upload"),
    ("DELETE", "/api/v1/conversations/c1"),
]
FORM = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nx\r\n--b--\r\n'


async def raw(
    served: Served, method: str, path: str, *headers: str, body: bytes = b""
) -> tuple[int, bytes]:
    """Send a request of exactly these headers and return status and answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port(served))
    upgrading = any(line.startswith("Upgrade:") for line in headers)
    lines = headers if upgrading else (*headers, "Connection: close")
    head = "".join(f"{line}\r\n" for line in lines)
    writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body)
    answer = await (reader.readuntil(b"\r\n\r\n") if upgrading else reader.read())
    writer.close()
    return int(answer.split(b" ", 2)[1]), answer


def port(served: Served) -> int:
    return int(served.url.rpartition(":")[2])


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
async def test_a_name_that_is_not_the_servers_own_is_misdirected_everywhere(host: str) -> None:
    async with serving(ScriptedModel()) as served:
        for method, path in PLACES:
            status, answer = await raw(served, method, path, f"Host: {host}")
            assert status == 421, (method, path)
            assert b'"code":"wrong_host"' in answer
        status, answer = await raw(served, "GET", "/api/v1/chat/stream", *upgrade(host))
        assert status == 421


async def test_a_request_with_two_names_is_misdirected_and_one_with_none_refused() -> None:
    async with serving(ScriptedModel()) as served:
        status, _ = await raw(served, "GET", "/", "Host: localhost", "Host: evil.example")
        assert status in {400, 421}
        status, _ = await raw(served, "GET", "/")
        assert status in {400, 421}


@pytest.mark.parametrize("host", OWN_HOSTS)
async def test_every_name_of_this_machine_is_answered_at_any_port(host: str) -> None:
    async with serving(ScriptedModel()) as served:
        assert (await raw(served, "GET", "/healthz", f"Host: {host}"))[0] == 200
        assert (await raw(served, "GET", "/api/v1/chat/stream", *upgrade(host)))[0] == 101


async def test_a_configured_name_is_answered_and_only_that() -> None:
    async with serving(ScriptedModel(), allowed_hosts=("Think.example",)) as served:
        assert (await raw(served, "GET", "/", "Host: think.example:443"))[0] == 200
        assert (await raw(served, "GET", "/", "Host: a.think.example"))[0] == 421


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
async def test_a_foreign_page_gets_nothing_and_starts_nothing(origin: str) -> None:
    model = ScriptedModel()
    async with serving(model) as served:
        host = f"127.0.0.1:{port(served)}"
        headers = (f"Host: {host}", f"Origin: {origin.format(host=host)}")
        for method, path in [*PLACES, ("OPTIONS", "/api/v1/chat/message")]:
            status, answer = await raw(served, method, path, *headers)
            assert status == 403, (method, path)
            assert b"access-control" not in answer.lower()
        status, _ = await raw(served, "GET", "/api/v1/chat/stream", *upgrade(host), headers[1])
        assert status == 403
    assert model.requests == []


async def test_the_servers_own_pages_and_the_configured_ones_may_use_it() -> None:
    extra = ("https://think.example/",)
    async with serving(ScriptedModel(), allowed_origins=extra) as served:
        host = f"localhost:{port(served)}"
        for origin in (f"http://{host}", "https://think.example", "https://think.example:443"):
            headers = (f"Host: {host}", f"Origin: {origin}")
            assert (await raw(served, "GET", "/api/v1/models", *headers))[0] == 200
            status, _ = await raw(served, "GET", "/api/v1/chat/stream", *upgrade(host), headers[1])
            assert status == 101


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_request_that_another_site_started_changes_nothing(site: str) -> None:
    async with serving(ScriptedModel()) as served:
        headers = ("Host: localhost", f"Sec-Fetch-Site: {site}")
        for method, path in PLACES:
            status, _ = await raw(served, method, path, *headers)
            assert (status == 403) == (method != "GET"), (method, path)
        status, _ = await raw(
            served, "GET", "/api/v1/chat/stream", *upgrade("localhost"), headers[1]
        )
        assert status == 403


async def test_a_form_of_another_page_is_refused_even_without_an_origin() -> None:
    async with serving(ScriptedModel()) as served:
        for media_type in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
        ):
            for method, path in (
                ("POST", "/api/v1/chat/message"),
                ("POST", "/api/v1/runs/r/stop"),
                ("POST", "/api/v1/models/switch"),
                ("POST", "/api/v1/conversations"),
                ("DELETE", "/api/v1/conversations/c1"),
            ):
                status, _ = await raw(
                    served,
                    method,
                    path,
                    "Host: localhost",
                    f"Content-Type: {media_type}",
                    "Content-Length: 0",
                )
                assert status in {404, 415}, (media_type, path)
                assert status == 415 or path.endswith("c1")


@pytest.mark.parametrize(
    ("of_the_browser", "status"),
    [
        (("Origin: https://evil.example",), 403),
        (("Origin: null",), 403),
        (("Origin: http://localhost:3000",), 403),
        (("Origin: https://evil.example", "Sec-Fetch-Site: same-origin"), 403),
        (("Sec-Fetch-Site: cross-site",), 403),
        (("Sec-Fetch-Site: same-site",), 403),
        (("Origin: http://{host}", "Sec-Fetch-Site: same-origin"), 201),
        ((), 201),
    ],
)
async def test_a_form_with_a_file_is_taken_from_the_servers_own_pages_and_from_programs_only(
    of_the_browser: tuple[str, ...], status: int
) -> None:
    async with serving(ScriptedModel()) as served:
        host = f"localhost:{port(served)}"
        headers = (
            f"Host: {host}",
            "Content-Type: multipart/form-data; boundary=b",
            f"Content-Length: {len(FORM)}",
            *(line.format(host=host) for line in of_the_browser),
        )
        found, _ = await raw(served, "POST", "/api/v1/upload", *headers, body=FORM)
    assert found == status


async def test_what_a_proxy_claims_changes_nothing() -> None:
    claims = (
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Proto: https",
        "X-Forwarded-For: 10.0.0.1",
        "Forwarded: host=evil.example",
        "X-Real-IP: 10.0.0.1",
    )
    async with serving(ScriptedModel()) as served:
        host = f"localhost:{port(served)}"
        own = (f"Host: {host}", f"Origin: http://{host}")
        assert (await raw(served, "GET", "/", *own, *claims))[0] == 200
        foreign = ("Host: evil.example", "X-Forwarded-Host: localhost")
        assert (await raw(served, "GET", "/", *foreign))[0] == 421


async def test_every_response_is_inert_in_a_browser_and_has_a_request_id() -> None:
    async with serving(ScriptedModel([say("A")])) as served:
        answers: list[Any] = []
        for method, path in PLACES:
            body = {"json": {"text": "Hi"}} if "message" in path else {}
            async with served.session.request(method, served.url + path, **body) as response:
                answers.append(response.headers)
        async with served.session.get(served.url, headers={"Host": "evil.example"}) as response:
            answers.append(response.headers)
    for headers in answers:
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "script-src" not in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Server" not in headers
        assert not [name for name in headers if name.lower().startswith("access-control")]
    ids = [headers["X-Request-ID"] for headers in answers]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("abc-1.2_3", True), ("a b", False), ("x" * 65, False), ("<script>", False), ("", False)],
)
async def test_a_clients_request_id_is_used_only_if_it_is_harmless(sent: str, kept: bool) -> None:
    async with serving(ScriptedModel()) as served:
        async with served.session.get(
            f"{served.api}/runs/nothing", headers={"X-Request-ID": sent}
        ) as response:
            found = response.headers.getall("X-Request-ID")
            problem = await response.json()
        assert len(found) == 1
        assert (found[0] == sent) is kept
        assert problem["request_id"] == found[0]


async def test_a_socket_sends_its_request_id() -> None:
    async with serving(ScriptedModel()) as served:
        async with connect(
            served.socket_url, additional_headers={"X-Request-ID": "mine"}
        ) as connection:
            assert connection.response is not None
            assert connection.response.headers["X-Request-ID"] == "mine"
        with pytest.raises(InvalidStatus) as refused:
            await connect(served.socket_url.replace("/stream", "/nothing"))
        assert refused.value.response.status_code == 404


@pytest.mark.parametrize("path", ["/ws", "/api/v1/chat/stream", "/nothing"])
async def test_a_refused_upgrade_is_answered_once_and_is_no_error_in_the_log(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(ScriptedModel()) as served:
        with pytest.raises(InvalidStatus) as refused:
            await connect(served.url.replace("http", "ws", 1) + path, origin=Origin("http://evil"))
    assert refused.value.response.status_code == 403
    assert [each.message for each in caplog.records if each.levelname == "ERROR"] == []


def upgrade(host: str) -> tuple[str, ...]:
    """The headers of a WebSocket upgrade."""
    return (
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    )
