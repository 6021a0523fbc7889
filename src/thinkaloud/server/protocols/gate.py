"""What all requests of other protocols' clients have in common: their errors and CORS."""

from collections.abc import Sequence
from typing import Final

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from thinkaloud.server.http.origins import origin_listed
from thinkaloud.server.http.problems import MEDIA_TYPE, Problem
from thinkaloud.server.protocols.protocol import ClientProtocol
from thinkaloud.server.settings import ServerSettings

_PREFLIGHT_SECONDS: Final = 600
_EXPOSED: Final = (
    "x-request-id, x-conversation-id, x-run-id, retry-after, x-vercel-ai-ui-message-stream"
)
_METHODS: Final = "GET, POST, DELETE, OPTIONS"
_ALLOWED: Final = "authorization, content-type, x-api-key, last-event-id, x-conversation-id"
_HEADER: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-, ")
_problem: Final = msgspec.json.Decoder(Problem)

Headers = Sequence[tuple[bytes, bytes]]


class ProtocolGate:
    """ASGI middleware around the guard, for the paths of other protocols only.

    Converts problem documents to the protocol's own errors, including those of the guard, and
    implements CORS for the pages of `allowed_origins` (Fetch Standard, "CORS protocol").
    """

    def __init__(
        self, app: ASGIApp, protocols: Sequence[ClientProtocol], settings: ServerSettings
    ) -> None:
        self._app = app
        self._protocols = protocols
        self._origins = settings.allowed_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer a CORS preflight."""
        protocol = self._protocol(scope) if scope["type"] == "http" else None
        if protocol is None:
            await self._app(scope, receive, send)
            return
        origin = _value(scope["headers"], b"origin")
        shared = origin is not None and origin_listed(origin.decode("latin-1"), self._origins)
        cors = _cors(origin) if shared and origin is not None else []
        asked = _value(scope["headers"], b"access-control-request-method")
        if scope["method"] == "OPTIONS" and cors and asked is not None:
            await _answer_preflight(scope, send, cors)
            return
        await self._app(scope, receive, _converting(send, protocol, cors))

    def _protocol(self, scope: Scope) -> ClientProtocol | None:
        return next((each for each in self._protocols if each.owns(scope)), None)


def _converting(send: Send, protocol: ClientProtocol, cors: Headers) -> Send:
    """Return a `send` that converts a problem document, and adds CORS headers."""
    begun: Message | None = None
    body = bytearray()

    async def answer(message: Message) -> None:
        nonlocal begun
        if message["type"] == "http.response.start":
            headers: Headers = [*message.get("headers", ()), *cors]
            message = {**message, "headers": headers}
            if _value(headers, b"content-type") == MEDIA_TYPE.encode():
                begun = message
                return
        elif begun is not None:
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                for converted in _converted(begun, bytes(body), protocol):
                    await send(converted)
            return
        await send(message)

    return answer


def _converted(begun: Message, body: bytes, protocol: ClientProtocol) -> tuple[Message, Message]:
    error = protocol.error(_problem.decode(body))
    replaced = {b"content-type", b"content-length"}
    headers = [
        *((name, value) for name, value in begun["headers"] if name.lower() not in replaced),
        (b"content-type", error.content_type.encode()),
        (b"content-length", str(len(error.body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in error.headers.items()),
    ]
    return (
        {**begun, "status": error.status, "headers": headers},
        {"type": "http.response.body", "body": error.body},
    )


def _cors(origin: bytes) -> list[tuple[bytes, bytes]]:
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", _EXPOSED.encode()),
        (b"vary", b"Origin"),
    ]


async def _answer_preflight(scope: Scope, send: Send, cors: Headers) -> None:
    """Answer a preflight, which has no credentials: SDKs add headers of their own."""
    asked = (_value(scope["headers"], b"access-control-request-headers") or b"").lower()
    allowed = _ALLOWED.encode()
    if asked and len(asked) <= 2_000 and _HEADER.issuperset(asked):
        allowed = asked
    headers = [
        *cors,
        (b"access-control-allow-methods", _METHODS.encode()),
        (b"access-control-allow-headers", allowed),
        (b"access-control-max-age", str(_PREFLIGHT_SECONDS).encode()),
        (b"content-length", b"0"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _value(headers: Headers, wanted: bytes) -> bytes | None:
    return next((value for name, value in headers if name.lower() == wanted), None)
