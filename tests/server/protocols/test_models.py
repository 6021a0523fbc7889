"""The model that responds, and the models that a key can list, on each protocol."""

import json
from typing import Any

import msgspec
import pytest

from tests.server.credentials import Named, credential
from tests.server.serving import Json, Served, serving
from thinkaloud.events.prompt import EffortLevel
from thinkaloud.ports.model import ReasoningAbility
from thinkaloud.ports.principal import Principal
from thinkaloud.testing import ScriptedModel, say

ANA = credential("ana")
HELLO = [{"role": "user", "content": "Hello"}]
VERSION = {"anthropic-version": "2023-06-01"}
NAMING: list[tuple[str, Json]] = [
    ("/v1/chat/completions", {"messages": HELLO}),
    ("/v1/responses", {"input": "Hello"}),
    ("/v1/messages", {"messages": HELLO, "max_tokens": 9}),
    ("/v1/messages/count_tokens", {"messages": HELLO}),
    ("/api/chat", {"messages": HELLO}),
    ("/api/chat", {"messages": []}),
    ("/api/generate", {"prompt": "Hello"}),
]
LATEST = ":latest"


async def ask(served: Served, path: str, body: Json, headers: Any = None) -> tuple[int, str]:
    async with served.session.post(served.url + path, json=body, headers=headers) as response:
        found = await response.json()
        found.pop("request_id", None)
        return response.status, json.dumps(found)


class Restricted(ScriptedModel):
    """Supports some efforts only."""

    def __init__(self, model_id: str, *efforts: EffortLevel) -> None:
        super().__init__([say("Hi")], model_id=model_id)
        self._info = msgspec.structs.replace(
            self._info, reasoning=ReasoningAbility(supported=True, streams=True, efforts=efforts)
        )


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"messages": HELLO, "reasoning_effort": "medium"}),
        ("/v1/responses", {"input": "Hello", "reasoning": {"effort": "medium"}}),
    ],
)
async def test_without_a_model_the_owners_selection_answers_with_an_effort_that_it_supports(
    path: str, body: Json
) -> None:
    default = Restricted("a/default", "none", "low")
    selected = Restricted("b/selected", "low", "medium", "high")
    async with serving(default, selected) as served:
        await served.post("/models/switch", {"model_id": "b/selected"})
        assert (await ask(served, path, body))[0] == 200
    assert [each.effort for each in selected.requests] == ["medium"]
    assert default.requests == []


@pytest.mark.parametrize(("path", "body"), NAMING)
async def test_a_key_does_not_learn_whether_a_model_exists_that_it_may_not_use(
    path: str, body: Json
) -> None:
    known = Named(ana=Principal("ana", models=("b/*",)))
    secret = ScriptedModel([say("Hi")], model_id="a/secret")
    async with serving(ScriptedModel(model_id="b/two"), secret, authenticator=known) as served:
        tags = ("", LATEST) if path.startswith("/api") else ("",)
        found = {
            await ask(served, path, {**body, "model": f"{name}{tag}"}, ANA)
            for name in ("a/secret", "a/nothing")
            for tag in tags
        }
    ((status, _),) = found
    assert status == 403
    assert secret.requests == []


async def test_a_model_that_a_key_may_not_use_is_described_as_unknown() -> None:
    known = Named(ana=Principal("ana", models=("b/*",)))
    models = ScriptedModel(model_id="b/two"), ScriptedModel(model_id="a/secret")
    async with serving(*models, authenticator=known) as served:
        for headers in (ANA, {**ANA, **VERSION}):
            url = f"{served.url}/v1/models/a/secret"
            async with served.session.get(url, headers=headers) as response:
                assert response.status == 404
        for name, status in (("a/secret", 404), ("a/secret:latest", 404), ("b/two:latest", 200)):
            assert (await ask(served, "/api/show", {"model": name}, ANA))[0] == status
