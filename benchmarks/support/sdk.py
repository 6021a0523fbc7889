"""The official SDKs' own parsing of given bytes, to compare with; nothing leaves the process."""

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

AVAILABLE = [name for name in ("openai", "anthropic") if importlib.util.find_spec(name)]
"""Which of the two are installed (the dependency group `bench`)."""

Parse = Callable[[Sequence[bytes]], int]
"""Parses a body that arrives in these pieces; returns how many chunks it gave."""


def parsers() -> dict[str, Parse]:
    """Return, by dialect, how the SDK of that wire parses a stream; only of what is installed."""
    found: dict[str, Parse] = {}
    if "openai" in AVAILABLE:
        found["openai-chat"] = _openai()
    if "anthropic" in AVAILABLE:
        found["anthropic-messages"] = _anthropic()
    return found


def _openai() -> Parse:
    sdk = importlib.import_module("openai")
    pieces: list[bytes] = []
    client = sdk.OpenAI(
        api_key="none", base_url="http://lab.test/v1", http_client=_http(sdk, pieces)
    )

    def parse(body: Sequence[bytes]) -> int:
        pieces[:] = body
        messages: Any = [{"role": "user", "content": "?"}]
        stream = client.chat.completions.create(model="m", messages=messages, stream=True)
        return sum(1 for _ in stream)

    return parse


def _anthropic() -> Parse:
    sdk = importlib.import_module("anthropic")
    pieces: list[bytes] = []
    client = sdk.Anthropic(
        api_key="none", base_url="http://lab.test", http_client=_http(sdk, pieces)
    )

    def parse(body: Sequence[bytes]) -> int:
        pieces[:] = body
        messages: Any = [{"role": "user", "content": "?"}]
        stream = client.messages.create(model="m", messages=messages, max_tokens=9, stream=True)
        return sum(1 for _ in stream)

    return parse


def _http(sdk: ModuleType, pieces: list[bytes]) -> object:
    """Return the SDK's own HTTP client, answering every request with these pieces."""
    base: type = sdk.DefaultHttpxClient
    library: Any = importlib.import_module(base.__mro__[1].__module__.partition(".")[0])

    class Body(library.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield from pieces

    class Transport(library.BaseTransport):
        def handle_request(self, request: object) -> object:
            headers = {"content-type": "text/event-stream"}
            return library.Response(200, headers=headers, stream=Body(), request=request)

    return library.Client(transport=Transport())
