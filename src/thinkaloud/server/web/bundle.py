"""Serves the web UI: its built bundle, and the bootstrap document."""

import asyncio
import gzip
import hashlib
import re
from pathlib import Path
from typing import Final

import msgspec
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

from thinkaloud.errors import ThinkaloudError
from thinkaloud.ports.principal import Principal
from thinkaloud.runtime.runs.request import MAX_CONTEXT_FILES
from thinkaloud.server.api.system import Features, SystemRoutes
from thinkaloud.server.http.guard import refuse
from thinkaloud.server.http.operation import Answer, Operation, json_response, principal_of
from thinkaloud.server.http.problems import Refused
from thinkaloud.server.services import ServerServices
from thinkaloud.server.sockets.page.socket import CHANNEL_PATH
from thinkaloud.tools.attachments import MAX_IMAGE_BYTES, MAX_TEXT_BYTES

PAGE_POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of the web UI."""

_ENVELOPE_BYTES: Final = 65_536
_FOREVER: Final = "public, max-age=31536000, immutable"
_ASSETS: Final = "/assets/"
_COMPATIBLE: Final = re.compile(r"(?!/api/).*/(chat/completions|responses|messages|models)")
"""The end of a path that a client of OpenAI's or Anthropic's API uses."""
_NOT_PAGES: Final = ("/api/", "/webui/", "/ws", "/metrics", "/healthz", "/readyz")
_BASE_META: Final = b'<meta name="thinkaloud-base-path" content="%s" />'
"""Tells the page the server's base path."""
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".woff": "font/woff",
    ".ttf": "font/ttf",
}
_PACKED: Final = frozenset({".html", ".js", ".mjs", ".css", ".svg", ".json", ".txt", ".wasm"})
_MISSING: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>thinkaloud</title>
<style>:root { color-scheme: light dark; } body { font: 16px/1.6 system-ui, sans-serif;
margin: 15vh auto; max-width: 34rem; padding: 0 1.5rem; }</style></head><body>
<h1>The server is running, but its web page isn't built</h1>
<p>In a checkout, <code>make run</code> builds the page and serves it. An installed package brings
it along: if this one does not, install it again.</p>
<p>Everything else works: <code>thinkaloud chat</code> in a terminal, and the
<a href="/api/docs">API</a>.</p></body></html>
"""


class _File(msgspec.Struct, frozen=True):
    """A file of the bundle, in memory."""

    stamp: tuple[int, int]
    body: bytes
    packed: bytes | None
    tag: str
    media_type: str


class WebUi:
    """Serves the bundle as an ASGI app: its files, and its page to every request for HTML."""

    def __init__(self, bundle: Path, base_path: str = "") -> None:
        self._bundle = bundle
        self._base_path = base_path
        self._read: dict[Path, _File] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the page or a file for a path without a route; otherwise respond with 404."""
        response: Response | None = None
        if scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}:
            response = await self._find(scope)
        if response is None:
            await refuse(self._not_found(scope), scope, send)
        else:
            await response(scope, receive, send)

    def _not_found(self, scope: Scope) -> ThinkaloudError:
        """Return the error for a path without a route, which needs a credential like most paths."""
        try:
            principal_of(scope)
        except ThinkaloudError as error:
            return error
        detail = "Not found: no route matches this path."
        if meant := _COMPATIBLE.fullmatch(scope["path"]):
            detail += (
                f" Check the client's base URL: it should lead to {self._base_path}/v1/{meant[1]}."
            )
        return Refused(404, "not_found", detail)

    def or_page(self, otherwise: ASGIApp) -> ASGIApp:
        """Return an app that shows the page to browsers and calls `otherwise` for other clients."""

        async def page_or_app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["method"] in {"GET", "HEAD"} and prefers_html(Headers(scope=scope)):
                await (await self._page(scope))(scope, receive, send)
            else:
                await otherwise(scope, receive, send)

        return page_or_app

    async def _find(self, scope: Scope) -> Response | None:
        path: str = scope["path"]
        if path.startswith(_NOT_PAGES):
            return None
        # The page refers to its assets relative to its own URL, which can be any path.
        inside = path[path.rindex(_ASSETS) :] if _ASSETS in path else path
        found = await asyncio.to_thread(self._file, inside.lstrip("/"))
        if found is not None:
            return _response(found, scope, _FOREVER if inside.startswith(_ASSETS) else "no-cache")
        return await self._page(scope) if prefers_html(Headers(scope=scope)) else None

    async def _page(self, scope: Scope) -> Response:
        found = await asyncio.to_thread(self._file, "index.html")
        if found is not None:
            return _response(found, scope, "no-cache")
        headers = {"Content-Security-Policy": PAGE_POLICY, "Vary": "Accept"}
        text = _MISSING.replace("/api/docs", f"{self._base_path}/api/docs")
        return Response(text, headers=headers, media_type="text/html")

    def _file(self, name: str) -> _File | None:
        """Read a file of the bundle, unless it is cached and unchanged."""
        root = self._bundle.resolve()
        try:
            path = (root / name).resolve()
            if not (path.is_relative_to(root) and path.is_file()):
                return None
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            known = self._read.get(path)
            if known is None or known.stamp != stamp:
                known = self._read[path] = _opened(path, stamp, self._base_path)
        except (OSError, ValueError):  # deleted since, or not a valid file name
            return None
        return known


def _opened(path: Path, stamp: tuple[int, int], base_path: str) -> _File:
    body, suffix = path.read_bytes(), path.suffix.lower()
    if suffix == ".html":
        body = body.replace(_BASE_META % b"", _BASE_META % base_path.encode(), 1)
    return _File(
        stamp=stamp,
        body=body,
        packed=gzip.compress(body, mtime=0) if suffix in _PACKED else None,
        tag=hashlib.sha256(body).hexdigest()[:24],
        media_type=_TYPES.get(suffix, "application/octet-stream"),
    )


def _response(found: _File, scope: Scope, caching: str) -> Response:
    asked = Headers(scope=scope)
    packed = found.packed if "gzip" in asked.get("accept-encoding", "") else None
    tag = f'"{found.tag}{"-gz" if packed is not None else ""}"'
    headers = {
        "ETag": tag,
        "Cache-Control": caching,
        "Content-Security-Policy": PAGE_POLICY,
        "Vary": "Accept, Accept-Encoding",
    }
    if tag in asked.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if packed is not None:
        headers["Content-Encoding"] = "gzip"
    # Set as a header, because starlette adds its own charset to `media_type`.
    headers["Content-Type"] = found.media_type
    return Response(found.body if packed is None else packed, headers=headers)


_QUALITY: Final = re.compile(r";\s*q=([0-9.]+)")


def prefers_html(headers: Headers) -> bool:
    """Whether the client explicitly prefers HTML to JSON."""
    qualities = {"text/html": 0.0, "application/json": 0.0}
    for part in ",".join(headers.getlist("accept")).split(","):
        name = part.partition(";")[0].strip().lower()
        if name in qualities:
            found = _QUALITY.search(part)
            qualities[name] = _number(found.group(1)) if found else 1.0
    return qualities["text/html"] > qualities["application/json"]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


class FileLimits(msgspec.Struct, frozen=True):
    """Limits of attached files. Sizes are in bytes."""

    most: int
    text_bytes: int
    picture_bytes: int
    together_bytes: int


class TransportLimits(msgspec.Struct, frozen=True):
    """Limits of a client's frame."""

    max_frame_bytes: int
    envelope_reserve_bytes: int
    """Bytes of a frame reserved for everything but the message and its files."""


class MessageLimits(msgspec.Struct, frozen=True):
    """Limits of a message's text."""

    max_text_bytes: int


class AttachmentLimits(msgspec.Struct, frozen=True):
    """Files that a client can send inside a message frame: none, they are uploaded."""

    max_count: int
    max_file_bytes: int
    max_total_bytes: int


class ChatLimits(msgspec.Struct, frozen=True):
    """Limits of a socket and a message. The nested ones are for nanobot's clients."""

    max_text_chars: int
    max_frame_bytes: int
    max_chats: int
    """Maximum number of chats that one socket can follow."""
    files: FileLimits
    transport: TransportLimits
    message: MessageLimits
    attachments: AttachmentLimits


class Bootstrap(msgspec.Struct, frozen=True):
    """What a chat page needs to start: the socket's path, the model and limits."""

    ws_path: str | None
    """The socket's path; null if the operator has disabled it."""
    model: str | None
    """The default model; null if none is configured."""
    model_name: str | None
    """The same, under the name that nanobot's clients read."""
    demo: bool
    version: str
    features: Features
    limits: ChatLimits
    ticket: str | None = None
    """A ticket for the socket, to be sent as the subprotocol `ticket.<value>` next to
    `thinkaloud`; null if the server needs no credentials."""

    @override
    def __repr__(self) -> str:
        return f"Bootstrap({self.ws_path!r})"


class BootstrapRoutes:
    """`/webui/bootstrap`."""

    def __init__(self, services: ServerServices, system: SystemRoutes) -> None:
        self._services = services
        self._system = system

    def operations(self) -> list[Operation]:
        """Return the operations of this resource."""
        return [
            Operation(
                method="GET",
                path="/webui/bootstrap",
                name="bootstrap",
                summary="Web UI bootstrap",
                tag="web UI",
                requires="any",
                handler=self.get,
                answers={200: Answer("The socket's path, the model and limits.", Bootstrap)},
            )
        ]

    async def get(self, request: Request) -> Response:
        """Return the bootstrap document."""
        services, principal = self._services, principal_of(request)
        channel = services.websocket
        model = services.runs.selections.model(principal.owner)
        return json_response(
            Bootstrap(
                ws_path=services.settings.base_path + CHANNEL_PATH
                if channel.settings.enabled
                else None,
                model=model or None,
                model_name=model or None,
                demo=services.about.demo,
                version=services.about.version,
                features=self._system.features(principal),
                limits=self._limits(),
                ticket=self._ticket(principal),
            )
        )

    def _ticket(self, principal: Principal) -> str | None:
        access = self._services.access
        return None if access.settings.mode == "off" else access.tickets.issue(principal)

    def _limits(self) -> ChatLimits:
        settings = self._services.settings
        frame, text = settings.max_body_bytes, settings.max_text_chars
        return ChatLimits(
            max_text_chars=text,
            max_frame_bytes=frame,
            max_chats=self._services.websocket.socket_settings.max_chats,
            files=self._files(),
            transport=TransportLimits(frame, min(_ENVELOPE_BYTES, frame // 2)),
            message=MessageLimits(min(text, frame)),
            attachments=AttachmentLimits(0, 0, 0),
        )

    def _files(self) -> FileLimits:
        one = self._services.settings.max_upload_bytes
        return FileLimits(
            most=MAX_CONTEXT_FILES,
            text_bytes=min(one, MAX_TEXT_BYTES),
            picture_bytes=min(one, MAX_IMAGE_BYTES),
            together_bytes=self._services.about.limits.max_attachment_bytes,
        )
