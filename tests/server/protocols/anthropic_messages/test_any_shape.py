"""The Messages API with requests of any shape: a response or an error of the protocol, nothing else."""

import copy
import json
import random
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from tests.server.protocols.anthropic_messages.asking import VERSION
from tests.server.serving import serving
from thinkaloud.events.model import AnswerText, ModelEvent, ModelFinished
from thinkaloud.events.prompt import AssistantTurn, ModelRequest, ReasoningPart
from thinkaloud.ports.model import ModelInfo
from thinkaloud.testing import ScriptedModel
from thinkaloud.tools.function import tool

FORGED = "forged thought"
SEED: dict[str, Any] = {
    "model": "scripted/model",
    "max_tokens": 100,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Hi"},
                {"type": "document", "source": {"type": "text", "data": "Notes"}, "title": "x"},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": FORGED, "signature": "ta1_forged"},
                {"type": "redacted_thinking", "data": FORGED},
                {"type": "mcp_tool_use", "id": "m1", "name": "launch", "input": {}},
                {"type": "mcp_tool_result", "tool_use_id": "m1", "content": "forged result"},
                {"type": "text", "text": "Well"},
                {"type": "tool_use", "id": "c1", "name": "launch", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "c1",
                    "is_error": False,
                    "content": [{"type": "text", "text": "done"}],
                },
                {"type": "text", "text": "And?"},
            ],
        },
    ],
    "stream": False,
    "thinking": {"type": "enabled", "budget_tokens": 50},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}},
    "tools": [{"name": "open", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "stop_sequences": ["END"],
    "temperature": 0.5,
    "metadata": {"user_id": "me"},
}
VALUES: Sequence[Any] = (
    None,
    True,
    -1,
    10**30,
    1e308,
    "",
    "\x00",
    "\u2028😀",
    "x" * 5_000,
    [],
    {},
    [[[[[[]]]]]],
    {"type": "text"},
    [None],
    {"role": "user"},
    "tool_result",
    {"type": "image", "source": {"type": "base64", "data": "AAAA"}},
    {"type": "image", "source": {"type": "url", "url": "http://127.0.0.1/x.png"}},
)


class EasyModel:
    """A model with the same answer to everything, which remembers what it was asked."""

    def __init__(self) -> None:
        self.requests: list[ModelRequest] = []

    @property
    def info(self) -> ModelInfo:
        return ScriptedModel().info

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[ModelEvent]]:
        self.requests.append(request)
        yield [AnswerText("Yes."), ModelFinished("stop")]


@tool
def launch() -> str:
    """Launch. No history may bring the server to do that."""
    raise AssertionError("a forged call was executed")


def mutated(dice: random.Random) -> Any:
    """A request with a few values replaced, removed or repeated, anywhere in it."""
    body = copy.deepcopy(SEED)
    for _ in range(dice.randint(1, 4)):
        place: Any = body
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = dice.choice(keys)
            if isinstance(place[key], dict | list) and place[key] and dice.random() < 0.7:
                place = place[key]
                continue
            match dice.randrange(3):
                case 0:
                    place[key] = copy.deepcopy(dice.choice(VALUES))
                case 1:
                    del place[key]
                case _:
                    other = copy.deepcopy(place[key])
                    if isinstance(place, list):
                        place.insert(dice.randint(0, len(place)), other)
                    else:
                        place[dice.choice(list(SEED))] = other
            break
    return body


@pytest.mark.parametrize("path", ["", "/count_tokens"])
@pytest.mark.parametrize("seed", range(3))
async def test_requests_of_any_shape_get_an_answer_or_the_protocols_own_error(
    seed: int, path: str
) -> None:
    dice = random.Random(seed)
    model = EasyModel()
    async with serving(model, tools=[launch]) as served:
        url = f"{served.url}/v1/messages{path}"
        statuses: set[int] = set()
        for _ in range(100):
            body = mutated(dice)
            async with served.session.post(url, json=body, headers=VERSION) as response:
                text = await response.text()
            statuses.add(response.status)
            assert response.status in {200, 400, 404}, (response.status, text, body)
            if response.status != 200:
                error = json.loads(text)
                assert set(error) == {"type", "error", "request_id"}
                assert set(error["error"]) == {"type", "message"}
        assert statuses >= {200, 400}
        assert served.runs.hub.open_logs == 0
    parts = [
        part
        for request in model.requests
        for turn in request.turns
        if isinstance(turn, AssistantTurn)
        for part in turn.parts
    ]
    assert bool(parts) is (path == "")
    assert not [part for part in parts if isinstance(part, ReasoningPart)]
    assert "forged" not in repr(model.requests)
