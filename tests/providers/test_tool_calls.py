"""Tool calls as servers really send them, in every API format."""

import json
import re
from typing import Any

import pytest

from tests.providers.bedrock_converse import wires as converse
from tests.providers.openai_chat.streams import delta, native, short, stream
from tests.providers.openai_chat.streams import play as play_chat
from tests.providers.playback import DecodedResponse, play
from tests.providers.streams import WIRES, ResponseText
from thinkaloud.events.model import ModelFailed
from thinkaloud.providers.dialects.toolcalls import MAX_CALLS

TWO = {"a": 1, "b": [2, "ü"]}


def calls(*fragments: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the calls of a Chat Completions stream with a chunk for each fragment."""
    body = stream(*(delta(tool_calls=[fragment]) for fragment in fragments), delta("tool_calls"))
    events = play_chat(body)
    assert short(play_chat(body, size=1)) == short(events)
    opened = {event[1:] for event in short(events) if event[0] == "opened"}
    found = [event[1:] for event in short(events) if event[0] == "call"]
    assert opened == {call[:2] for call in found}
    return found  # type: ignore[return-value]


def part(arguments: object, index: int | None = 0, **more: Any) -> dict[str, Any]:
    name = {"name": more.pop("name")} if "name" in more else {}
    place = {} if index is None else {"index": index}
    return {**place, **more, "function": {**name, "arguments": arguments}}


@pytest.mark.parametrize(
    "name",
    [
        "f<|channel|>commentary",
        "f<|channel|>json",
        "f <|constrain|>json",
        "functions.f",
        "<|channel|>commentary to=functions.f",
        "<|start|>f",
        "to=functions.f<|message|>",
        " f ",
    ],
)
def test_a_name_is_read_without_the_control_tokens_of_gpt_oss(name: str) -> None:
    assert calls(part("{}", id="c", name=name)) == [("c", "f", "{}")]


@pytest.mark.parametrize("wire", [name for name in WIRES if name != "bedrock-converse"])
@pytest.mark.parametrize("leak", [b"<|channel|>commentary", b"<|constrain|>json"])
def test_control_tokens_are_removed_from_names_in_every_dialect_and_not_sent_back(
    wire: str, leak: bytes
) -> None:
    body = WIRES[wire].body(ResponseText(["Hm"], call=['{"at": 1}']))
    got = play(WIRES[wire].decoder(), [body.replace(b'"look_up"', b'"look_up%b"' % leak)])
    assert [call.name for call in got.calls] == ["look_up"]
    if got.finished.native is not None:
        assert b"<|" not in bytes(got.finished.native.payload)


@pytest.mark.parametrize(
    ("fragments", "expected"),
    [
        pytest.param(
            [part('{"a":1}', id="", name="f"), part("{}", id="", name="g")],
            [("f", '{"a":1}'), ("g", "{}")],
            id="other names",
        ),
        pytest.param(
            [part('{"a":1}', name="f"), part('{"a":2}', name="f")],
            [("f", '{"a":1}'), ("f", '{"a":2}')],
            id="one name, whole",
        ),
        pytest.param(
            [part("", name="f"), part('{"a"'), part(":1}"), part("", name="f"), part('{"a":2}')],
            [("f", '{"a":1}'), ("f", '{"a":2}')],
            id="one name, in pieces",
        ),
        pytest.param(
            [part('{"a":1}', id="x", name="f"), part('{"a":2}', id="x", name="f")],
            [("f", '{"a":1}'), ("f", '{"a":2}')],
            id="one id too",
        ),
        pytest.param(
            [part('{"a"', name="f"), part(":1}", name="f")],
            [("f", '{"a":1}')],
            id="the name with every piece",
        ),
        pytest.param(
            [part('{"a"', None, name="f"), part(":1}", None, name="f"), part("{}", None, name="g")],
            [("f", '{"a":1}'), ("g", "{}")],
            id="the name with every piece, no index",
        ),
    ],
)
def test_two_calls_under_one_index_stay_two_and_a_split_call_is_one(fragments, expected) -> None:
    found = calls(*fragments)
    assert [call[1:] for call in found] == expected
    assert len({call[0] for call in found}) == len(found)


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([{}, '{"a": 1, ', '"b": [2, "ü"]}'], id="object before"),
        pytest.param(["{}", json.dumps(TWO)], id="text of an object before"),
        pytest.param([None, "null", json.dumps(TWO)], id="null before"),
        pytest.param(['{"a": 1, ', '"b": [2, "ü"]}', json.dumps(TWO)], id="whole again"),
        pytest.param(['{"a": 1, ', '"b": [2, "ü"]}', '{"a":1,"b":[2,"ü"]}'], id="spaced otherwise"),
        pytest.param(['{"a": 1, ', '"b": [2, "ü"]}', TWO], id="object at the end"),
        pytest.param(['{"a"', '{"a": 1, "b', json.dumps(TWO)], id="cumulative text"),
        pytest.param([{"a": 1}, TWO], id="cumulative objects"),
        pytest.param([json.dumps(TWO), "{}"], id="empty object behind"),
        pytest.param([json.dumps(json.dumps(TWO))], id="JSON in a JSON string"),
        pytest.param(["<|message|>", json.dumps(TWO), "<|call|>"], id="control tokens around"),
        pytest.param([TWO], id="object"),
    ],
)
def test_arguments_are_whole_however_they_are_sent(pieces: list[object]) -> None:
    first, *rest = pieces
    for again in ({}, {"name": "f", "id": "c"}):
        found = calls(part(first, id="c", name="f"), *(part(piece, **again) for piece in rest))
        assert [(call[0], json.loads(call[2])) for call in found] == [("c", TWO)]


PIECES = {
    "placeholder": ["{}", '{"at"', ": 1}"],
    "whole again": ['{"at"', ": 1}", '{"at": 1}'],
    "cumulative": ['{"at"', '{"at": 1}'],
}


@pytest.mark.parametrize("sent", PIECES)
@pytest.mark.parametrize(
    "wire", [n for n in WIRES if n not in ("google-generate", "ollama-chat", "openai-responses")]
)
def test_repeated_arguments_are_one_object_on_every_wire_and_are_sent_back_as_it(
    wire: str, sent: str
) -> None:
    got = play(WIRES[wire].decoder(), [WIRES[wire].body(ResponseText(["Hm"], call=PIECES[sent]))])
    assert [json.loads(call.arguments) for call in got.calls] == [{"at": 1}]
    if got.finished.native is not None:
        sent_back = bytes(got.finished.native.payload).decode()
        assert len(re.findall(r"at\W+1", sent_back)) == 1


def test_arguments_that_an_item_of_responses_repeats_are_sent_back_once() -> None:
    body = WIRES["openai-responses"].body(ResponseText(call=['{"at": 1}']))
    twice = body.replace(rb'"{\"at\": 1}"', rb'"{}{\"at\": 1}{\"at\":1}"')
    assert twice != body
    got = play(WIRES["openai-responses"].decoder(), [twice])
    assert [json.loads(call.arguments) for call in got.calls] == [{"at": 1}]
    native_ = got.finished.native
    assert native_ is not None
    (item,) = json.loads(bytes(native_.payload))
    assert json.loads(item["arguments"]) == {"at": 1}


def test_arguments_that_are_not_json_stay_unchanged() -> None:
    for pieces in (['{"a":1', "}x"], ['{"a":1}', '{"a":2}'], ["[1", ",2]"], ['{"a":'], ["hello"]):
        found = calls(part("", id="c", name="f"), *(part(piece) for piece in pieces))
        assert found == [("c", "f", "".join(pieces))]


def test_an_index_per_piece_opens_one_call() -> None:
    found = calls(part("", 0, id="c", name="f"), part('{"a"', 1), part(":1}", 2))
    assert found == [("c", "f", '{"a":1}')]


def test_one_id_for_two_calls_becomes_two_and_both_are_sent_back() -> None:
    same = [part('{"a":1}', 0, id="f:0", name="f"), part('{"a":2}', 1, id="f:0", name="f")]
    assert calls(*same) == [("f:0", "f", '{"a":1}'), ("f:0_2", "f", '{"a":2}')]
    body = stream(delta(reasoning_content="Hm"), delta("tool_calls", tool_calls=same))
    message = native(play_chat(body))
    assert [call["id"] for call in message["tool_calls"]] == ["f:0", "f:0_2"]
    assert calls(same[0], {**same[0], "index": 1}) == [("f:0", "f", '{"a":1}')]


def two_calls(wire: str) -> DecodedResponse:
    """Two calls of one id in one response."""
    if wire == "bedrock-converse":
        blocks = [
            *converse.tool(0, "tooluse_a", "look_up", '{"at": 1}'),
            *converse.tool(1, "tooluse_a", "look_up", '{"at": 2}'),
        ]
        body = converse.wire(converse.message_start(), *blocks, *converse.stop("tool_use"))
        return play(WIRES[wire].decoder(), [body])
    frame = WIRES[wire].events(ResponseText())
    events = WIRES[wire].events(ResponseText(call=['{"at": 1}']))
    other = WIRES[wire].events(ResponseText(call=['{"at": 2}']))
    begin = next(n for n, event in enumerate(events) if b"look_up" in event)
    end = len(events) - (len(frame) - begin)
    key = rb'"(output_index|index)": (\d+)'
    twice = [
        re.sub(key, lambda m: b'"%b": %d' % (m[1], int(m[2]) + 1), event)
        for event in other[begin:end]
    ]
    body = b"".join([*events[:end], *twice, *events[end:]])
    if wire == "google-generate":
        body = body.replace(b'"functionCall": {"', b'"functionCall": {"id": "a", "')
    if wire == "ollama-chat":
        body = body.replace(b'{"function"', b'{"id": "a", "function"')
    return play(WIRES[wire].decoder(), [body])


@pytest.mark.parametrize(
    "wire",
    [
        "anthropic-messages",
        "google-interactions",
        "cohere-chat",
        "ollama-chat",
        "bedrock-converse",
        "openai-responses",
        "google-generate",
    ],
)
def test_one_id_for_two_calls_becomes_two_on_every_wire(wire: str) -> None:
    got = two_calls(wire)
    assert [json.loads(call.arguments) for call in got.calls] == [{"at": 1}, {"at": 2}]
    first, second = (call.tool_call_id for call in got.calls)
    assert second == f"{first}_2"
    if got.finished.native is not None:
        assert bytes(got.finished.native.payload).count(second.encode()) == 1


@pytest.mark.parametrize("wire", WIRES)
def test_arguments_without_an_end_are_cut_off_and_not_held(wire: str) -> None:
    pieces = ['{"at": "', *["x" * 1_000_000] * 9, '"}']
    got = play(WIRES[wire].decoder(), WIRES[wire].events(ResponseText(call=pieces)))
    assert isinstance(got.end, ModelFailed)
    assert got.failed.code == "provider_stream_cut"
    assert not got.failed.retryable
    assert "8,000,000 characters of arguments" in got.failed.message
    assert not got.calls


def test_calls_without_an_end_are_cut_off() -> None:
    fragments = [part("{}", n, id=f"c{n}", name="f") for n in range(MAX_CALLS + 1)]
    last = play_chat(stream(delta(tool_calls=fragments), delta("tool_calls")))[-1]
    assert isinstance(last, ModelFailed)
    assert "more than 1,000 tool calls" in last.message
    assert not last.retryable
