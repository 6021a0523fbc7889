"""A raw client of the Messages API that sees every byte."""

import json
from typing import Any

from tests.server.serving import Json, Served

MODEL = "scripted/model"
HELLO = {"role": "user", "content": "Hello"}
VERSION = {"anthropic-version": "2023-06-01"}
THINKING = {"type": "enabled", "budget_tokens": 2_000}
WEATHER = {
    "name": "weather",
    "description": "Tell the weather.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


async def post(
    served: Served, headers: Any = None, path: str = "", **body: Any
) -> tuple[int, Json]:
    """Ask for a message, or for what is below that path."""
    given = {"model": MODEL, "max_tokens": 4_000, "messages": [HELLO], **body}
    url = f"{served.url}/v1/messages{path}"
    async with served.session.post(url, json=given, headers={**VERSION, **(headers or {})}) as got:
        return got.status, await got.json()


async def stream(served: Served, headers: Any = None, **body: Any) -> str:
    """Ask for a streamed message and return all of it."""
    given = {"model": MODEL, "max_tokens": 4_000, "messages": [HELLO], "stream": True, **body}
    url = f"{served.url}/v1/messages"
    async with served.session.post(url, json=given, headers={**VERSION, **(headers or {})}) as got:
        assert got.status == 200, await got.text()
        assert got.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        return await got.text()


async def events(served: Served, headers: Any = None, **body: Any) -> list[Json]:
    """Ask for a streamed message and return its events, without pings."""
    found: list[Json] = []
    text = await stream(served, headers, **body)
    assert text.endswith("\n\n")
    for frame in text.split("\n\n")[:-1]:
        if frame.startswith(":"):
            continue
        name, data = frame.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        if event["type"] != "ping":
            found.append(event)
    return found


def outline(found: list[Json]) -> list[str]:
    """Return the types of the events, in order: adjacent deltas of a kind once."""
    names: list[str] = []
    for event in found:
        name = str(event["type"]).removeprefix("content_")
        if name == "block_start":
            name = f"{event['index']} {event['content_block']['type']}"
        elif name == "block_delta":
            name = f"{event['index']} {event['delta']['type']}"
        elif name == "block_stop":
            name = f"{event['index']} stop"
        if not names or names[-1] != name:
            names.append(name)
    return names


def texts(found: list[Json], field: str) -> str:
    """Concatenate a field of the deltas."""
    return "".join(
        event["delta"].get(field, "") for event in found if "index" in event and "delta" in event
    )
