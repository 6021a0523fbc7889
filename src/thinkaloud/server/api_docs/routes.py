"""Serves the API documents and their HTML pages."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response

from thinkaloud.server.api_docs.asyncapi import asyncapi_document
from thinkaloud.server.api_docs.html import PAGE_POLICY, STYLE, asyncapi_page, openapi_page
from thinkaloud.server.api_docs.json_schema import Schema
from thinkaloud.server.api_docs.openapi import encoded, openapi_document
from thinkaloud.server.http.operation import JSON, Answer, Operation
from thinkaloud.server.services import ServerServices

_HTML = "text/html"
_CSS = "text/css"


class DocRoutes:
    """`/api/docs` and the documents behind it, generated on first use."""

    def __init__(self, services: ServerServices, others: Sequence[Operation]) -> None:
        self._services = services
        self._others = others
        self._made: dict[str, bytes] = {}

    def operations(self) -> list[Operation]:
        """Return the operations of this resource."""
        return [
            self._document("/api/openapi.json", "openapi", JSON, self._openapi),
            self._document("/api/asyncapi.json", "asyncapi", JSON, self._asyncapi),
            self._document("/api/docs", "docs", _HTML, self._openapi_page),
            self._document("/api/docs/stream", "streamDocs", _HTML, self._asyncapi_page),
            self._document("/api/docs.css", "docsStyle", _CSS, STYLE.encode),
        ]

    def _document(
        self, path: str, name: str, media_type: str, make: Callable[[], bytes]
    ) -> Operation:
        kind = dict[str, object] if media_type == JSON else str
        return Operation(
            method="GET",
            path=path,
            name=name,
            summary=f"API document at {path}",
            tag="docs",
            requires="read",
            handler=self._handler(name, media_type, make),
            answers={200: Answer("The document.", kind, media_type)},
        )

    def _handler(
        self, name: str, media_type: str, make: Callable[[], bytes]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            body = self._made.get(name)
            if body is None:
                body = self._made[name] = make()
            return Response(
                body, media_type=media_type, headers={"Content-Security-Policy": PAGE_POLICY}
            )

        return handle

    def _openapi(self) -> bytes:
        return encoded(self._http())

    def _asyncapi(self) -> bytes:
        return encoded(self._sockets())

    def _openapi_page(self) -> bytes:
        return openapi_page(self._http(), self._services.settings.base_path).encode()

    def _asyncapi_page(self) -> bytes:
        return asyncapi_page(self._sockets(), self._services.settings.base_path).encode()

    def _http(self) -> Schema:
        document = openapi_document(self._all(), self._services.about.version)
        base = self._services.settings.base_path
        return {**document, "servers": [{"url": base}]} if base else document

    def _sockets(self) -> Schema:
        services = self._services
        chats = services.websocket.settings.enabled
        return asyncapi_document(services.settings, services.about.version, chats=chats)

    def _all(self) -> list[Operation]:
        return [*self._others, *self.operations()]
