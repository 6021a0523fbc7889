import json
from pathlib import Path

import pytest

from tests.providers.upstream import giving, models_of
from tests.providers.upstream import serving as providing
from tests.server.serving import exchange_over, serving
from thinkaloud.events.model import AnswerText, Reclassified
from thinkaloud.events.prompt import AnswerPart, AssistantTurn
from thinkaloud.providers.scripted import ScriptedModel, say
from thinkaloud.stores.sqlite import SqliteStore

SECRET = "xylophone"
DENY = '[server]\nshow_reasoning = "deny"\n'


def chat(*content: str) -> bytes:
    """Return a Chat Completions stream with these pieces of content."""
    chunks = [{"choices": [{"delta": {"content": each}}]} for each in content]
    chunks.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    return b"".join(b"data: %b\n\n" % json.dumps(each).encode() for each in chunks)


def messages(*content: str) -> bytes:
    """Return a Messages stream with these pieces of text."""
    events = [
        {"type": "message_start", "message": {"role": "assistant", "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": each},
            }
            for each in content
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}},
        {"type": "message_stop"},
    ]
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (each["type"].encode(), json.dumps(each).encode())
        for each in events
    )


def lines(*content: str) -> bytes:
    """Return Ollama's lines with these pieces of content."""
    chunks: list[object] = [{"message": {"content": each}, "done": False} for each in content]
    chunks.append({"message": {"content": ""}, "done": True, "done_reason": "stop"})
    return b"".join(json.dumps(each).encode() + b"\n" for each in chunks)


WIRES = {
    "openai-chat": (chat, "text/event-stream", "/v1"),
    "anthropic-messages": (messages, "text/event-stream", ""),
    "ollama-chat": (lines, "application/x-ndjson", ""),
}
LEAKS = [
    (f"<Think>{SECRET}</think>Fine.", "Fine."),
    (f"<think foo>{SECRET}</think>Fine.", "Fine."),
    (f"<think>{SECRET}</thinking>Fine.", "Fine."),
    (f"<think>a<think>b</think>{SECRET}</think>Fine.", "Fine."),
    (f"<think></think><think>{SECRET}</think>Fine.", "Fine."),
    (f"Fine, <think>{SECRET}</think>yes.", "Fine, \n\nyes."),
    (f"<|channel>thought\n{SECRET}<channel|>Fine.", "Fine."),
    (f"<mm:think>{SECRET}</mm:think>Fine.", "Fine."),
    (f"<|START_THINKING|>{SECRET}<|END_THINKING|>Fine.", "Fine."),
    ("Write `<think>` and:\n```\n<think>\n```\n", "Write `<think>` and:\n```\n<think>\n```\n"),
]


@pytest.mark.promise("P1", "P7")
@pytest.mark.parametrize("dialect", WIRES)
@pytest.mark.parametrize(("text", "answer"), LEAKS)
async def test_a_server_that_withholds_reasoning_sends_no_reasoning_inside_the_answer(
    dialect: str, text: str, answer: str, tmp_path: Path
) -> None:
    body, kind, tail = WIRES[dialect]
    async with providing(giving(body(*text), content_type=kind)) as upstream:
        toml = f'{DENY}[hosts.lab]\ndialect = "{dialect}"\nbase_url = "{upstream.url}{tail}"\n'
        async with (
            models_of(toml, tmp_path) as models,
            serving(models.open("lab/m"), show_reasoning="deny") as served,
        ):
            received = await exchange_over("sse", served, include_reasoning=True)
    assert received.complete is not None
    assert received.complete["response"] == received.texts("token") == answer
    assert SECRET not in json.dumps(received.frames)


@pytest.mark.promise("P1", "P7")
@pytest.mark.parametrize(
    "model", ["Qwen3-30B-A3B-Thinking-2507", "QwQ-32B", "DeepSeek-R1", "MiniMax-M2", "GLM-Z1-9B"]
)
async def test_a_model_that_begins_inside_a_thought_never_shows_it_as_answer(
    model: str, tmp_path: Path
) -> None:
    body = chat(f"{SECRET}. ", "So.", "</think>", "\n\nFine.")
    async with providing(giving(body)) as upstream:
        toml = f'{DENY}[hosts.lab]\ndialect = "openai-chat"\nbase_url = "{upstream.url}"\n'
        async with (
            models_of(toml, tmp_path) as models,
            serving(models.open(f"lab/{model}"), show_reasoning="deny") as served,
        ):
            received = await exchange_over("sse", served)
    assert received.texts("token") == "\n\nFine."
    assert SECRET not in json.dumps(received.frames)


async def test_an_answer_of_a_server_that_removes_the_thought_stays_an_answer(
    tmp_path: Path,
) -> None:
    async with providing(giving(chat("All ", "fine."))) as upstream:
        toml = f'[hosts.lab]\ndialect = "openai-chat"\nbase_url = "{upstream.url}"\n'
        async with (
            models_of(toml, tmp_path) as models,
            serving(models.open("lab/QwQ-32B")) as served,
        ):
            received = await exchange_over("sse", served, include_reasoning=True)
    assert received.complete is not None
    assert received.complete["response"] == received.texts("token") == "All fine."
    assert received.complete["reasoning"] == ""
    (again,) = received.named("reclassified")
    assert again["to"] == "withdrawn"


@pytest.mark.promise("P1", "P7", "P8")
async def test_a_thought_that_was_streamed_as_answer_is_in_nothing_that_is_read_later(
    tmp_path: Path,
) -> None:
    script = [AnswerText(f"{SECRET} is what "), *say("I think."), Reclassified("reasoning")]
    model = ScriptedModel([*script, *say("Fine.")], [say("Again.")])
    async with (
        SqliteStore.open(tmp_path / "kept.db") as store,
        serving(model, store=store, show_reasoning="deny") as served,
    ):
        received = await exchange_over("sse", served)
        assert received.complete is not None
        conversation = f"/conversations/{received.complete['conversation_id']}"
        run = f"/runs/{received.complete['run_id']}"
        read = b""
        for path in (f"{conversation}/messages", f"{conversation}/export", run, f"{run}/events"):
            async with served.session.get(served.api + path) as response:
                assert response.status == 200
                read += await response.read()
        _, listed = await served.get("/conversations")
        _, found = await served.get(f"/conversations?search={SECRET}")
        await exchange_over("rest", served, conversation_id=received.complete["conversation_id"])
    assert received.complete["response"] == "Fine."
    assert received.named("notice")[0]["code"] == "reasoning_reclassified"
    (frame,) = received.named("reclassified")
    dropped = "".join(
        token["token"]
        for token in received.named("token")
        if token["segment_id"] != frame["segment_id"]
    )
    assert dropped == "Fine."
    assert SECRET.encode() not in read
    assert SECRET not in json.dumps(listed)
    assert found["conversations"] == []
    (turn,) = [turn for turn in model.requests[1].turns if isinstance(turn, AssistantTurn)]
    assert [part.text for part in turn.parts if isinstance(part, AnswerPart)] == ["Fine."]
