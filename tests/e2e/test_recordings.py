"""Recorded provider streams through the real server, to a client on each transport."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any

import aiohttp
import pytest

from tests.corpus import Case, cases, require_corpus
from tests.e2e.client import STREAMS, TRANSPORTS, Client, ReceivedRun, mark, thinkaloud_serve
from tests.e2e.provider import Answer, Provider, provider
from tests.providers.bedrock_converse.wires import NOVA
from tests.providers.streams import WIRES, ResponseText

FAMILIES = {
    "openai-chat": "openai-chat",
    "openai-chat-inline": "openai-chat",
    "openai-chat-harmony": "openai-chat",
    "openai-responses": "openai-responses",
    "anthropic-messages": "anthropic-messages",
    "bedrock-invoke-anthropic": "anthropic-messages",
    "google-generatecontent": "google-generate",
    "google-interactions": "google-interactions",
    "bedrock-converse": "bedrock-converse",
    "bedrock-converse-inline": "bedrock-converse",
    "cohere-v2": "cohere-chat",
    "ollama-native": "ollama-chat",
}
NAMES = cases(*FAMILIES)
SAMPLE = NAMES[::7]
FINAL = "So it is."

MADE = ResponseText(("Let me ", "see:\n  <b>… "), ("  Four", ".\n"))


@cache
def case(name: str) -> Case:
    return Case(name)


def host(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def logged(name: str) -> Answer:
    of = case(name)
    chunks = of.network_chunks() or [of.body[at : at + 700] for at in range(0, len(of.body), 700)]
    return Answer(chunks, of.meta["content_type"])


def final(dialect: str) -> Answer:
    wire = WIRES[dialect]
    return Answer([wire.body(ResponseText((), (FINAL,)))], wire.content_type)


def made(key: str) -> Answer:
    wire = WIRES[key]
    return Answer(wire.events(MADE), wire.content_type)


def section(name: str, dialect: str, base_url: str, quirks: dict[str, Any] | None = None) -> str:
    lines = [f"[hosts.{name}]", f'dialect = "{dialect}"', f'base_url = "{base_url}"']
    lines.append('models = ["m"]')
    lines += [f"quirks.{key} = {json.dumps(value)}" for key, value in (quirks or {}).items()]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Provider]:
    with provider() as served:
        yield served


@pytest.fixture(scope="module")
def server(upstream: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    parts = ['[model]\ndefault = "demo/thinkaloud"', "[tools]\nenabled = false"]
    for name in NAMES:
        family = case(name).meta["wire_family"]
        dialect = FAMILIES[family]
        base_url = upstream.offer(host(name), logged(name), final(dialect))
        quirks = {"inline_tags": NOVA} if family == "bedrock-converse-inline" else None
        parts.append(section(host(name), dialect, base_url, quirks))
    for key, wire in WIRES.items():
        name = host(f"made-{key}")
        parts.append(section(name, wire.dialect, upstream.offer(name, made(key))))
    with thinkaloud_serve(tmp_path_factory.mktemp("recordings"), "\n".join(parts)) as url:
        yield url


@pytest.fixture
async def client(server: str) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(server, session)


def texts_in(value: Any) -> Iterator[str]:
    """Yield every string of a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from texts_in(member)
    elif isinstance(value, list):
        for member in value:
            yield from texts_in(member)


BROKEN = {
    "gpustack/qwen3-long-no-finish": "provider_overloaded",
    "groq/gpt-oss-midstream-error-with-text": "provider_bad_request",
    "groq/gpt-oss-midstream-tool-use-failed": "provider_bad_request",
    "openai-responses/midstream-insufficient-quota-error": "provider_rate_limit",
    "openrouter/minimax-m2-midstream-error": "provider_bad_request",
}
"""The recordings that end in failure, and as which."""

CUT_SHORT = {"MAX_TOKENS", "max_tokens", "length", "incomplete"}


def check_end(name: str, received: ReceivedRun) -> None:
    """Compare the terminal event with the recording's."""
    expected = case(name).expected
    event, data = received.last
    failed = expected["error"] is not None or not (
        expected["finish_reason"] or expected["done_sentinel"]
    )
    assert failed == (name in BROKEN)
    if failed:
        assert (event, data["code"]) == ("error", BROKEN[name])
        return
    assert (event, data["status"]) == ("complete", "completed")
    calls = [] if expected["finish_reason"] in CUT_SHORT else expected["tool_calls"]
    calls = [call["name"] for call in calls if call["name"] not in PROVIDERS_OWN]
    assert [result["action"] for result in data["action_results"]] == calls
    assert all(result["status"] == "unknown_tool" for result in data["action_results"])
    again = bool(calls)
    assert data["iterations"] == (2 if again else 1)
    response = expected["text"] + ("\n\n" if expected["text"].strip() else "") + FINAL
    assert data["response"].replace("\n\n", "") == (
        response if again else expected["text"]
    ).replace("\n\n", "")
    usage = data["usage"] or {}
    more = counted(FAMILIES[case(name).meta["wire_family"]]) if again else 0
    assert usage.get("reasoning_tokens", 0) == (expected["reasoning_tokens"] or 0) + more


PROVIDERS_OWN = {"nova_code_interpreter"}
"""Tools that the provider ran itself."""


@cache
def counted(dialect: str) -> int:
    """The reasoning tokens that the hand-made answers of this dialect name."""
    return {"anthropic-messages": 0, "bedrock-converse": 0, "ollama-chat": 0}.get(dialect, 5)


def test_recordings_of_every_wire_are_replayed():
    require_corpus()
    assert {case(name).meta["wire_family"] for name in NAMES} == set(FAMILIES)
    assert {case(name).meta["status"] for name in NAMES} == {200}
    assert set(BROKEN) <= set(NAMES)


@pytest.mark.promise("P1", "P3", "P4")
@pytest.mark.parametrize("transport", STREAMS)
@pytest.mark.parametrize("name", NAMES)
async def test_a_recording_reaches_the_client_exactly(client: Client, name: str, transport: str):
    expected = case(name).expected
    received = await client.ask(transport, f"{host(name)}/m", f"Replay {mark()}")
    assert received.reasoning() == expected["reasoning"]
    assert received.answer() == expected["text"]
    assert len(received.of("reasoning_end")) == len(received.segments("reasoning", 1))
    check_end(name, received)
    if len(received.of("progress")) > 1:
        assert received.answer(2) == FINAL


@pytest.mark.promise("P1", "P4")
@pytest.mark.parametrize("name", SAMPLE)
async def test_a_recording_answers_a_plain_request_exactly(client: Client, name: str):
    expected = case(name).expected
    received = await client.ask("rest", f"{host(name)}/m", f"Replay {mark()}")
    assert received.last[1]["reasoning"] == expected["reasoning"]
    if name in BROKEN:
        assert received.last[1]["code"] == BROKEN[name]
        assert received.last[1]["partial"] == expected["text"]
    else:
        check_end(name, received)


@pytest.mark.promise("P1", "P7")
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("name", NAMES)
async def test_without_asking_no_reasoning_is_sent(client: Client, name: str, transport: str):
    expected = case(name).expected
    received = await client.ask(transport, f"{host(name)}/m", f"Replay {mark()}", reasoning=False)
    assert not received.of("reasoning")
    assert not received.of("reasoning_end")
    assert "reasoning" not in received.last[1]
    sent = "\0".join(text for _, data in received.frames for text in texts_in(data))
    calls = [call["arguments"] for call in expected["tool_calls"]]
    allowed = "\0".join([expected["text"], *calls, *texts_in(calls_of(calls))])
    thought = expected["reasoning"]
    stretches = {thought[at : at + 30] for at in range(max(1, len(thought) - 29))}
    assert not [each for each in stretches if each and each in sent and each not in allowed]
    if transport != "rest":
        assert received.answer() == expected["text"]


def calls_of(arguments: list[str]) -> list[Any]:
    """The arguments as values; invalid JSON is left out."""
    found: list[Any] = []
    for text in arguments:
        try:
            found.append(json.loads(text))
        except ValueError:
            continue
    return found


@pytest.mark.promise("P1", "P4", "P7")
@pytest.mark.parametrize("reasoning", [True, False])
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("key", WIRES)
async def test_a_hand_made_stream_reaches_the_client_exactly(
    client: Client, key: str, transport: str, reasoning: bool
):
    name = host(f"made-{key}")
    received = await client.ask(transport, f"{name}/m", f"Replay {mark()}", reasoning=reasoning)
    event, data = received.last
    assert event == "complete"
    assert data["response"] == "".join(MADE.answer)
    thought = "".join(MADE.reasoning)
    assert data.get("reasoning") == (thought if reasoning else None)
    assert ("see:" in received.raw) == reasoning
    if transport != "rest":
        assert received.answer() == "".join(MADE.answer)
        assert received.reasoning() == (thought if reasoning else "")
