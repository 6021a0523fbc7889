"""Serves under a base path such as `/app`, whether or not the proxy strips it."""

from starlette.types import ASGIApp, Receive, Scope, Send


class BasePath:
    """ASGI middleware that strips the base path from a request's path, unless a proxy already did.

    `/app` itself redirects to `/app/`, so that the page's relative links resolve.
    """

    def __init__(self, app: ASGIApp, base_path: str) -> None:
        self._app = app
        self._base = base_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on without the base path."""
        if scope["type"] in {"http", "websocket"}:
            path: str = scope["path"]
            if scope["type"] == "http" and path == self._base:
                await _redirect(scope, send, f"{self._base}/")
                return
            if path.startswith(f"{self._base}/"):
                rest = path[len(self._base) :]
                raw: bytes = scope.get("raw_path") or path.encode()
                raw = raw.removeprefix(self._base.encode())
                scope = {**scope, "path": rest, "raw_path": raw}
        await self._app(scope, receive, send)


async def _redirect(scope: Scope, send: Send, to: str) -> None:
    query: bytes = scope.get("query_string", b"")
    location = to.encode() + (b"?" + query if query else b"")
    headers = [(b"location", location), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 308, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
