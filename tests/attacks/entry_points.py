"""Every way into the server: all routes, both sockets, and a message on each protocol."""

import json
import re
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
from websockets.asyncio.client import connect

from tests.server.access.keyed import Headers, Keyed, keyed
from tests.server.serving import Json, Served, serving
from thinkaloud.auth.access import Access
from thinkaloud.auth.settings import AuthSettings
from thinkaloud.ports.clock import SystemClock
from thinkaloud.ports.principal import ALL_SCOPES, Requirement
from thinkaloud.providers.scripted import Script
from thinkaloud.stores.keys import MemoryKeyStore
from thinkaloud.testing import ScriptedModel, say, think

MODES = ["off", "keys"]
SOCKETS = ["/api/v1/chat/stream", "/ws"]
PAGES = ["/", "/chat", "/assets/nothing.js", "/nothing"]
"""Paths of the web page; they are public, because they contain nothing of anybody."""
OPEN = {"GET /healthz", "GET /readyz", "POST /api/v1/session"}
"""What needs no credential: the probes, and the login, whose credential is in the body."""
STREAMS = re.compile(r"/(follow|events|log|stream)\Z")
"""Routes that may stream without an end."""
MODEL = "scripted/model"
_EXAMPLES = {"key_id": "abc", "number": "1", "model_id": MODEL}


class Route(NamedTuple):
    """A method and a path with its parameters."""

    method: str
    path: str
    requires: Requirement

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def names(self) -> Sequence[str]:
        """The parameters of the path."""
        return re.findall(r"\{(\w+)(?::\w+)?\}", self.path)

    def at(self, ids: Mapping[str, str] | None = None) -> str:
        """The path with these ids, and examples for other parameters."""
        return filled(self.path, {**_EXAMPLES, **(ids or {})})


class Message(NamedTuple):
    """A way to send a message that asks for reasoning."""

    path: str
    body: Callable[[str], Json]
    """The body of a message in this conversation, which some protocols don't have."""
    conversations: bool = False
    """Whether the protocol has stored conversations."""


def _texts(chat: str, **fields: Any) -> Json:
    return {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}], **fields}


def _own(chat: str) -> Json:
    return {"text": "Hi", "conversation_id": chat, "include_reasoning": True}


def _ai_sdk(chat: str) -> Json:
    return {
        "id": chat,
        "messages": [{"id": "u1", "role": "user", "parts": [{"type": "text", "text": "Hi"}]}],
        "sendReasoning": True,
        "resumable": True,
    }


def _ag_ui(chat: str) -> Json:
    return {
        "threadId": chat,
        "runId": secrets.token_hex(8),
        "messages": [{"id": "u1", "role": "user", "content": "Hi"}],
        "forwardedProps": {"sendReasoning": True, "resumable": True},
    }


def _responses(chat: str, **fields: Any) -> Json:
    return {"model": MODEL, "input": "Hi", "reasoning": {"summary": "auto"}, **fields}


def _anthropic(chat: str, **fields: Any) -> Json:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    return _texts(chat, max_tokens=2048, thinking=thinking, **fields)


MESSAGES: Mapping[str, Message] = {
    "rest": Message("/api/v1/chat/message", _own, True),
    "sse": Message("/api/v1/chat/stream-sse", _own, True),
    "ai sdk": Message("/api/v1/ai-sdk/chat", _ai_sdk, True),
    "ag-ui": Message("/api/v1/ag-ui", _ag_ui, True),
    "chat completion": Message(
        "/v1/chat/completions", lambda chat: _texts(chat, include_reasoning=True)
    ),
    "chat completion stream": Message(
        "/v1/chat/completions", lambda chat: _texts(chat, include_reasoning=True, stream=True)
    ),
    "response": Message("/v1/responses", _responses),
    "response stream": Message("/v1/responses", lambda chat: _responses(chat, stream=True)),
    "anthropic": Message("/v1/messages", _anthropic),
    "anthropic stream": Message("/v1/messages", lambda chat: _anthropic(chat, stream=True)),
    "ollama": Message("/api/chat", lambda chat: _texts(chat, think=True, stream=False)),
    "ollama stream": Message("/api/chat", lambda chat: _texts(chat, think=True)),
    "ollama prompt": Message(
        "/api/generate", lambda chat: {"model": MODEL, "prompt": "Hi", "think": True}
    ),
}
"""Messages over HTTP. `SOCKETS` are the other two."""
STREAMED = ["sse", "ai sdk", "ag-ui", *(name for name in MESSAGES if name.endswith(" stream"))]
FRAMES: Mapping[str, tuple[Callable[[str], Json], str]] = {
    SOCKETS[0]: (_own, "complete"),
    SOCKETS[1]: (lambda chat: {"type": "message", "chat_id": chat, "content": "Hi"}, "turn_end"),
}
"""A message on each socket, and the frame that ends the answer."""


@asynccontextmanager
async def server(
    mode: str, *scripts: Script, **settings: Any
) -> AsyncGenerator[tuple[Keyed, Headers]]:
    """A server with keys on or off, and the headers of somebody who may do everything."""
    model = ScriptedModel(*(scripts or [[think("T"), say("Hi")]] * 199))
    if mode == "off":
        access = Access(MemoryKeyStore(), SystemClock(), AuthSettings(mode="off"))
        async with serving(model, access=access, **settings) as served:
            yield Keyed(served, access), {}
    else:
        async with keyed(model=model, **settings) as keys:
            yield keys, await keys.bearer(role="admin", scopes=sorted(ALL_SCOPES))


def routes(served: Served) -> list[Route]:
    """Every route of every protocol."""
    found = {(each.method, each.path, each.requires) for each in served.app.operations}
    return [Route(*each) for each in sorted(found)]


def filled(text: str, ids: Mapping[str, str]) -> str:
    """A path or a body with these ids."""
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: ids.get(found.group(1), "x"), text)


async def say_hi(
    served: Served, name: str, headers: Mapping[str, str], chat: str = "room", **fields: Any
) -> tuple[int, str]:
    """Send a message on an entry point; return the status and everything that came back."""
    if name in SOCKETS:
        return await _on_socket(served, name, headers, chat, fields)
    message = MESSAGES[name]
    body = {**message.body(chat), **fields}
    url = served.url + message.path
    async with served.session.post(url, json=body, headers=headers) as response:
        return response.status, f"{dict(response.headers)}\n{await response.text()}"


async def _on_socket(
    served: Served, path: str, headers: Mapping[str, str], chat: str, fields: Mapping[str, Any]
) -> tuple[int, str]:
    body, last = FRAMES[path]
    url = served.url.replace("http", "ws", 1) + path
    frames: list[str] = []
    async with connect(url, additional_headers=headers, max_queue=None) as socket:
        await socket.send(json.dumps({**body(chat), **fields}))
        async for frame in socket:
            frames.append(str(frame))
            found = json.loads(frame)
            if found["event"] in {last, "error"}:
                break
    return 200, "\n".join(frames)


async def upload(served: Served, headers: Mapping[str, str]) -> str:
    """Upload a file; return its id."""
    form = aiohttp.FormData()
    form.add_field("file", b"secret", filename="a.txt", content_type="text/plain")
    url = f"{served.api}/upload"
    async with served.session.post(url, data=form, headers=headers) as response:
        found = await response.json()
    return next(str(value) for name, value in found.items() if name in {"upload_id", "id", "path"})
