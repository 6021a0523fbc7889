"""Secrets in reasoning are redacted on the UI protocols, live and afterwards."""

from typing import Any

import pytest

from tests.server.credentials import Named, credential
from tests.server.serving import Json, serving
from thinkaloud.ports.principal import Principal, ReasoningPolicy
from thinkaloud.testing import ScriptedModel, say, think

KEY = "sk-ant-api03-Zm9vYmFyYmF6cXV4-AA"
MESSAGE = {"id": "u1", "role": "user"}
BODIES: dict[str, Json] = {
    "/ai-sdk/chat": {
        "id": "chat-1",
        "messages": [{**MESSAGE, "parts": [{"type": "text", "text": "Hello"}]}],
    },
    "/ag-ui": {
        "threadId": "chat-1",
        "runId": "run-1",
        "messages": [{**MESSAGE, "content": "Hello"}],
    },
}
READERS = {"server": ("redact", "allow"), "key": ("allow", "redact"), "denied": ("allow", "deny")}


@pytest.mark.promise("P7")
@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("reader", READERS)
async def test_a_secret_in_reasoning_reaches_no_reader_whose_policy_forbids_it(
    path: str, reader: str
) -> None:
    server: ReasoningPolicy
    own: ReasoningPolicy
    server, own = READERS[reader]  # type: ignore[assignment]
    names = Named(ana=Principal("ana", reasoning=own))
    model = ScriptedModel([think("It is ", KEY[:9], KEY[9:], " here."), say("Yes.")])
    settings: dict[str, Any] = {"show_reasoning": server, "authenticator": names}
    async with serving(model, **settings) as served:
        ana = credential("ana")
        async with served.session.post(
            served.api + path, json=BODIES[path], headers=ana
        ) as response:
            live = await response.text()
        url = f"{served.api}/ai-sdk/chat/chat-1"
        async with served.session.get(url, headers=ana) as response:
            stored = await response.text()
    for text in (live, stored):
        assert "Zm9v" not in text
        assert "sk-ant" not in text
        assert "Yes." in text
        assert ("[redacted:" in text) is (own != "deny")
