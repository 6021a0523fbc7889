"""What is compared: the server on both of its wires, and the floors; each with its process."""

import json
import secrets
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.speed.client import TOKEN, Protocol, Request, Stream, open_stream
from benchmarks.speed.processes import THINKALOUD, Process, python_module, started
from thinkaloud.auth.access import Access
from thinkaloud.auth.audit import TERMINAL
from thinkaloud.auth.key_fields import KeyFields
from thinkaloud.auth.secret_values import parse_key
from thinkaloud.auth.settings import AuthSettings
from thinkaloud.ports.clock import Clock
from thinkaloud.stores.keys import MemoryKeyStore

RELAY: Final = "byte relay"
FLOOR_SSE: Final = "decode-and-frame, SSE"
FLOOR_WS: Final = "decode-and-frame, WebSocket"
SSE: Final = "thinkaloud, SSE"
WS: Final = "thinkaloud, WebSocket"
CHAT: Final = "thinkaloud, Chat Completions"
MESSAGES: Final = "thinkaloud, Anthropic Messages"
RESPONSES: Final = "thinkaloud, Responses"
OLLAMA: Final = "thinkaloud, Ollama"
AI_SDK: Final = "thinkaloud, AI SDK"
AG_UI: Final = "thinkaloud, AG-UI"
PROTOCOLS: Final = (CHAT, MESSAGES, RESPONSES, OLLAMA, AI_SDK, AG_UI)
"""The server on the wires of other ecosystems."""
SSE_KEYS: Final = "thinkaloud with keys, SSE"
WS_KEYS: Final = "thinkaloud with keys, WebSocket"
KEYS_OF: Final = {SSE: SSE_KEYS, WS: WS_KEYS}
"""The server with API keys; without them, it is the other one."""
KEY: Final = f"ta_bench_{'k' * 43}"
FLOOR_OF: Final = {SSE: FLOOR_SSE, WS: FLOOR_WS}
OWN: Final = (RELAY, FLOOR_SSE, FLOOR_WS, SSE, WS, *PROTOCOLS, SSE_KEYS, WS_KEYS)
"""The server and the floors; everything else is a peer."""
_SSE_END: Final = b"event: complete"
_WS_END: Final = b'"event":"complete"'


class Variant(NamedTuple):
    """One way to get a response. `{shape}` in `path` and `body` is the shape of the response.

    `{unique}` in `body` differs in each request.
    """

    name: str
    process: Process
    protocol: Protocol
    path: str
    body: str
    end: bytes
    headers: str = ""
    token: bytes = TOKEN

    def request(self, shape: str) -> Request:
        """Return the request for a response; see `benchmarks.speed.provider` for the shapes."""
        path = self.path.replace("{shape}", shape)
        body = self.body.replace("{shape}", shape).replace("{unique}", secrets.token_hex(8))
        return Request(
            self.protocol, self.process.port, path, body, self.end, self.headers, self.token
        )

    async def ask(self, shape: str) -> Stream:
        """Send a message."""
        return await open_stream(self.request(shape))

    async def whole(self, shape: str) -> Stream:
        """Send a message, and return its response once all of it has come."""
        stream = await self.ask(shape)
        await stream.ended
        tokens = int(shape[1:].partition("-")[0])
        assert stream.tokens == tokens, f"{self.name}: {stream.tokens} of {tokens} tokens came"
        return stream


def chat_request(shape: str, **more: object) -> str:
    """Return the body of a Chat Completions request for a response of this shape."""
    messages = [{"role": "user", "content": "Hello"}]
    return json.dumps({"model": shape, "messages": messages, "stream": True, **more})


def relay(process: Process) -> Variant:
    """The absolute floor: bytes in, bytes out; nothing is parsed."""
    body = chat_request("m")
    return Variant(RELAY, process, "sse", "/{shape}/chat/completions", body, b"[DONE]")


def floor(process: Process) -> list[Variant]:
    """The fair floor, on both wires."""
    body = chat_request("m")
    return [
        Variant(FLOOR_SSE, process, "sse", "/{shape}/sse", body, _SSE_END),
        Variant(FLOOR_WS, process, "websocket", "/{shape}/ws", body, _WS_END),
    ]


def thinkaloud(process: Process) -> list[Variant]:
    """The server, on both wires."""
    message = {"text": "Hello", "model": "{shape}/m", "include_reasoning": True}
    body = json.dumps(message)
    return [
        Variant(SSE, process, "sse", "/api/v1/chat/stream-sse", body, _SSE_END),
        Variant(WS, process, "websocket", "/api/v1/chat/stream", body, _WS_END),
    ]


def with_keys(process: Process) -> list[Variant]:
    """The server on both wires, for clients that send a key."""
    header = f"Authorization: Bearer {KEY}\r\n"
    return [each._replace(name=KEYS_OF[each.name], headers=header) for each in thinkaloud(process)]


async def access_with_key(settings: AuthSettings, clock: Clock) -> Access:
    """Return keys in memory, with the one that `with_keys` sends."""
    access = Access(MemoryKeyStore(), clock, settings)
    await access.administration.create(KeyFields(name="bench"), TERMINAL, parse_key(KEY))
    return access


def chat_completions(process: Process) -> Variant:
    """The server, as clients of OpenAI's API see it."""
    body = chat_request("{shape}/m", include_reasoning=True)
    return Variant(CHAT, process, "sse", "/v1/chat/completions", body, b"[DONE]")


def anthropic_messages(process: Process) -> Variant:
    """The server, as clients of Anthropic's API see it."""
    more = {"max_tokens": 100_000, "thinking": {"type": "adaptive"}}
    body = chat_request("{shape}/m", **more)
    return Variant(MESSAGES, process, "sse", "/v1/messages", body, b"event: message_stop")


def responses(process: Process) -> Variant:
    """The server, as clients of OpenAI's Responses API see it."""
    asked = {"input": "Hello", "model": "{shape}/m", "stream": True}
    body = json.dumps({**asked, "reasoning": {"summary": "auto"}})
    end = b"event: response.completed"
    # The last event of a text repeats all of it.
    token = b'"delta":"' + TOKEN
    return Variant(RESPONSES, process, "sse", "/v1/responses", body, end, token=token)


def ollama(process: Process) -> Variant:
    """The server, as clients of Ollama's API see it."""
    body = chat_request("{shape}/m", think=True)
    return Variant(OLLAMA, process, "sse", "/api/chat", body, b'"done":true')


def ai_sdk(process: Process) -> Variant:
    """The server, as `useChat` of the AI SDK sees it."""
    message = {"id": "1", "role": "user", "parts": [{"type": "text", "text": "Hello"}]}
    asked = {"id": "{unique}", "messages": [message], "model": "{shape}/m"}
    return Variant(AI_SDK, process, "sse", "/api/v1/ai-sdk/chat", json.dumps(asked), b"[DONE]")


def ag_ui(process: Process) -> Variant:
    """The server, as clients of AG-UI see it."""
    asked = {
        "threadId": "{unique}",
        "runId": "run",
        "messages": [{"id": "1", "role": "user", "content": "Hello"}],
        "forwardedProps": {"model": "{shape}/m"},
    }
    return Variant(AG_UI, process, "sse", "/api/v1/ag-ui", json.dumps(asked), b"RUN_FINISHED")


def protocols(process: Process) -> list[Variant]:
    """The server on the wires of other ecosystems."""
    offered = (chat_completions, anthropic_messages, responses, ollama, ai_sdk, ag_ui)
    return [offer(process) for offer in offered]


def follower(process: Process, run_id: str) -> Request:
    """Return the request that follows a run as Server-Sent Events."""
    path = f"/api/v1/runs/{run_id}/events?include_reasoning=true"
    return Request("sse", process.port, path, "", _SSE_END)


def configure(folder: Path, provider: Process, shapes: Sequence[str]) -> Path:
    """Write the server's configuration, with one host for each shape of response."""
    lines = ["[model]", f'default = "{shapes[0]}/m"', "[tools]", "enabled = false"]
    lines += ["[server]", "max_active_runs = 5000", "max_event_streams = 5000"]
    lines += ["max_sockets = 5000", "[limits]", "drain_timeout_seconds = 0"]
    for shape in shapes:
        lines += [f"[hosts.{shape}]", 'dialect = "openai-chat"', 'models = ["m"]']
        lines.append(f'base_url = "http://127.0.0.1:{provider.port}/{shape}"')
    file = folder / "thinkaloud.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


@contextmanager
def serve_with_keys(
    folder: Path, configuration: Path, cores: Iterable[int] | None = None, **environment: str
) -> Iterator[Process]:
    """Run the server so that it requires keys, and knows one."""
    file = folder / "key.txt"
    file.write_text(KEY, encoding="utf-8")
    settings = {"THINKALOUD_AUTH__MODE": "keys", "THINKALOUD_ADMIN_KEY_FILE": str(file)}
    with serve(folder, configuration, cores, **settings, **environment) as process:
        yield process


@contextmanager
def serve(
    folder: Path, configuration: Path, cores: Iterable[int] | None = None, **environment: str
) -> Iterator[Process]:
    """Run the server on new data in this folder."""
    data = folder / f"data-{len(list(folder.iterdir()))}"
    command = (THINKALOUD, "serve", "--port", "0", "--config", str(configuration))
    environment["THINKALOUD_DATA_DIR"] = str(data)
    with started(*command, cores=cores, **environment) as process:
        yield process


def open_lab(folder: Path, provider: Process, shapes: Iterable[str]) -> "Lab":
    """Configure a server for a provider, in a folder of its own."""
    known = tuple(dict.fromkeys(shapes))
    inside = Path(tempfile.mkdtemp(dir=folder))
    return Lab(inside, provider, configure(inside, provider, known), known)


class Lab(NamedTuple):
    """Where a benchmark runs: a folder, a provider, and the server's configuration."""

    folder: Path
    provider: Process
    configuration: Path
    shapes: tuple[str, ...]
    """The shapes of responses that the configuration knows."""

    @contextmanager
    def variants(self, cores: Iterable[int] | None = None) -> Iterator[list[Variant]]:
        """Start the floors and the server, each in a new process; `cores` are those of each."""
        port = str(self.provider.port)
        with ExitStack() as stack:
            bytes_only = stack.enter_context(
                started(*python_module("benchmarks.speed.byte_relay"), port, cores=cores)
            )
            fair = stack.enter_context(
                started(*python_module("benchmarks.speed.decode_and_frame"), port, cores=cores)
            )
            ours = stack.enter_context(serve(self.folder, self.configuration, cores))
            keyed = stack.enter_context(serve_with_keys(self.folder, self.configuration, cores))
            others = [*protocols(ours), *with_keys(keyed)]
            yield [relay(bytes_only), *floor(fair), *thinkaloud(ours), *others]
