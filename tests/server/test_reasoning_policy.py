"""What the reasoning policy hides appears in no frame, header, file, log or metric."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from websockets.asyncio.client import connect

from tests.attacks.entry_points import MESSAGES, SOCKETS, routes, say_hi
from tests.server.credentials import Named, credential
from tests.server.serving import Served, serving
from thinkaloud.core.redaction.redaction import Redaction
from thinkaloud.core.redaction.redactor import Redactor
from thinkaloud.core.redaction.rule import Rule
from thinkaloud.events.model import ModelFinished, Origin, ProviderPayload
from thinkaloud.events.prompt import AssistantTurn, ModelRequest
from thinkaloud.ports.principal import Principal, ReasoningPolicy
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.sqlite import SqliteStore
from thinkaloud.testing import ScriptedModel, Wait, call_tool, say, think
from thinkaloud.tools.function import tool

SECRET = "sk-ant-api03-Y2FuYXJ5LWNhbmFyeQ-4711"
WORD = "xylophone"
MARK = "[redacted:provider_key]"
HIDDEN: dict[ReasoningPolicy, list[str]] = {
    "allow": [],
    "redact": [SECRET, "Y2FuYXJ5"],
    "deny": [SECRET, "Y2FuYXJ5", WORD, "redacted"],
}
PAYLOAD = ProviderPayload(
    Origin("scripted", "https://lab", "model"),
    msgspec.Raw(
        json.dumps({"thinking": f"A {WORD} has the key {SECRET}.", "signature": "c2ln"}).encode()
    ),
)
CALL = [
    think(f"A {WORD} has the key ", "sk-an", "t-api03-Y2FuYXJ5", "LWNhbmFyeQ-4711", "."),
    call_tool("add", {"a": 1, "b": 2}),
    ModelFinished("tool_calls", reasoning_status="shown", native=PAYLOAD),
]
ANSWER = [
    think(f"The {WORD} again: {SECRET[:16]}"),
    say(SECRET[16:], " Three."),
    ModelFinished("stop", reasoning_status="shown", native=PAYLOAD),
]
REASONING = f"A {WORD} has the key {MARK}.The {WORD} again: {MARK}"


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def model(runs: int = 40) -> ScriptedModel:
    return ScriptedModel(*[CALL, ANSWER] * runs)


class Recorded:
    """Everything that a client has received."""

    def __init__(self) -> None:
        self.raw = ""

    async def request(
        self, session: aiohttp.ClientSession, method: str, url: str, **kwargs: Any
    ) -> str:
        """Send a request, and record its response with its headers."""
        async with session.request(method, url, **kwargs) as response:
            text = await response.text()
            assert response.status < 500, text
            self.raw += f"{dict(response.headers)}\n{text}\n"
            return text

    async def socket(
        self, url: str, messages: Sequence[object], last: str, headers: dict[str, str]
    ) -> None:
        """Send messages on a socket, and record all frames up to one of this kind."""
        # Unread frames must not delay the close.
        async with connect(url, additional_headers=headers, max_queue=None) as socket:
            for message in messages:
                await socket.send(json.dumps(message))
            while True:
                frame = await socket.recv()
                assert isinstance(frame, str)
                self.raw += frame + "\n"
                if json.loads(frame)["event"] == last:
                    return


async def run_everywhere(served: Served, found: Recorded, headers: dict[str, str]) -> Sequence[str]:
    """Start a run on every entry point, asking for reasoning, and record what it sends.

    Returns the ids of the stored responses.
    """
    for name in (*MESSAGES, *SOCKETS):
        status, text = await say_hi(served, name, headers)
        assert status == 200, (name, text)
        found.raw += text + "\n"
    return sorted(set(re.findall(r"resp_[0-9a-f]{24}", found.raw)))


def event_of(block: str) -> dict[str, Any]:
    """Parse a block of an event stream."""
    fields = dict(line.split(": ", 1) for line in block.split("\n") if line and line[0] != ":")
    return {"event": fields["event"], "data": json.loads(fields["data"]), "seq": int(fields["id"])}


async def read_everywhere(
    served: Served, found: Recorded, headers: dict[str, str], responses: Sequence[str] = ()
) -> None:
    """Read the conversation and the responses on every route, asking for reasoning."""
    session = served.session
    listed = await found.request(
        session, "GET", f"{served.api}/conversations/room/messages", headers=headers
    )
    run_ids = [
        each["run_id"] for each in json.loads(listed)["messages"] if each["role"] == "assistant"
    ]
    query = "include_reasoning=true&follow=false&after=0"
    for route in routes(served):
        # Everything else is read to its end. The log has the same events as this stream.
        if route.method != "GET" or route.path.endswith("conversations/{conversation_id}/events"):
            continue
        every = {
            "run_id": run_ids[:2],
            "response_id": responses,
            "conversation_id": ["room"],
            "chat_id": ["room"],
        }
        names = [name for name in route.names if name in every]
        for value in every[names[0]] if names else [""]:
            ids = dict.fromkeys(names, value)
            for stream in ("", "&stream=true") if "response_id" in names else ("",):
                url = f"{served.url}{route.at(ids)}?{query}{stream}"
                await found.request(session, "GET", url, headers=headers)
    for path in (
        "conversations/room/export?format=markdown&include_reasoning=true",
        f"conversations?search={WORD}",
    ):
        await found.request(session, "GET", f"{served.api}/{path}", headers=headers)
    page = served.url.replace("http", "ws", 1) + "/ws"
    attach = {"type": "attach", "chat_id": "room"}
    for last, options in (("turn_end", {}), ("log", {"events": "log"})):
        await found.socket(page, [{**attach, **options}], "snapshot", headers)
        await found.socket(page, [{**attach, **options, "after": 0}], last, headers)
    resume = {"type": "resume", "run_id": run_ids[0], "include_reasoning": True}
    await found.socket(served.socket_url, [resume], "complete", headers)


@asynccontextmanager
async def on_disk(folder: Path, **options: Any) -> AsyncGenerator[Served]:
    async with (
        SqliteStore.open(folder / "conversations.db") as store,
        serving(model(), tools=[add], store=store, **options) as served,
    ):
        yield served


@pytest.mark.promise("P7")
@pytest.mark.parametrize("policy", ["allow", "redact", "deny"])
async def test_what_the_policy_hides_is_sent_and_stored_nowhere(
    policy: ReasoningPolicy, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    found = Recorded()
    async with on_disk(tmp_path, show_reasoning=policy) as served:
        responses = await run_everywhere(served, found, {})
        await read_everywhere(served, found, {}, responses)
        assert len(responses) == 2

    files = "".join(
        file.read_bytes().decode("latin-1") for file in tmp_path.rglob("*") if file.is_file()
    )
    for place in (found.raw, files, caplog.text):
        assert [text for text in HIDDEN[policy] if text in place] == []
    # Otherwise this test would prove nothing.
    assert (WORD in found.raw, MARK in found.raw) == (policy != "deny", policy == "redact")
    assert policy != "allow" or SECRET in files
    assert "Three." in found.raw


@pytest.mark.promise("P7")
@pytest.mark.parametrize("policy", ["redact", "deny"])
async def test_a_stricter_policy_also_hides_what_was_recorded_before(policy: ReasoningPolicy):
    store, found = MemoryStore(), Recorded()
    async with serving(model(), tools=[add], store=store) as served:
        await run_everywhere(served, found, {})
        assert SECRET in found.raw
    found = Recorded()
    async with serving(model(), tools=[add], store=store, show_reasoning=policy) as served:
        await read_everywhere(served, found, {})

    assert [text for text in HIDDEN[policy] if text in found.raw] == []
    assert (WORD in found.raw) == (policy == "redact")


@pytest.mark.promise("P7")
@pytest.mark.parametrize("policy", ["redact", "deny"])
async def test_the_policy_of_a_key_applies_to_what_it_reads_and_to_the_runs_that_it_starts(
    policy: ReasoningPolicy, tmp_path: Path
):
    keys = Named(full=Principal("ana"), strict=Principal("ana", reasoning=policy))
    async with on_disk(tmp_path, authenticator=keys) as served:
        found = Recorded()
        responses = await run_everywhere(served, Recorded(), credential("full"))
        await read_everywhere(served, found, credential("strict"), responses)
        assert [text for text in HIDDEN[policy] if text in found.raw] == []

        await run_everywhere(served, found, credential("strict"))
        assert [text for text in HIDDEN[policy] if text in found.raw] == []
        full = Recorded()
        await read_everywhere(served, full, credential("full"))
        assert SECRET in full.raw


async def test_a_redacted_run_has_the_same_text_live_stored_and_exported():
    async with serving(model(), tools=[add], show_reasoning="redact") as served:
        body = {"text": "Hi", "conversation_id": "c", "include_reasoning": True}
        async with served.events("POST", "/chat/stream-sse", json=body) as stream:
            frames = [frame async for frame in stream]
        run_id = frames[-1]["data"]["run_id"]
        _, run = await served.get(f"/runs/{run_id}?include_reasoning=true")
        _, export = await served.get("/conversations/c/export?format=json&include_reasoning=true")

    live = "".join(frame["data"]["token"] for frame in frames if frame["event"] == "reasoning")
    blocks = export["runs"][0]["blocks"]
    exported = "".join("".join(block["parts"]) for block in blocks if block["type"] == "reasoning")
    assert live == exported == run["reasoning"] == frames[-1]["data"]["reasoning"] == REASONING
    assert frames[-1]["data"]["response"] == " Three."


@pytest.mark.promise("P9")
async def test_a_strict_reader_that_resumes_after_any_event_gets_the_rest_of_the_redacted_text():
    keys = Named(full=Principal("ana"), strict=Principal("ana", reasoning="redact"))
    async with serving(model(), tools=[add], authenticator=keys) as served:
        body = {"text": "Hi", "conversation_id": "c"}
        await served.post("/chat/message", body, headers=credential("full"))
        _, listed = await served.get("/conversations/c/messages", headers=credential("full"))
        run_id = listed["messages"][-1]["run_id"]

        async def read(after: int) -> list[Any]:
            path = f"/runs/{run_id}/events?include_reasoning=true&after={after}"
            text = await Recorded().request(
                served.session, "GET", served.api + path, headers=credential("strict")
            )
            return [event_of(block) for block in text.split("\n\n") if "data: " in block]

        whole = await read(0)
        thought = [frame for frame in whole if frame["event"] == "reasoning"]
        assert "".join(frame["data"]["token"] for frame in thought) == REASONING
        for frame in whole[:-1]:
            assert await read(frame["seq"]) == [
                each for each in whole if each["seq"] > frame["seq"]
            ]
        # Also after events that a strict reader is never sent, in the middle of a secret.
        for after in range(1, whole[-1]["seq"]):
            rest = json.dumps(await read(after))
            assert [text for text in HIDDEN["redact"] if text in rest] == []


@pytest.mark.promise("P13")
@pytest.mark.parametrize("policy", ["redact", "deny"])
async def test_the_provider_gets_its_own_payload_back_unchanged(policy: ReasoningPolicy):
    scripted = model()
    async with serving(scripted, tools=[add], show_reasoning=policy) as served:
        for _ in range(2):
            await served.post("/chat/message", {"text": "Hi", "conversation_id": "c"})

    def payloads(request: ModelRequest) -> list[ProviderPayload | None]:
        return [turn.native for turn in request.turns if isinstance(turn, AssistantTurn)]

    assert [payloads(request) for request in scripted.requests] == [
        [],
        [PAYLOAD],
        [PAYLOAD] * 2,
        [PAYLOAD] * 3,
    ]


@pytest.mark.promise("P13")
async def test_a_payload_without_a_secret_is_stored_with_a_redacted_run():
    store = MemoryStore()
    plain = [
        think("No secret."),
        say("Hi."),
        ModelFinished("stop", reasoning_status="shown", native=PAYLOAD),
    ]
    async with serving(ScriptedModel(plain), store=store, show_reasoning="redact") as served:
        await served.post("/chat/message", {"text": "Hi", "conversation_id": "c"})
    again = ScriptedModel([say("Again.")])
    async with serving(again, store=store, show_reasoning="redact") as served:
        await served.post("/chat/message", {"text": "Hi", "conversation_id": "c"})

    assert [turn.native for turn in again.requests[0].turns if isinstance(turn, AssistantTurn)] == [
        PAYLOAD
    ]


async def test_a_denied_run_says_that_its_reasoning_was_hidden():
    async with serving(model(), tools=[add], show_reasoning="deny") as served:
        body = {"text": "Hi", "conversation_id": "c", "include_reasoning": True}
        _, reply = await served.post("/chat/message", body)
        _, export = await served.get("/conversations/c/export?format=json&include_reasoning=true")

    assert "reasoning" not in reply
    assert export["runs"][0]["reasoning_status"] == "hidden_by_policy"


@pytest.mark.parametrize("policy", ["allow", "redact", "deny"])
async def test_the_features_of_a_server_name_the_policy_of_the_key_that_asks(
    policy: ReasoningPolicy,
):
    keys = Named(full=Principal("ana"), strict=Principal("ana", reasoning=policy))
    async with serving(model(), authenticator=keys) as served:
        for path in ("/api/v1/capabilities", "/webui/bootstrap", "/"):
            url = served.url + path
            async with served.session.get(url, headers=credential("strict")) as response:
                features = (await response.json())["features"]
            assert features["reasoning_policy"] == policy
            assert features["reasoning_output"] == (policy != "deny")


@pytest.mark.promise("P9")
async def test_a_reader_that_follows_after_the_messages_gets_the_text_that_they_left_out():
    keys = Named(full=Principal("ana"), strict=Principal("ana", reasoning="redact"))
    gate = asyncio.Event()
    text = ["One ", "two. ", "sk-an", "t-", "hill."]
    scripted = ScriptedModel([think(*text[:4]), Wait(gate), think(text[4]), say("Done.")])
    async with serving(scripted, authenticator=keys) as served:
        body = {"text": "Hi", "conversation_id": "c", "include_reasoning": True}
        headers = credential("full")
        url = f"{served.api}/chat/stream-sse"
        async with served.session.post(url, json=body, headers=headers) as live:
            while b't-"' not in await live.content.readline():
                pass
            path = "/conversations/c/messages?include_reasoning=true"
            _, listed = await served.get(path, headers=credential("strict"))
            gate.set()
            await live.read()
        (shown,) = [each for each in listed["messages"] if each["role"] == "assistant"]
        run = f"/runs/{shown['run_id']}/events?include_reasoning=true&after={listed['seq']}"
        raw = await Recorded().request(
            served.session, "GET", served.api + run, headers=credential("strict")
        )
    rest = [event_of(block) for block in raw.split("\n\n") if "data: " in block]
    followed = "".join(each["data"]["token"] for each in rest if each["event"] == "reasoning")
    assert shown["reasoning"] + followed == "".join(text)
    assert shown["reasoning"] == "One two. "


async def test_a_request_cannot_override_the_policy():
    async with serving(model(), tools=[add], show_reasoning="deny") as served:
        for extra in ({"reasoning_policy": "allow"}, {"show_reasoning": "allow"}, {}):
            found = Recorded()
            body = {"text": "Hi", "include_reasoning": True, **extra}
            await found.request(served.session, "POST", f"{served.api}/chat/message", json=body)
            assert WORD not in found.raw


async def test_secrets_in_answers_are_redacted_where_that_is_configured():
    redaction = Redaction(Redactor([Rule("employee", r"EMP-\d{5}")]), answers=True)
    scripted = ScriptedModel(
        [think("Ask EMP-1", "2345."), say("It is EMP", "-12345, key ", SECRET)]
    )
    async with serving(scripted, show_reasoning="redact", redaction=redaction) as served:
        body = {"text": "Hi", "include_reasoning": True}
        _, reply = await served.post("/chat/message", body)

    assert reply["reasoning"] == "Ask [redacted:employee]."
    assert reply["response"] == f"It is [redacted:employee], key {MARK}"
