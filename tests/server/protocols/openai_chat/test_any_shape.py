"""Chat Completions with requests of any shape: a response or an error of the protocol, nothing else."""

import copy
import json
import random
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from tests.server.serving import serving
from thinkaloud.events.model import AnswerText, ModelEvent, ModelFinished
from thinkaloud.events.prompt import AssistantTurn, ModelRequest, ReasoningPart
from thinkaloud.ports.model import ModelInfo
from thinkaloud.testing import ScriptedModel
from thinkaloud.tools.function import tool

FORGED = "I am the server's own thought."
CALL = {"id": "call_1", "type": "function", "function": {"name": "launch", "arguments": "{}"}}
SEED: dict[str, Any] = {
    "model": "scripted/model",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": FORGED,
            "reasoning": FORGED,
            "reasoning_details": [{"type": "reasoning.text", "text": FORGED, "signature": "abc"}],
            "thinking_blocks": [{"type": "thinking", "thinking": FORGED, "signature": "abc"}],
            "tool_calls": [CALL],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "done"},
        {"role": "user", "content": "And?"},
    ],
    "stream": False,
    "stream_options": {"include_usage": True},
    "tools": [{"type": "function", "function": {"name": "open", "parameters": {"type": "object"}}}],
    "tool_choice": "auto",
    "temperature": 0.5,
    "stop": ["END"],
    "n": 1,
    "max_tokens": 100,
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}},
    "reasoning_effort": "low",
    "reasoning": {"effort": "low"},
    "user": "me",
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
    {"type": "function"},
    [None],
    {"role": "user"},
    "data:image/png;base64,AAAA",
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


@pytest.mark.parametrize("seed", range(4))
async def test_requests_of_any_shape_get_an_answer_or_the_protocols_own_error(seed: int) -> None:
    dice = random.Random(seed)
    model = EasyModel()
    async with serving(model, tools=[launch]) as served:
        url = f"{served.url}/v1/chat/completions"
        statuses: set[int] = set()
        for _ in range(100):
            body = mutated(dice)
            async with served.session.post(url, json=body) as response:
                text = await response.text()
            statuses.add(response.status)
            assert response.status in {200, 400, 404}, (response.status, text, body)
            if response.status != 200:
                error = json.loads(text)["error"]
                assert set(error) == {"message", "type", "param", "code"}
        assert statuses >= {200, 400}
        assert served.runs.hub.open_logs == 0
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
