"""A rejected request causes no loop, no retry after visible text, and no wrong conclusion about other requests."""

import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.refusals.picky import (
    CALLING,
    FINAL,
    answer_of,
    asked,
    asking,
    bodies,
    error,
    holds,
    notices,
    picky,
)
from tests.providers.streams import WIRES, ResponseText
from tests.providers.targets import bound
from tests.providers.upstream import END
from thinkaloud.events.event import Event, RunEnded
from thinkaloud.events.prompt import ModelRequest, UserTurn
from thinkaloud.providers.rejection import SentRequest, error_text, rejected_part


def code_of(events: list[Event]) -> str | None:
    end = events[-1]
    assert isinstance(end, RunEnded)
    return end.error.code if end.error else None


NO_TOOLS = error("This model does not support tools.")


async def test_several_rejected_parts_are_left_out_one_after_the_other(tmp_path: Path) -> None:
    def refuses(body: dict[str, Any]) -> dict[str, object] | None:
        if "tools" in body:
            return NO_TOOLS
        if "stream_options" in body:
            return error("Unknown parameter: stream_options")
        if "reasoning_effort" in body:
            return error("reasoning_effort is not supported")
        return None

    async def answer(request: web.Request) -> web.StreamResponse:
        refusal = refuses(json.loads(await request.read()))
        if refusal is not None:
            return web.json_response(refusal, status=400)
        body = WIRES["openai-chat"].body(FINAL)
        return web.Response(body=body, content_type="text/event-stream")

    async with asking(answer, tmp_path) as (runs, upstream):
        events = await asked(runs, reasoning_effort="low")
        assert answer_of(events) == "Yes."
        assert notices(events) == ["request_part_dropped"] * 3
        assert len(upstream.bodies) == 4
        assert notices(await asked(runs)) == []
        assert len(upstream.bodies) == 5


@pytest.mark.promise("P6")
async def test_a_part_is_left_out_once_and_the_second_refusal_is_reported(tmp_path: Path) -> None:
    answer = picky("openai-chat", lambda body: True, NO_TOOLS)
    async with asking(answer, tmp_path) as (runs, upstream):
        events = await asked(runs)
        assert code_of(events) == "provider_bad_request"
        assert len(upstream.bodies) == 2


async def test_an_unsuccessful_omission_is_not_remembered(tmp_path: Path) -> None:
    broken = True
    answer = picky("openai-chat", lambda body: broken, NO_TOOLS)
    async with asking(answer, tmp_path) as (runs, upstream):
        await asked(runs)
        broken = False
        assert answer_of(await asked(runs)) == "Yes."
        assert "tools" in bodies(upstream)[-1]


@pytest.mark.promise("P6")
async def test_after_visible_text_a_refusal_ends_the_run(tmp_path: Path) -> None:
    words = b'data: {"error":{"message":"This model does not support tools.","code":400}}\n\n'
    thought = b'data: {"choices":[{"delta":{"reasoning_content":"Hm."}}]}\n\n'

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=thought + words, content_type="text/event-stream")

    async with asking(answer, tmp_path) as (runs, upstream):
        assert code_of(await asked(runs)) == "provider_bad_request"
        assert len(upstream.bodies) == 1


async def test_a_refusal_inside_a_stream_is_understood_too(tmp_path: Path) -> None:
    words = b'data: {"error":{"message":"This model does not support tools.","code":400}}\n\n'
    response = b'data: {"choices":[{"delta":{"content":"Yes."}}]}\n\n'

    async def answer(request: web.Request) -> web.StreamResponse:
        refused = "tools" in json.loads(await request.read())
        return web.Response(
            body=words if refused else response + END, content_type="text/event-stream"
        )

    async with asking(answer, tmp_path) as (runs, _):
        events = await asked(runs)
        assert answer_of(events) == "Yes."
        assert notices(events) == ["request_part_dropped"]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "This model's maximum context length is 8192 tokens; you sent 9000."),
        (400, "Invalid schema for function 'look_up': 'x' is not permitted."),
        (400, "tools.0.custom.input_schema: JSON schema is not supported"),
        (400, "The reasoning_content in the thinking mode must be passed back to the API."),
        (400, "The model `m` does not exist or is not supported."),
        (400, "Images are not supported."),
        (400, "Invalid `signature` in `thinking` block"),
        (401, "Your key does not support tools."),
        (429, "Tools are not supported on the free tier: too many requests."),
        (400, "no luck"),
    ],
)
async def test_a_refusal_of_something_that_was_not_sent_is_not_retried(
    status: int, words: str, tmp_path: Path
) -> None:
    answer = picky("openai-chat", lambda body: True, error(words), status=status)
    async with asking(answer, tmp_path) as (runs, upstream):
        events = await asked(runs)
        assert code_of(events) is not None
        assert "request_part_dropped" not in notices(events)
        assert "opaque_reasoning_dropped" not in notices(events)
        assert all("tools" in body for body in bodies(upstream))


async def test_the_request_echoed_in_an_error_is_ignored(tmp_path: Path) -> None:
    echo = {"detail": [{"loc": ["body", "seed"], "msg": "not supported", "input": "the tools"}]}
    answer = picky("openai-chat", lambda body: True, echo, status=422)
    async with asking(answer, tmp_path) as (runs, upstream):
        await asked(runs)
        assert len(upstream.bodies) == 1


async def test_calls_and_results_of_earlier_turns_become_text_without_tools(
    tmp_path: Path,
) -> None:
    refusing = False
    answer = picky(
        "openai-chat", lambda body: refusing and "tools" in body, NO_TOOLS, says=(CALLING, FINAL)
    )
    async with asking(answer, tmp_path) as (runs, upstream):
        await asked(runs, "Look.", conversation_id="c")
        refusing = True
        assert answer_of(await asked(runs, "And?", conversation_id="c")) == "Yes."
        messages = bodies(upstream)[-1]["messages"]
        assert {message["role"] for message in messages} == {"system", "user", "assistant"}
        assert "look_up" in messages[2]["content"]
        assert "found it" in messages[3]["content"]
        assert messages[-1]["content"] == "And?"


async def test_reasoning_that_is_sent_back_in_a_list_is_dropped_where_content_must_be_a_string(
    tmp_path: Path,
) -> None:
    def mistral(response: ResponseText) -> bytes:
        part = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
        deltas: list[dict[str, object]] = [{"content": [part]}, {"content": "Yes."}]
        lines = [b"data: %b\n\n" % json.dumps({"choices": [{"delta": d}]}).encode() for d in deltas]
        return b"".join(lines) + END

    words = {
        "detail": [
            {"loc": ["body", "messages", 2, "content"], "msg": "Input should be a valid string"}
        ]
    }
    answer = picky("openai-chat", holds('"thinking"'), words, status=422, wire=mistral)
    async with asking(answer, tmp_path) as (runs, _):
        await asked(runs, conversation_id="c")
        events = await asked(runs, conversation_id="c")
        assert answer_of(events) == "Yes."
        assert notices(events) == ["opaque_reasoning_dropped"]


async def test_a_rejected_effort_does_not_affect_other_efforts(tmp_path: Path) -> None:
    words = error("'reasoning_effort' does not support 'high'. Supported values: 'low'.")
    answer = picky("openai-chat", lambda body: body.get("reasoning_effort") == "high", words)
    async with asking(answer, tmp_path) as (runs, upstream):
        notified: list[bool] = []
        for effort in ("high", "low", "high"):
            events = await asked(runs, reasoning_effort=effort)
            assert answer_of(events) == "Yes."
            notified.append(bool(notices(events)))
        assert notified == [True, False, True]
        sent = [body.get("reasoning_effort") for body in bodies(upstream)]
        assert sent == ["high", None, "low", None]


async def test_an_unsupported_picture_is_reported_for_every_message(
    tmp_path: Path,
) -> None:
    answer = picky("openai-chat", holds("image_url"), error("Image input is not supported."))
    async with asking(answer, tmp_path) as (runs, upstream):
        notified = [
            notices(await asked(runs, "Look.", image_path=picture, conversation_id="c"))
            for picture in ("picture", "picture", None)
        ]
        assert notified == [["request_part_dropped"], ["request_part_dropped"], []]
        assert len(upstream.bodies) == 4


BAD_SIGNATURE = error("messages.1.content.0: Invalid `signature` in `thinking` block")


@pytest.mark.promise("P12")
@pytest.mark.promise("P13")
async def test_one_conversations_bad_signature_does_not_affect_others(tmp_path: Path) -> None:
    refused_text = "forged"
    answer = picky(
        "anthropic-messages",
        lambda body: refused_text in json.dumps(body) and "signature" in json.dumps(body),
        BAD_SIGNATURE,
        says=(CALLING, FINAL, CALLING, FINAL),
    )
    async with asking(answer, tmp_path, "anthropic-messages") as (runs, upstream):
        first = await asked(runs, refused_text, conversation_id="a")
        assert notices(first) == ["opaque_reasoning_dropped"]
        other = await asked(runs, "Hello", conversation_id="b")
        assert (answer_of(other), notices(other)) == ("Yes.", [])
        assert "signature" in json.dumps(bodies(upstream)[-1])


async def test_a_host_that_refuses_every_signature_is_sent_no_more_of_them(tmp_path: Path) -> None:
    says = (CALLING, FINAL, CALLING, FINAL, CALLING, FINAL)
    answer = picky("anthropic-messages", holds("signature"), BAD_SIGNATURE, says=says)
    async with asking(answer, tmp_path, "anthropic-messages") as (runs, _):
        notified = [notices(await asked(runs)) for _ in range(3)]
    assert notified == [["opaque_reasoning_dropped"], ["opaque_reasoning_dropped"], []]


@pytest.mark.promise("P13")
async def test_remaining_parts_are_sent_byte_for_byte(tmp_path: Path) -> None:
    def wire(response: ResponseText) -> bytes:
        if response is FINAL:
            return WIRES["openai-chat"].body(response)
        detail = '{"type":"reasoning.encrypted","data":"eA\\/\\u0041==","index":0}'
        thought = f'{{"choices":[{{"delta":{{"reasoning_details":[{detail}]}}}}]}}'
        call = '{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"look_up"}}]}}]}'
        return f"data: {thought}\n\ndata: {call}\n\n".encode() + END

    def refuses(body: dict[str, Any]) -> bool:
        return "stream_options" in body and len(body["messages"]) > 2

    words = error("Unknown parameter: stream_options")
    answer = picky("openai-chat", refuses, words, says=(CALLING, FINAL), wire=wire)
    async with asking(answer, tmp_path) as (runs, upstream):
        assert answer_of(await asked(runs)) == "Yes."
        before, after = upstream.bodies[-2:]
        assert before.replace(b'"stream_options":{"include_usage":true},', b"") == after


@given(body=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_an_error_body_may_contain_anything(body: bytes) -> None:
    response = error_text(body)
    assert len(response) <= 4_000
    asking = ModelRequest("m", (UserTurn("Hi"),), system="Be brief.", effort="high")
    dialect = bound("openai-chat")
    sent = SentRequest(asking, dialect.encode(asking), dialect.origin)
    assert isinstance(rejected_part(response, sent), str)


def test_a_very_long_error_is_truncated() -> None:
    error = {"error": {"message": "no " * 50_000, "details": [["deep"] * 9] * 9_000}}
    assert len(error_text(json.dumps(error).encode())) == 4_000
    assert error_text(b"[" * 100_000)
