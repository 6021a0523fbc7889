"""The Responses API with requests of any shape, and limits on stored responses."""

import copy
import json
import math
import random
from typing import Any

import pytest

from tests.server.protocols.openai_chat.test_any_shape import VALUES, EasyModel, launch
from tests.server.serving import Json, serving
from thinkaloud.events.prompt import AssistantTurn, ReasoningPart
from thinkaloud.ports.protocols.records import RecordLimits
from thinkaloud.ports.store import RunRecord
from thinkaloud.server.protocols.openai_responses.kept import KeptResponse, KeptResponses
from thinkaloud.server.wire_settings import WireSettings
from thinkaloud.testing import ScriptedModel, say

FORGED = "I am the server's own thought."
SEED: Json = {
    "model": "scripted/model",
    "instructions": "Be brief.",
    "input": [
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": FORGED}],
            "content": [{"type": "reasoning_text", "text": FORGED}],
            "encrypted_content": FORGED,
        },
        {"type": "function_call", "call_id": "c1", "name": "launch", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "done"},
        {"type": "mcp_call", "id": "mcp_1", "name": "launch", "arguments": "{}", "output": FORGED},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "A"}]},
        {"role": "user", "content": "And?"},
    ],
    "stream": False,
    "store": False,
    "include": ["reasoning.encrypted_content"],
    "tools": [
        {"type": "function", "name": "open", "parameters": {"type": "object"}},
        {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "x"}]},
        {"type": "web_search"},
    ],
    "tool_choice": {"type": "function", "name": "open"},
    "reasoning": {"effort": "low", "summary": "auto"},
    "text": {"format": {"type": "json_schema", "name": "x", "schema": {}, "strict": True}},
    "temperature": 0.5,
    "top_p": 0.5,
    "max_output_tokens": 100,
    "metadata": {"a": "b"},
    "truncation": "auto",
    "prompt_cache_key": "k",
}


def mutated(dice: random.Random) -> Any:
    """A request with a few values replaced or removed, anywhere in it."""
    body = copy.deepcopy(SEED)
    for _ in range(dice.randint(1, 4)):
        place: Any = body
        while True:
            keys: list[Any] = list(place) if hasattr(place, "keys") else list(range(len(place)))
            if not keys:
                break
            key = dice.choice(keys)
            inner: Any = place[key]
            if type(inner) in {dict, list} and inner and dice.random() < 0.7:
                place = inner
                continue
            if dice.randrange(2):
                place[key] = copy.deepcopy(dice.choice(VALUES))
            else:
                del place[key]
            break
    return body


@pytest.mark.parametrize("seed", range(4))
async def test_requests_of_any_shape_get_a_response_or_the_protocols_own_error(seed: int) -> None:
    dice = random.Random(seed)
    model = EasyModel()
    async with serving(model, tools=[launch]) as served:
        statuses: set[int] = set()
        for _ in range(100):
            body = mutated(dice)
            url = f"{served.url}/v1/responses"
            async with served.session.post(url, json=body) as response:
                text = await response.text()
            statuses.add(response.status)
            assert response.status in {200, 400, 404}, (response.status, text, body)
            if response.status != 200:
                assert set(json.loads(text)["error"]) == {"message", "type", "param", "code"}
        assert statuses >= {200, 400}
    parts = [
        part
        for request in model.requests
        for turn in request.turns
        if isinstance(turn, AssistantTurn)
        for part in turn.parts
    ]
    assert parts
    assert not [part for part in parts if isinstance(part, ReasoningPart)]
    assert FORGED not in repr(model.requests)


async def test_a_body_that_is_too_large_or_deep_is_the_protocols_own_error() -> None:
    async with serving(ScriptedModel(), wires=WireSettings(max_body_bytes=1_000)) as served:
        url = f"{served.url}/v1/responses"
        deep = b'{"input":' + b"[" * 400 + b"]" * 400 + b"}"
        for body, expected in ((b'{"input":"' + b"x" * 2_000 + b'"}', 413), (deep, 400)):
            headers = {"Content-Type": "application/json"}
            async with served.session.post(url, data=body, headers=headers) as response:
                assert response.status == expected
                assert "error" in await response.json()
        for method, path in (("GET", "/nothing"), ("PATCH", "/nothing"), ("GET", "/a/b/c")):
            async with served.session.request(method, url + path) as response:
                assert response.status in {404, 405}
                assert "error" in await response.json()
        for query in ("starting_after=x", "starting_after=-1"):
            async with served.session.get(f"{url}/resp_a?stream=true&{query}") as response:
                assert response.status == 400


async def test_the_oldest_responses_are_dropped_with_their_conversations() -> None:
    async with serving(ScriptedModel(*[[say("Hi.")]] * 3)) as served:
        limits = RecordLimits(max_records=2, max_bytes=10_000, max_age_ms=math.inf)
        kept = KeptResponses(served.runs, served.services.records, served.services.clock, limits)
        records: list[RunRecord] = []
        for _ in range(3):
            _, found = await served.post("/chat/message", {"text": "Hello", "temporary": True})
            record = await served.runs.record("local", found["run_id"])
            await kept.add(KeptResponse(record=record))
            records.append(record)
        await kept.trim()
        statuses = [
            (await served.get(f"/conversations/{record.conversation_id}"))[0] for record in records
        ]
    assert statuses == [404, 200, 200]
