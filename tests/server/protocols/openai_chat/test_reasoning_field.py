"""The field that has the reasoning: of the server, of the key, or of the request."""

import pytest

from tests.server.credentials import Named, credential
from tests.server.protocols.openai_chat.asking import chunks, deltas, post
from tests.server.serving import serving
from thinkaloud.ports.principal import Principal, ReasoningField
from thinkaloud.server.wire_settings import OpenAISettings, WireSettings
from thinkaloud.testing import ScriptedModel, say, think

ANA = credential("ana")


@pytest.mark.parametrize(
    ("server", "key", "request_", "expected"),
    [
        ("reasoning_content", None, None, "reasoning_content"),
        ("reasoning_content", "reasoning", None, "reasoning"),
        ("reasoning", "reasoning_content", None, "reasoning_content"),
        ("reasoning_content", "reasoning", "reasoning_content", "reasoning_content"),
    ],
)
async def test_the_request_decides_before_the_key_and_the_key_before_the_server(
    server: ReasoningField,
    key: ReasoningField | None,
    request_: ReasoningField | None,
    expected: ReasoningField,
) -> None:
    known = Named(ana=Principal("ana", reasoning_field=key))
    wires = WireSettings(openai=OpenAISettings(reasoning_field=server))
    asked = {"include_reasoning": True, "reasoning_field": request_}
    model = ScriptedModel(*[[think("Hm."), say("Hi.")]] * 2)
    other = "reasoning" if expected == "reasoning_content" else "reasoning_content"
    async with serving(model, authenticator=known, wires=wires) as served:
        _, answer = await post(served, ANA, **asked)
        streamed = await chunks(served, ANA, **asked)
    message = answer["choices"][0]["message"]
    assert message[expected] == deltas(streamed, expected) == "Hm."
    assert other not in message
    assert deltas(streamed, other) == ""
