"""Responses of another owner, and reasoning that the policy hides."""

import json
from typing import Any

import pytest

from tests.server.credentials import Named, credential, limited_to
from tests.server.serving import Json, Served, serving
from thinkaloud.ports.principal import Principal, ReasoningPolicy
from thinkaloud.providers.scripted import Silence
from thinkaloud.testing import ScriptedModel, call_tool, say, think

ANA, BEN = credential("ana"), credential("ben")
KEY = "sk-ant-api03-Zm9vYmFyYmF6cXV4-AA"
CREATED = {"model": "scripted/model", "input": "Hello", "reasoning": {"summary": "auto"}}


async def send(
    served: Served, method: str, path: str, headers: dict[str, str], body: Json | None = None
) -> tuple[int, str]:
    url = f"{served.url}/v1/responses{path}"
    async with served.session.request(method, url, json=body, headers=headers) as response:
        return response.status, await response.text()


async def create(served: Served, headers: dict[str, str], **body: Any) -> Json:
    status, text = await send(served, "POST", "", headers, {**CREATED, **body})
    assert status == 200, text
    found: Json = json.loads(text)
    return found


@pytest.mark.promise("P12")
async def test_a_response_of_another_owner_is_like_one_that_never_existed() -> None:
    model = ScriptedModel([think("Hm."), say("Hi."), call_tool("open", {}, "c1")], [Silence()])
    users = Named(
        ana=limited_to("chat", "read", owner="ana"), ben=limited_to("chat", "read", owner="ben")
    )
    tools = [{"type": "function", "name": "open"}]
    async with serving(model, authenticator=users) as served:
        ended = await create(served, ANA, tools=tools)
        active = await create(served, ANA, background=True)
        for name in (ended["id"], active["id"]):
            none = f"resp_{'0' * 24}"
            for method, rest in (
                ("GET", ""),
                ("GET", "?stream=true"),
                ("GET", "/input_items"),
                ("POST", "/cancel"),
                ("DELETE", ""),
            ):
                status, text = await send(served, method, f"/{name}{rest}", BEN)
                _, other = await send(served, method, f"/{none}{rest}", BEN)
                assert status == 404
                assert text.replace(name, none) == other
            continued = {**CREATED, "previous_response_id": name}
            assert (await send(served, "POST", "", BEN, continued))[0] == 404
        for item in ended["output"]:
            if item["type"] != "reasoning":
                reference = [{"type": "item_reference", "id": item["id"]}]
                body = {**CREATED, "input": reference}
                assert (await send(served, "POST", "", BEN, body))[0] == 404
        assert model.open_streams == 1
        assert (await send(served, "POST", f"/{active['id']}/cancel", ANA))[0] == 200
    assert len(model.requests) == 2


@pytest.mark.promise("P7")
@pytest.mark.parametrize("policy", ["redact", "deny"])
@pytest.mark.parametrize("form", ["summary", "text"])
async def test_a_secret_in_reasoning_reaches_no_reader_whose_policy_forbids_it(
    policy: ReasoningPolicy, form: str
) -> None:
    script = [think("It is ", KEY[:9], KEY[9:], " here."), say("Yes.")]
    model = ScriptedModel(script, script)
    users = Named(ana=Principal("ana", reasoning=policy))
    asked = {"include": ["reasoning.encrypted_content"], "reasoning_events": form}
    async with serving(model, authenticator=users) as served:
        whole = await create(served, ANA, **asked)
        streamed = {**CREATED, **asked, "stream": True}
        texts = [
            json.dumps(whole),
            (await send(served, "POST", "", ANA, streamed))[1],
            (await send(served, "GET", f"/{whole['id']}", ANA))[1],
            (await send(served, "GET", f"/{whole['id']}?stream=true", ANA))[1],
            (await send(served, "GET", f"/{whole['id']}?include_reasoning=true", ANA))[1],
        ]
    for text in texts:
        assert "Yes." in text
        assert "Zm9v" not in text
        assert "sk-ant" not in text
        assert ("[redacted:" in text) is (policy == "redact")
        assert ('"rs_' in text) is (policy == "redact")


async def test_a_policy_that_was_tightened_applies_to_earlier_responses() -> None:
    users = Named(ana=Principal("ana"))
    async with serving(
        ScriptedModel([think("Canary."), say("Hi.")]), authenticator=users
    ) as served:
        first = await create(served, ANA)
        assert "Canary." in json.dumps(first)
        users.change("ana", Principal("ana", reasoning="deny"))
        for rest in ("", "?stream=true"):
            _, text = await send(served, "GET", f"/{first['id']}{rest}", ANA)
            assert "Hi." in text
            assert "Canary." not in text
