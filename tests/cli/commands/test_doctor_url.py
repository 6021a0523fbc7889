"""`thinkaloud doctor --url`: finds what delays a stream between a server and its client."""

import base64
import gzip
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.cli.commands.test_serve import address, read_until
from tests.cli.program import DEMO, Home

Carry = Callable[[BaseHTTPRequestHandler, http.client.HTTPResponse], None]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that runs."""
    home = Home(tmp_path_factory.mktemp("server"))
    home.configure(DEMO)
    with home.start("serve", "--port", "0") as process:
        yield address(read_until(process, b"/api/docs\n"))


@contextmanager
def proxy(url: str, carry: Carry, **headers: str) -> Iterator[str]:
    """A proxy before a server, that carries its answers in some way of its own."""

    class Handler(BaseHTTPRequestHandler):
        server_version = "nginx"
        sys_version = ""

        def do_GET(self) -> None:
            upstream = http.client.HTTPConnection(urlsplit(url).netloc)
            upstream.request("GET", self.path)
            response = upstream.getresponse()
            self.send_response(response.status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Type", response.headers["Content-Type"])
            self.end_headers()
            carry(self, response)
            upstream.close()

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{served.server_address[1]}"
    finally:
        served.shutdown()
        served.server_close()
        thread.join()


def all_at_once(handler: BaseHTTPRequestHandler, response: http.client.HTTPResponse) -> None:
    handler.wfile.write(response.read())


def as_it_comes(handler: BaseHTTPRequestHandler, response: http.client.HTTPResponse) -> None:
    for line in iter(response.readline, b""):
        handler.wfile.write(line)


def without_comments(handler: BaseHTTPRequestHandler, response: http.client.HTTPResponse) -> None:
    for line in iter(response.readline, b""):
        if not line.startswith(b":"):
            handler.wfile.write(line)


def truncated_response(handler: BaseHTTPRequestHandler, response: http.client.HTTPResponse) -> None:
    for line in iter(response.readline, b""):
        handler.wfile.write(line)
        if b'"number":3' in line:
            return


def compressed(handler: BaseHTTPRequestHandler, response: http.client.HTTPResponse) -> None:
    with gzip.GzipFile(fileobj=handler.wfile, mode="wb") as file:
        for line in iter(response.readline, b""):
            file.write(line)
            file.flush()


def report_of(home: Home, url: str) -> tuple[int, dict[str, Any]]:
    done = home.run("doctor", "--url", url, "--json")
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def test_an_undelayed_stream_is_live(home: Home, url: str) -> None:
    code, report = report_of(home, f"{url}/")
    assert (code, report["verdict"], report["status"]) == (0, "live", 200)
    assert report["events"] == report["events_sent"]
    assert report["came_over_ms"] > report["sent_over_ms"] / 2 > 0
    assert report["headers"]["Cache-Control"] == "no-cache, no-transform"
    assert "Content-Encoding" not in report["headers"]
    assert report["advice"] == ""


@pytest.mark.parametrize(
    ("carry", "headers", "verdict"),
    [
        (as_it_comes, {}, "live"),
        (all_at_once, {}, "buffered"),
        (compressed, {"Content_Encoding": "gzip"}, "compressed"),
        (without_comments, {}, "no_heartbeats"),
        (truncated_response, {}, "cut"),
    ],
)
def test_the_obstacle_is_named_with_a_solution(
    home: Home, url: str, carry: Carry, headers: dict[str, str], verdict: str
) -> None:
    with proxy(url, carry, **headers) as public:
        code, report = report_of(home, public)
        output = home.run("doctor", "--url", public).stdout
    assert (code, report["verdict"]) == (0 if verdict == "live" else 1, verdict)
    assert report["headers"]["Server"] == "nginx"
    assert ("proxy_buffering off" in report["advice"]) is (verdict != "live")
    assert verdict.replace("_", " ") in output
    assert "Server: nginx" in output


def test_a_password_in_the_address_is_sent_and_never_printed(home: Home, url: str) -> None:
    seen: list[str | None] = []

    def carry(handler: BaseHTTPRequestHandler, response: http.client.HTTPResponse) -> None:
        seen.append(handler.headers["Authorization"])
        as_it_comes(handler, response)

    with proxy(url, carry) as way:
        code, report = report_of(home, way.replace("//", "//ada:secret@"))
    assert (code, report["url"]) == (0, way)
    assert seen == [f"Basic {base64.b64encode(b'ada:secret').decode()}"]


def test_a_cdn_is_known_by_its_headers(home: Home, url: str) -> None:
    with proxy(url, all_at_once, CF_Ray="123-FRA") as public:
        _, report = report_of(home, public)
    assert "Cloudflare" in report["advice"]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://127.0.0.1:1", "The server did not respond."),
        ("agent.example.org", "must start with http:// or https://"),
        ("{url}/elsewhere", "status 404"),
    ],
)
def test_an_address_without_a_server_is_reported(
    home: Home, url: str, address: str, expected: str
) -> None:
    code, report = report_of(home, address.format(url=url))
    assert (code, report["verdict"]) == (1, "no_stream")
    assert expected in report["detail"]
    assert "Check that this URL belongs to a thinkaloud server" in report["detail"]
