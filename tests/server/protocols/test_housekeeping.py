"""Which requests of front ends and command lines are housekeeping."""

import pytest

from thinkaloud.server.protocols.housekeeping import is_housekeeping

TITLE = "Generate a title for this conversation:\n\nHello"


@pytest.mark.parametrize(
    ("text", "streams", "tools", "expected"),
    [
        (TITLE, True, False, True),
        (TITLE, True, True, False),
        ("### Task:\nSuggest tags.", False, False, True),
        ("### Task:\nSuggest tags.", True, False, False),
        ("Hello", False, False, False),
    ],
)
def test_a_title_is_recognized_by_its_prompt_and_a_chat_is_not_taken_for_one(
    text: str, *, streams: bool, tools: bool, expected: bool
) -> None:
    found = is_housekeeping(text, streams=streams, tools=tools, max_tokens=None)
    assert found is expected
