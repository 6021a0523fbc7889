"""What all requests of other protocols' clients have in common: the form of their errors."""

from collections.abc import Sequence
from typing import Final

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from thinkaloud.server.http.problems import MEDIA_TYPE, Problem
from thinkaloud.server.protocols.protocol import ClientProtocol

_problem: Final = msgspec.json.Decoder(Problem)

Headers = Sequence[tuple[bytes, bytes]]


class ProtocolGate:
    """ASGI middleware around the guard, for the paths of other protocols only.

    Converts problem documents to the protocol's own errors, including those of the guard.
    """

    def __init__(self, app: ASGIApp, protocols: Sequence[ClientProtocol]) -> None:
        self._app = app
        self._protocols = protocols

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        protocol = self._protocol(scope) if scope["type"] == "http" else None
        if protocol is None:
            await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, _converting(send, protocol))

    def _protocol(self, scope: Scope) -> ClientProtocol | None:
        return next((each for each in self._protocols if each.owns(scope)), None)


def _converting(send: Send, protocol: ClientProtocol) -> Send:
    """Return a `send` that converts a problem document."""
    start: Message | None = None
    body = bytearray()

    async def answer(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            if _value(message.get("headers", ()), b"content-type") == MEDIA_TYPE.encode():
                start = message
                return
        elif start is not None:
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                for converted in _converted(start, bytes(body), protocol):
                    await send(converted)
            return
        await send(message)

    return answer


def _converted(start: Message, body: bytes, protocol: ClientProtocol) -> tuple[Message, Message]:
    error = protocol.error(_problem.decode(body))
    replaced = {b"content-type", b"content-length"}
    headers = [
        *((name, value) for name, value in start["headers"] if name.lower() not in replaced),
        (b"content-type", error.content_type.encode()),
        (b"content-length", str(len(error.body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in error.headers.items()),
    ]
    return (
        {**start, "status": error.status, "headers": headers},
        {"type": "http.response.body", "body": error.body},
    )


def _value(headers: Headers, wanted: bytes) -> bytes | None:
    return next((value for name, value in headers if name.lower() == wanted), None)
