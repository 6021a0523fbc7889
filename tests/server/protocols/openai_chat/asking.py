"""A raw client of Chat Completions that sees every byte."""

import json
from collections.abc import Sequence
from typing import Any

from tests.server.serving import Json, Served

MODEL = "scripted/model"
HELLO = {"role": "user", "content": "Hello"}


async def post(served: Served, headers: Any = None, **body: Any) -> tuple[int, Json]:
    """Ask for a completion."""
    given = {"model": MODEL, "messages": [HELLO], **body}
    url = f"{served.url}/v1/chat/completions"
    async with served.session.post(url, json=given, headers=headers) as response:
        return response.status, await response.json()


async def chunks(served: Served, headers: Any = None, **body: Any) -> list[Json]:
    """Ask for a streamed completion and return its chunks; the last one may be an error."""
    text = await stream(served, headers, **body)
    assert text.endswith("\n\n")
    events = [line.removeprefix("data: ") for line in text.split("\n\n")[:-1]]
    done = events and events[-1] == "[DONE]"
    found = [json.loads(event) for event in (events[:-1] if done else events)]
    assert bool(done) is ("error" not in found[-1])
    return found


async def stream(served: Served, headers: Any = None, **body: Any) -> str:
    given = {"model": MODEL, "messages": [HELLO], "stream": True, **body}
    url = f"{served.url}/v1/chat/completions"
    async with served.session.post(url, json=given, headers=headers) as response:
        assert response.status == 200, await response.text()
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        return await response.text()


def deltas(found: Sequence[Json], field: str) -> str:
    choices = [choice for chunk in found for choice in chunk["choices"]]
    return "".join(choice["delta"].get(field) or "" for choice in choices)
