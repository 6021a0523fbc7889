"""The fields of a message are the same on every entry point."""

import inspect
from typing import Any

import pytest

from tests.server.serving import serving
from thinkaloud.agent_options import ChatOptions
from thinkaloud.errors import InvalidRequest
from thinkaloud.runtime.runs.request import MessageFields, RunRequest
from thinkaloud.server.run_request import run_request
from thinkaloud.server.schema.requests import ChatRequest
from thinkaloud.server.wires.page.commands import Message
from thinkaloud.testing import ScriptedModel

FIELDS: dict[str, Any] = {
    "context": {"k": 1},
    "context_files": ("a.txt",),
    "image_path": "b.png",
    "max_iterations": 3,
    "model": "scripted/model",
    "replaces": "run_1",
}
INTERNAL = {
    "system_prompt",
    "text",
    "idempotency_key",
    "stop_detached_after",
    "reasoning_policy",
    "unlisted",
}
PROTOCOLS = {
    "history",
    "instructions",
    "client_tools",
    "server_tools",
    "images",
    "options",
    "tool_results",
}
"""Only the protocols of other ecosystems have these."""


def test_this_test_sets_every_field() -> None:
    assert FIELDS.keys() == set(MessageFields.__struct_fields__)
    plain = RunRequest("Hi").shared_fields()
    assert [name for name, value in FIELDS.items() if value == plain[name]] == []


@pytest.mark.parametrize(
    "message",
    [ChatRequest("Hi", "c", **FIELDS), Message("c", "Hi", **FIELDS)],
    ids=["HTTP and the chat socket", "the page's socket"],
)
async def test_every_field_of_a_message_reaches_the_run(message: ChatRequest | Message) -> None:
    async with serving(ScriptedModel()) as served:
        request = run_request(message, served.services, "key")
    assert request.shared_fields() == FIELDS
    assert (request.text, request.conversation_id, request.idempotency_key) == ("Hi", "c", "key")


@pytest.mark.parametrize(
    "message",
    [
        ChatRequest("Hi", context_files=("a",) * 65),
        Message("c", "Hi", context_files=("a",) * 65),
    ],
    ids=["HTTP and the chat socket", "the page's socket"],
)
async def test_more_files_than_the_schema_allows_are_refused(
    message: ChatRequest | Message,
) -> None:
    async with serving(ScriptedModel()) as served:
        with pytest.raises(InvalidRequest, match="more than 64") as caught:
            run_request(message, served.services)
        assert caught.value.field == "context_files"


def test_python_accepts_every_field_of_a_request() -> None:
    names = set(inspect.get_annotations(ChatOptions))
    assert names == set(RunRequest.__struct_fields__) - INTERNAL - PROTOCOLS
