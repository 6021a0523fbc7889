import asyncio
import gzip

import aiohttp
import pytest
from aiohttp import web

from tests.tools.web import Handler, NameServer, page, serving
from thinkaloud.errors import InvalidRequest, NotFound, ToolError
from thinkaloud.tools import UrlGuard, builtin_tools, get
from thinkaloud.tools.builtin.fetch_url import MAX_BYTES, MAX_CHARACTERS
from thinkaloud.tools.url_guard import UNREACHABLE

LOOPBACK = "127.0.0.1"
PUBLIC = "93.184.215.14"


def allowing(port: int, *, lookup: NameServer | None = None, host: str = LOOPBACK) -> UrlGuard:
    return UrlGuard(allow_private=frozenset({f"{host}:{port}"}), lookup=lookup or NameServer())


async def fetch(guard: UrlGuard, url: object) -> str:
    (tool,) = (
        each
        for each in builtin_tools(None, lambda: 0.0, fetch=True, guard=guard)
        if each.schema.name == "fetch_url"
    )
    return await tool.call({"url": url})


async def fetch_from(handler: Handler, path: str = "/") -> str:
    async with serving(handler) as site:
        return await fetch(allowing(site.port), f"http://{LOOPBACK}:{site.port}{path}")


async def test_a_page_is_returned_as_text_marked_as_untrusted(nonblocking: None) -> None:
    html = (
        "<!doctype html><title>A &amp; B</title><style>p{}</style><script>if (a<b) evil()</script>"
        "<h1>Head\n  line</h1><p>One <b>bold</b>\tword<br>and more<ul><li>first<li>second</ul>"
        "<!-- not this --><table><tr><td>1<td>2</table><svg><text>no</text></svg>&lt;end&gt;"
    )
    head, _, text = (await fetch_from(page(html, "text/html"))).partition("\n\n")
    assert "untrusted" in head
    assert "\n" not in head
    assert text.split("\n") == [
        "A & B",
        "Head line",
        "One bold word",
        "and more",
        "- first",
        "- second",
        "1 2",
        "<end>",
    ]


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("text/plain", b"caf\xc3\xa9 \n <b>", "café \n <b>"),
        ("text/plain; charset=latin-1", b"caf\xe9", "café"),
        ("text/markdown; charset=utf-16", "hé".encode("utf-16"), "hé"),
        ("text/plain; charset=nonsense", b"caf\xc3\xa9", "café"),
        ("text/plain; charset=rot13", b"abc", "abc"),
        ("text/plain; charset=zlib", b"abc", "abc"),
        ("text/plain; charset=unicode_escape", b"\\u0041", "\\u0041"),
        ("text/plain; charset=punycode", b"a-b", "a-b"),
        ('text/plain; charset=" "', b"abc", "abc"),
        ("text/plain", b"bad \xff byte", "bad \ufffd byte"),
        ("text/plain", b"\xef\xbb\xbfmark", "mark"),
        ("application/json", b'{"a": 1}', '{"a": 1}'),
        ("application/problem+json", b"{}", "{}"),
        ("APPLICATION/ATOM+XML", b"<feed/>", "<feed/>"),
        ("application/xhtml+xml", b"<p>x</p>", "x"),
    ],
)
async def test_text_is_decoded_as_the_server_says(
    content_type: str, body: bytes, text: str
) -> None:
    answer = await fetch_from(page(body, content_type))
    assert answer.partition("\n\n")[2] == text


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (page(b"\x89PNG", "image/png"), "image/png"),
        (page("<svg/>", "image/svg+xml"), "image/svg+xml"),
        (page(b"PK", "application/zip"), "application/zip"),
        (page(b"x", "application/octet-stream"), "octet-stream"),
        (page(b"x", "model/" + "x" * 5000), "model/xxx"),
        (page("gone", status=404), "status 404"),
        (page("no", status=500), "status 500"),
        (page("", status=304), "status 304"),
    ],
)
async def test_non_text_content_is_refused(handler: Handler, expected: str) -> None:
    with pytest.raises(ToolError) as caught:
        await fetch_from(handler)
    assert expected in caught.value.message
    assert len(caught.value.message) < 200


async def test_an_answer_without_a_type_is_refused() -> None:
    async def raw(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(raw, LOOPBACK, 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ToolError, match="unnamed type"):
            await fetch(allowing(port), f"http://{LOOPBACK}:{port}/")


async def test_compressed_content_is_refused_unread_and_never_asked_for() -> None:
    seen: list[str] = []

    async def bomb(request: web.Request) -> web.Response:
        seen.append(request.headers["Accept-Encoding"])
        headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain"}
        return web.Response(body=gzip.compress(b"0" * 10_000_000), headers=headers)

    with pytest.raises(ToolError, match="compressed"):
        await fetch_from(bomb)
    assert seen == ["identity"]


async def test_long_text_is_truncated_with_a_note_before_it() -> None:
    head, _, text = (await fetch_from(page("x" * (MAX_CHARACTERS + 1)))).partition("\n\n")
    assert "only the beginning is included" in head
    assert len(text) == MAX_CHARACTERS
    assert "beginning" not in (await fetch_from(page("x" * MAX_CHARACTERS))).partition("\n\n")[0]


async def test_a_long_page_is_cut_where_its_text_is_long_and_not_its_markup() -> None:
    words = "<p>   word   </p>" * (MAX_CHARACTERS // 5)
    head, _, text = (await fetch_from(page(words + "end", "text/html"))).partition("\n\n")
    assert ("only the beginning" in head, len(text), text[:10]) == (
        True,
        MAX_CHARACTERS,
        "word\nword\n",
    )
    markup = "<p>   <b> </b> </p>" * (MAX_CHARACTERS // 5)
    head, _, text = (await fetch_from(page(markup + "end", "text/html"))).partition("\n\n")
    assert ("only the beginning" in head, text) == (False, "end")


@pytest.mark.parametrize(
    "piece", ["<!--", "<a ", "<", "<a href='", "&", "</", "<![CDATA[", "<script>", "<x a='", "<b>"]
)
async def test_a_page_designed_to_be_slow_is_read(piece: str) -> None:
    html = "<p>seen</p>" + piece * (MAX_BYTES // len(piece))
    assert "seen" in (await fetch_from(page(html, "text/html"))).partition("\n\n")[2]


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    while request.transport is not None and not request.transport.is_closing():
        await response.write(b"x" * 10_000)
    return response


async def test_an_endless_body_is_read_to_the_limit() -> None:
    async with serving(endless) as site:
        got = await get(
            allowing(site.port),
            f"http://{LOOPBACK}:{site.port}/",
            max_bytes=25_000,
            seconds=30,
        )
    assert (len(got.body), got.complete) == (25_000, False)


async def test_a_silent_server_times_out() -> None:
    async def silent(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async with serving(silent) as site:
        with pytest.raises(NotFound) as caught:
            await get(
                allowing(site.port),
                f"http://{LOOPBACK}:{site.port}/",
                max_bytes=10,
                seconds=0.2,
            )
    assert caught.value.message == UNREACHABLE


def redirecting(target: str, status: int = 302) -> Handler:
    async def redirect(request: web.Request) -> web.Response:
        if request.path == "/start":
            return web.Response(status=status, headers={"Location": target})
        return web.Response(text=f"arrived at {request.path_qs}")

    return redirect


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["/there?a=1", "there?a=1", "?a=1#x"])
async def test_a_redirect_is_followed_as_the_standard_says(status: int, target: str) -> None:
    async with serving(redirecting(target, status)) as site:
        guard, url = allowing(site.port), f"http://{LOOPBACK}:{site.port}/start"
        if target.startswith("?"):
            with pytest.raises(ToolError, match="more than 5 times"):
                await fetch(guard, url)
            assert len(site.requests) == 6
        else:
            assert "arrived at /there?a=1" in await fetch(guard, url)


@pytest.mark.parametrize(("hops", "arrives"), [(5, True), (6, False)])
async def test_five_redirects_are_followed_and_no_more(hops: int, arrives: bool) -> None:
    async def count(request: web.Request) -> web.Response:
        left = int(request.path.strip("/"))
        if left:
            return web.Response(status=302, headers={"Location": f"/{left - 1}"})
        return web.Response(text="arrived")

    if arrives:
        assert "arrived" in await fetch_from(count, f"/{hops}")
    else:
        with pytest.raises(ToolError, match="more than 5 times"):
            await fetch_from(count, f"/{hops}")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("http://{host}:{other}/secret", UNREACHABLE),
        ("//{host}:{other}/secret", UNREACHABLE),
        ("http://localhost:{other}/secret", UNREACHABLE),
        ("http://2130706433:{other}/secret", UNREACHABLE),
        ("http://[::ffff:7f00:1]:{other}/secret", UNREACHABLE),
        ("http://private.example:{other}/secret", UNREACHABLE),
        ("http://169.254.169.254/latest", UNREACHABLE),
        ("http://user@{host}:{port}/", "user name"),
        ("http:\\\\{host}:{other}/", "backslash"),
        ("file:///etc/passwd", "Only http"),
        ("gopher://{host}:{other}/", "Only http"),
        ("data:text/plain,x", "Only http"),
        ("http://{host}:99999/", "not a URL"),
    ],
)
async def test_a_redirect_is_checked_like_the_first_url(target: str, expected: str) -> None:
    names = NameServer(private=[[LOOPBACK]])
    async with serving(page("secret")) as inner:

        async def redirect(request: web.Request) -> web.Response:
            where = target.format(host=LOOPBACK, port=outer.port, other=inner.port)
            return web.Response(status=302, headers={"Location": where})

        async with serving(redirect) as outer:
            with pytest.raises(ToolError) as caught:
                await fetch(
                    allowing(outer.port, lookup=names), f"http://{LOOPBACK}:{outer.port}/start"
                )
        assert expected in caught.value.message
        assert inner.requests == []
        assert len(outer.requests) == 1


@pytest.mark.parametrize(
    "addresses",
    [
        [LOOPBACK],
        ["::1"],
        ["::ffff:127.0.0.1"],
        [PUBLIC, LOOPBACK],
        ["10.0.0.1"],
        ["fe80::1%1"],
        ["localhost"],
        [],
    ],
)
async def test_a_name_with_any_private_address_is_not_connected_to(
    addresses: list[str],
) -> None:
    async with serving(page("secret")) as site:
        guard = UrlGuard(lookup=NameServer(rebound=[addresses]))
        with pytest.raises(ToolError) as caught:
            await fetch(guard, f"http://rebound.example:{site.port}/")
        assert caught.value.message == UNREACHABLE
        assert site.requests == []


async def test_the_connection_uses_the_address_of_a_single_lookup() -> None:
    async with serving(page("here")) as site:
        names = NameServer(wiki=[[LOOPBACK], ["192.0.2.1"]])
        guard = allowing(site.port, lookup=names, host="wiki.example")
        assert "here" in await fetch(guard, f"http://wiki.example:{site.port}/")
        assert names.asked == ["wiki.example"]
        assert site.requests[0].host == f"wiki.example:{site.port}"


async def test_a_name_that_changes_its_address_between_two_hops_is_checked_at_each() -> None:
    async with serving(page("secret")) as inner:
        target = f"http://turning.example:{inner.port}/secret"
        async with serving(redirecting(target)) as outer:
            guard = UrlGuard(
                allow_private=frozenset({f"turning.example:{outer.port}"}),
                lookup=NameServer(turning=[[LOOPBACK], [LOOPBACK]]),
            )
            with pytest.raises(ToolError) as caught:
                await fetch(guard, f"http://turning.example:{outer.port}/start")
        assert caught.value.message == UNREACHABLE
        assert inner.requests == []


async def test_a_connection_that_went_around_the_check_of_the_url_gets_no_socket() -> None:
    async with serving(page("secret")) as site:
        guard = UrlGuard(lookup=NameServer())
        connector = guard.connector(guard.check("http://example.org/"))
        async with aiohttp.ClientSession(connector=connector) as session:
            with pytest.raises(aiohttp.ClientConnectionError):
                await session.get(f"http://{LOOPBACK}:{site.port}/")
        assert site.requests == []


@pytest.mark.parametrize("name", ["missing.example", "inner.example", "closed.example"])
async def test_all_unreachable_hosts_give_the_same_error(name: str, unused_tcp_port: int) -> None:
    names = NameServer(inner=[["10.0.0.1"]], closed=[[LOOPBACK]])
    guard = allowing(unused_tcp_port, lookup=names, host="closed.example")
    with pytest.raises(ToolError) as caught:
        await fetch(guard, f"http://{name}:{unused_tcp_port}/")
    assert caught.value.message == UNREACHABLE


@pytest.mark.parametrize(
    "answer",
    [
        b"not http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\nzz\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe\r\nContent-Length: 0\r\n\r\n",
        b"",
    ],
)
async def test_a_broken_answer_is_a_tool_error(answer: bytes) -> None:
    async def raw(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(raw, LOOPBACK, 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ToolError):
            await fetch(allowing(port), f"http://{LOOPBACK}:{port}/")


async def test_no_proxy_credential_or_cookie_of_this_machine_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def sets_cookie(request: web.Request) -> web.Response:
        where = {"/start": "/next"}.get(request.path)
        headers = {"Set-Cookie": "a=1"} | ({"Location": where} if where else {})
        return web.Response(status=302 if where else 200, text="ok", headers=headers)

    async with serving(page("proxied")) as proxy, serving(sets_cookie) as site:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{LOOPBACK}:{proxy.port}")
        await fetch(allowing(site.port), f"http://{LOOPBACK}:{site.port}/start")
        assert proxy.requests == []
        assert [request.path for request in site.requests] == ["/start", "/next"]
        for request in site.requests:
            assert not {"Cookie", "Authorization", "Referer"} & set(request.headers)


async def test_get_refuses_before_it_connects() -> None:
    async with serving(page("secret")) as site:
        for url, error in [
            (f"http://{LOOPBACK}:{site.port}/", NotFound),
            (f"ftp://{LOOPBACK}:{site.port}/", InvalidRequest),
        ]:
            with pytest.raises(error):
                await get(UrlGuard(), url, max_bytes=10, seconds=30)
        assert site.requests == []
