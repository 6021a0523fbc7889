"""Upstream faults over each transport: the right error code, and the output so far is kept."""

import json
import socket
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from tests.e2e.client import STREAMS, TRANSPORTS, Client, mark, thinkaloud_serve
from tests.e2e.provider import Answer, Provider, provider
from tests.providers.streams import WIRES, ResponseText, Wire
from thinkaloud.providers.hosts.host import BuiltInDialect

DIALECTS: list[BuiltInDialect] = [
    "openai-chat",
    "openai-responses",
    "anthropic-messages",
    "google-generate",
    "google-interactions",
    "bedrock-converse",
    "cohere-chat",
    "ollama-chat",
]
SILENT = ("openai-chat", "anthropic-messages", "bedrock-converse")
"""The dialects that are left waiting: each time costs the idle timeout."""
JSON = "application/json"
SAID = ResponseText(("I am ", "thinking."), ("Half an", " answer"))
CUT_OFF = ResponseText(SAID.reasoning, (*SAID.answer, "LOST"))
IDLE_SECONDS = 1.0
MAX_CHARS = 20_000


def first_half(wire: Wire) -> list[bytes]:
    """The events of a stream up to its last piece of answer text, which is left out."""
    events = wire.events(CUT_OFF)
    return events[: next(at for at, event in enumerate(events) if b"LOST" in event)]


def page(status: int) -> Answer:
    body = b"<!DOCTYPE html><html><title>A portal</title></html>"
    return Answer([body], "text/html; charset=utf-8", status)


def error_response(status: int, **headers: str) -> Answer:
    body = json.dumps({"error": {"message": "Rejected by the provider."}}).encode()
    return Answer([body], JSON, status, {k.replace("_", "-"): v for k, v in headers.items()})


def early(wire: Wire) -> dict[str, tuple[str, Answer]]:
    """What fails before any output, by name: the code that a client gets."""
    return {
        "401": ("provider_auth", error_response(401)),
        "403": ("provider_auth", error_response(403)),
        "429": ("provider_rate_limit", error_response(429, Retry_After="3600")),
        "500": ("provider_overloaded", error_response(500, Retry_After="3600")),
        "400": ("provider_bad_request", error_response(400)),
        "302": ("provider_bad_request", Answer(status=302, headers={"Location": "http://x.test"})),
        "page": ("provider_bad_request", page(200)),
        "page 404": ("provider_bad_request", page(404)),
    }


def late(wire: Wire) -> dict[str, tuple[str, Answer]]:
    """What goes wrong after half an answer."""
    so_far = first_half(wire)
    framed = wire.content_type.startswith("application/vnd")
    prefix = b"" if framed or "json" in wire.content_type else b"data: "
    end = b"" if framed else b"\n\n"
    bad = {
        "invalid UTF-8": prefix + b'{"text":"\xff\xfe"}' + end,
        "malformed JSON": prefix + b'{"text": ' + end,
        "nonsense": b"\x00" * 16 if framed else prefix + b"][" + end,
    }
    faults = {
        name: ("provider_stream_cut", Answer([*so_far, event], wire.content_type))
        for name, event in bad.items()
    }
    faults["cut"] = ("provider_stream_cut", Answer(so_far, wire.content_type, end="cut"))
    faults["no end marker"] = ("provider_stream_cut", Answer(so_far, wire.content_type))
    if wire.dialect in SILENT:
        silence = Answer(so_far, wire.content_type, end="stall")
        faults["silence"] = ("provider_timeout", silence)
    return faults


def host(dialect: str, name: str) -> str:
    return f"{dialect}-{name}".replace(" ", "-").lower()


@pytest.fixture(scope="module")
def upstream() -> Iterator[Provider]:
    with provider() as served:
        yield served


@pytest.fixture(scope="module")
def server(upstream: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    parts = [
        '[model]\ndefault = "demo/thinkaloud"\n[tools]\nenabled = false',
        f"[limits]\nidle_timeout_seconds = {IDLE_SECONDS}\nmax_retry_wait_seconds ="
        f" 0.1\nmax_response_chars = {MAX_CHARS}",
    ]

    def offer(name: str, dialect: str, base_url: str) -> None:
        parts.append(f"[hosts.{name}]")
        parts.append(f'dialect = "{dialect}"\nbase_url = "{base_url}"\nmodels = ["m"]')

    for dialect in DIALECTS:
        wire = WIRES[dialect]
        for name, (_, answer) in (early(wire) | late(wire)).items():
            to = host(dialect, name)
            offer(to, dialect, upstream.offer(to, answer))
        to = host(dialect, "endless")
        endless = Answer(wire.events(ResponseText((), ("word " * 50,)))[:-1], wire.content_type)
        text = next(at for at, event in enumerate(endless.chunks) if b"word" in event)
        chunks = endless.chunks[: text + 1]
        offer(to, dialect, upstream.offer(to, endless._replace(chunks=chunks, end="endless")))
        to = host(dialect, "fine")
        offer(to, dialect, upstream.offer(to, Answer(wire.events(SAID), wire.content_type)))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    offer("nobody", "openai-chat", f"http://127.0.0.1:{port}/v1")
    with thinkaloud_serve(tmp_path_factory.mktemp("bad"), "\n".join(parts)) as url:
        yield url


@pytest.fixture
async def client(server: str) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(server, session)


@pytest.mark.promise("P3")
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("name", early(WIRES["openai-chat"]))
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_an_error_response_has_its_code(
    client: Client, dialect: str, name: str, transport: str
):
    code = early(WIRES[dialect])[name][0]
    received = await client.ask(transport, f"{host(dialect, name)}/m", f"Hello {mark()}")
    event, data = received.last
    assert (event, data["code"]) == ("error", code)
    assert not received.of("token")
    assert not received.of("reasoning")
    if code == "provider_rate_limit":
        assert data["retry_after"] == 3600


@pytest.mark.promise("P1", "P2", "P3", "P6")
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    ("dialect", "name"), [(each, name) for each in DIALECTS for name in late(WIRES[each])]
)
async def test_a_broken_stream_fails_the_run_and_keeps_its_output(
    client: Client, upstream: Provider, dialect: str, name: str, transport: str
):
    run = mark()
    received = await client.ask(transport, f"{host(dialect, name)}/m", f"Hello {run}")
    event, data = received.last
    assert (event, data["code"]) == ("error", late(WIRES[dialect])[name][0])
    if transport == "rest":
        assert data["partial"] == "".join(SAID.answer)
        assert data["reasoning"] == "".join(SAID.reasoning)
    else:
        assert received.answer() == "".join(SAID.answer)
        assert received.reasoning() == "".join(SAID.reasoning)
        assert len(received.of("reasoning_end")) == 1
    # What was shown is never asked for again.
    assert len(upstream.requests(host(dialect, name), run)) == 1


@pytest.mark.promise("P7")
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("name", ["cut", "no end marker", "malformed JSON"])
async def test_a_failure_contains_no_reasoning_unless_requested(
    client: Client, name: str, transport: str
):
    model = f"{host('openai-chat', name)}/m"
    received = await client.ask(transport, model, f"Hello {mark()}", reasoning=False)
    assert received.last[0] == "error"
    assert "thinking." not in received.raw
    assert not received.of("reasoning_end")


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_an_endless_stream_is_cut_and_hung_up_on(
    client: Client, upstream: Provider, dialect: str, transport: str
):
    while upstream.hung_up.acquire(blocking=False):
        pass
    received = await client.ask(transport, f"{host(dialect, 'endless')}/m", f"Hello {mark()}")
    event, data = received.last
    assert (event, data["code"]) == ("error", "provider_stream_cut")
    kept = data["partial"] if transport == "rest" else received.answer()
    assert MAX_CHARS < len(kept) < 2 * 2**20
    assert kept == ("word " * (len(kept) // 5))
    assert upstream.hung_up.acquire(timeout=20)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_an_unreachable_host_is_reported_as_overloaded(client: Client, transport: str):
    received = await client.ask(transport, "nobody/m", f"Hello {mark()}")
    assert received.last[1]["code"] == "provider_overloaded"


@pytest.mark.parametrize("transport", STREAMS)
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_after_all_faults_the_server_still_works(
    client: Client, dialect: str, transport: str
):
    received = await client.ask(transport, f"{host(dialect, 'fine')}/m", f"Hello {mark()}")
    assert received.last[0] == "complete"
    assert received.answer() == "".join(SAID.answer)
