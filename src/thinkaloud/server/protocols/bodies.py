"""Reads the bodies of requests, which have the whole conversation and can be large."""

import asyncio
from typing import Final, TypeVar

from starlette.requests import Request

from thinkaloud.server.http.parsing import decode, read_limited, require_json
from thinkaloud.server.services import ServerServices

T = TypeVar("T")
_LARGE: Final = 512 * 1024


async def read_request(request: Request, kind: type[T], services: ServerServices) -> T:
    """Read and decode a JSON body. Raises `Refused` or `InvalidRequest`."""
    require_json(request)
    body = await read_limited(request, services.settings, services.wires.max_body_bytes)
    if len(body) < _LARGE:
        return decode(body, kind, services.settings)
    # In a thread: it would delay the tokens of other runs.
    return await asyncio.to_thread(decode, body, kind, services.settings)
