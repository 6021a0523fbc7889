"""Runs the documented sites of Caddy before a server: keys, single sign-on, event streams and sockets.

The login behind `forward_auth` is a small server that answers as Authelia's endpoint does. Requires
Debian's package caddy. nginx is tested in `make test`.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from websockets.sync.client import connect

from benchmarks.speed.processes import Process, python_module, started
from benchmarks.speed.variants import KEY, open_lab, serve, serve_with_keys

ROOT: Final = Path(__file__).resolve().parents[2]
EXAMPLES: Final = ROOT / "docs" / "examples" / "caddy"
NAME: Final = "agent.example.org"
TOKENS: Final = 20
SHAPE: Final = f"n{TOKENS}-r20"
"""One second of tokens, so that a proxy that buffers is noticed."""
LOGIN: Final = "session=of-ada"
MESSAGE: Final = {"text": "Hi", "include_reasoning": True}


class Login(BaseHTTPRequestHandler):
    """Answers whether a request has a login: 200 with the user's name, or 401."""

    def do_GET(self) -> None:
        """Answer a request of `forward_auth`, which has the headers of the original one."""
        is_known = LOGIN in self.headers.get("Cookie", "")
        self.send_response(200 if is_known else 401)
        if is_known:
            self.send_header("Remote-User", "ada")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Print nothing."""


@contextmanager
def login() -> Generator[int]:
    """Run the login; yields its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Login) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def caddy(folder: Path, example: str, ports: Mapping[str, int], secret: str) -> Generator[int]:
    """Run an example on a port of its own, without TLS; `ports` replace those of the example."""
    site = (EXAMPLES / f"{example}.Caddyfile").read_text("utf-8")
    for documented, port in ports.items():
        assert documented in site
        site = site.replace(documented, f"127.0.0.1:{port}")
    with ThreadingHTTPServer(("127.0.0.1", 0), Login) as free:
        port = free.server_address[1]
    text = site.replace(f"{NAME} {{", f"http://{NAME}:{port} {{\n    bind 127.0.0.1", 1)
    file = folder / "Caddyfile"
    file.write_text(f"{{\n    admin off\n}}\n{text}", encoding="utf-8")
    environment = {**os.environ, "PROXY_SECRET": secret, "HOME": str(folder)}
    environment |= {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    command = ("caddy", "run", "--config", str(file), "--adapter", "caddyfile")
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            lines: list[str] = []
            while not lines or "serving initial configuration" not in lines[-1]:
                lines.append(process.stderr.readline())
                assert lines[-1], "".join(lines)
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield port
        finally:
            process.terminate()
            process.wait()


class Client:
    """Sends requests as a page of the site does."""

    def __init__(self, port: int, **headers: str) -> None:
        self._port = port
        self._headers = {"Host": NAME, "Origin": f"https://{NAME}", **headers}

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Return the status and the body of a response."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
        connection.request("GET", path, headers={**self._headers, **headers})
        response = connection.getresponse()
        return response.status, response.read().decode()

    def stream(self) -> list[int]:
        """Send a message; return how many tokens had come at each read."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
        headers = {**self._headers, "Content-Type": "application/json"}
        body = json.dumps({**MESSAGE, "model": f"{SHAPE}/m"})
        connection.request("POST", "/api/v1/chat/stream-sse", body, headers)
        response = connection.getresponse()
        assert response.status == 200, response.read()
        text, found = b"", list[int]()
        while data := response.read1(65_536):
            text += data
            found.append(text.count(b'"token"'))
        assert b"event: complete" in text
        return found

    def socket(self) -> list[str]:
        """Send a message on a socket; return its frames."""
        others = {k: v for k, v in self._headers.items() if k not in {"Host", "Origin"}}
        frames: list[str] = []
        with connect(
            f"ws://{NAME}:{self._port}/api/v1/chat/stream",
            sock=_connected(self._port),
            origin=self._headers["Origin"],  # type: ignore[arg-type]
            additional_headers=others,
        ) as connection:
            connection.send(json.dumps({**MESSAGE, "model": f"{SHAPE}/m"}))
            for frame in connection:
                frames.append(str(frame))
                if '"event":"complete"' in frames[-1]:
                    return frames
        raise AssertionError("The socket was closed.")


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def check_streams(client: Client) -> None:
    """Expect every token on its own, over both transports."""
    reads = client.stream()
    assert len(set(reads)) > TOKENS / 2, f"the tokens came together: {reads}"
    assert sum('"token"' in frame for frame in client.socket()) >= TOKENS


def check_keys(folder: Path, process: Process) -> None:
    """Expect that Caddy passes keys on."""
    with caddy(folder, "keys", {"127.0.0.1:8484": process.port}, "") as port:
        assert Client(port).get("/api/v1/me")[0] == 401
        client = Client(port, Authorization=f"Bearer {KEY}")
        status, text = client.get("/api/v1/me")
        assert (status, json.loads(text)["role"]) == (200, "admin"), text
        check_streams(client)


def check_single_sign_on(folder: Path, process: Process, secret: str) -> None:
    """Expect that the login names the user, and nobody else does."""
    with (
        login() as logins,
        caddy(
            folder,
            "single_sign_on",
            {"127.0.0.1:8484": process.port, "127.0.0.1:9091": logins},
            secret,
        ) as port,
    ):
        forged = {"Remote-User": "root", "X-Proxy-Secret": "guessed", "X-Forwarded-User": "root"}
        assert Client(port).get("/api/v1/me")[0] == 401
        assert Client(port).get("/api/v1/me", **forged)[0] == 401
        # Without the proxy, the headers of anybody count for nothing.
        assert Client(process.port).get("/api/v1/me", **forged)[0] == 401
        client = Client(port, Cookie=LOGIN)
        for headers in ({}, forged):
            status, text = client.get("/api/v1/me", **headers)
            assert (status, json.loads(text)["owner"]) == (200, "ada"), text
        check_streams(client)


def main() -> int:
    """Check both sites."""
    if shutil.which("caddy") is None:
        print("This needs Debian's package caddy: sudo apt-get install caddy")
        return 1
    secret = secrets.token_hex(16)
    names = {"THINKALOUD_SERVER__ALLOWED_HOSTS": json.dumps([NAME])}
    names["THINKALOUD_SERVER__ALLOWED_ORIGINS"] = json.dumps([f"https://{NAME}"])
    proxied = {
        "THINKALOUD_AUTH__MODE": "proxy",
        "THINKALOUD_AUTH__TRUSTED_PROXIES": '["127.0.0.1"]',
        "THINKALOUD_AUTH__USER_HEADER": "Remote-User",
        "THINKALOUD_AUTH__PROXY_SECRET_ENV": "PROXY_SECRET",
        "PROXY_SECRET": secret,
    }
    with (
        tempfile.TemporaryDirectory() as name,
        started(*python_module("benchmarks.speed.provider")) as provider,
    ):
        folder = Path(name)
        lab = open_lab(folder, provider, (SHAPE,))
        with serve_with_keys(lab.folder, lab.configuration, **names) as process:
            check_keys(folder, process)
        print("keys behind Caddy: as documented")
        with serve(lab.folder, lab.configuration, **names, **proxied) as process:
            check_single_sign_on(folder, process, secret)
        print("single sign-on with Caddy's forward_auth: as documented")
    return 0


if __name__ == "__main__":
    sys.exit(main())
