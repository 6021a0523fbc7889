"""Fields that older servers and small gateways name differently."""

import pytest

from tests.providers.openai_chat.streams import delta, play, short, stream


@pytest.mark.promise("P1")
@pytest.mark.parametrize("field", ["thinking", "thought"])
def test_reasoning_under_another_name_is_shown_as_reasoning(field: str) -> None:
    body = stream(delta(**{field: "Hm. "}), delta(**{field: "So."}), delta("stop", content="Yes."))
    assert short(play(body))[:2] == [("reasoning", 0, "Hm. So."), ("answer", "Yes.")]


def test_a_call_in_the_form_before_tool_calls_is_a_tool_call() -> None:
    body = stream(
        delta(function_call={"name": "calculate", "arguments": ""}),
        delta(function_call={"arguments": '{"expression":'}),
        delta(function_call={"arguments": '"6*7"}'}),
        delta("function_call"),
    )
    events = short(play(body))
    assert ("calculate", '{"expression":"6*7"}') in [event[-2:] for event in events]
    assert events[-1][1] == "tool_calls"
