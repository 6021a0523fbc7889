"""Another owner's chat behaves like one that never existed, on each protocol with stored chats."""

from typing import Any

import pytest

from tests.server.credentials import Named, credential, limited_to
from tests.server.serving import Json, Served, serving
from thinkaloud.providers.scripted import Silence
from thinkaloud.testing import ScriptedModel, call_tool, say, think

SECRET = "xylophone"
ANA, BEN = credential("ana"), credential("ben")
MESSAGE = {"id": "u1", "role": "user"}
BODIES: dict[str, Json] = {
    "/ai-sdk/chat": {
        "id": "chat-1",
        "messages": [{**MESSAGE, "parts": [{"type": "text", "text": "Hello"}]}],
        "resumable": True,
        "tools": {"locate": {}},
    },
    "/ag-ui": {
        "threadId": "chat-1",
        "runId": "run-1",
        "messages": [{**MESSAGE, "content": "Hello"}],
        "forwardedProps": {"resumable": True},
        "tools": [{"name": "locate"}],
    },
}


def owners() -> Named:
    return Named(
        ana=limited_to("chat", "read", owner="ana"),
        ben=limited_to("chat", "read", owner="ben"),
        reader=limited_to("read", owner="ana"),
    )


async def ask(served: Served, path: str, headers: dict[str, str], **changes: Any) -> str:
    body = {**BODIES[path], **changes}
    async with served.session.post(served.api + path, json=body, headers=headers) as response:
        return await response.text()


@pytest.mark.promise("P12")
@pytest.mark.parametrize("path", BODIES)
async def test_two_owners_can_use_the_same_chat_id(path: str) -> None:
    model = ScriptedModel([think(SECRET), say(SECRET)], [say("Hi.")])
    async with serving(model, authenticator=owners()) as served:
        mine = await ask(served, path, ANA)
        other = await ask(served, path, BEN)
    assert SECRET in mine
    assert SECRET not in other
    assert "Hi." in other
    assert SECRET not in repr(model.requests)


@pytest.mark.promise("P12")
async def test_an_active_chat_of_another_owner_is_neither_shown_nor_resumed_nor_stopped() -> None:
    model = ScriptedModel([think(SECRET), Silence()])
    async with serving(model, authenticator=owners()) as served:
        chat = "/ai-sdk/chat"
        async with served.session.post(
            served.api + chat, json=BODIES[chat], headers=ANA
        ) as response:
            await response.content.readuntil(SECRET.encode())
            assert await served.get(f"{chat}/chat-1", headers=BEN) == (200, [])
            url = f"{served.api}{chat}/chat-1/stream"
            async with served.session.get(url, headers=BEN) as found:
                assert found.status == 204
            stopped = await served.post(f"{chat}/chat-1/stop", headers=BEN)
            assert stopped == (200, {"stopped": []})
            assert model.open_streams == 1
            _, mine = await served.post(f"{chat}/chat-1/stop", headers=ANA)
            assert mine["stopped"] == [response.headers["X-Run-ID"]]


@pytest.mark.promise("P12")
async def test_a_call_of_another_owner_takes_no_result() -> None:
    model = ScriptedModel([call_tool("locate", {}, "c1")])
    result = {"type": "tool-locate", "toolCallId": "c1", "state": "output-available", "output": "x"}
    answer = {"id": "a1", "role": "assistant", "parts": [result]}
    async with serving(model, authenticator=owners()) as served:
        path = "/ai-sdk/chat"
        await ask(served, path, ANA)
        messages = [*BODIES[path]["messages"], answer]
        refused = await ask(served, path, BEN, messages=messages)
    assert refused.startswith("The last message must be from the user")
    assert len(model.requests) == 1


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(("name", "status"), [("stranger", 401), ("reader", 403)])
async def test_a_message_needs_a_key_with_the_scope_to_chat(
    path: str, name: str, status: int
) -> None:
    async with (
        serving(ScriptedModel(), authenticator=owners()) as served,
        served.session.post(
            served.api + path, json=BODIES[path], headers=credential(name)
        ) as response,
    ):
        assert response.status == status
