"""The fast path for delta frames encodes them like all other frames."""

import pytest

from thinkaloud.events.event import AnswerDelta, LoggedEvent, ReasoningDelta
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.server.wires.chat.encode import Form, chat_wire
from thinkaloud.server.wires.chat.frames import Reasoning, ReasoningFrame, Token, TokenFrame

TEXTS = ["word", "", 'a "quote"\n\ndata: x', "🙂 Grüße", "\u2028line\u2029and\u0085next"]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("form", ["text", "sse"])
def test_a_delta_is_framed_like_every_other_event(form: Form, text: str) -> None:
    wire = chat_wire(form, reasoning=True)
    answer = LoggedEvent(7, 1_790_000_000_000, "c", "run_1", AnswerDelta("1:a1", text))
    thought = LoggedEvent(8, 1_790_000_000_000, "c", "run_1", ReasoningDelta("1:r1", text, 2))

    assert wire.encode(Entry(answer, 7)) == wire.write(TokenFrame(Token(text, "1:a1"), 7, "run_1"))
    assert wire.encode(Entry(thought, 8)) == wire.write(
        ReasoningFrame(Reasoning(text, "1:r1", thought.at_ms, 2), 8, "run_1")
    )


@pytest.mark.promise("P1", "P7")
@pytest.mark.parametrize("form", ["text", "sse"])
def test_two_wires_that_share_an_event_each_get_their_own_frame(form: Form) -> None:
    plain, whole = chat_wire(form, reasoning=False), chat_wire(form, reasoning=True)
    other = chat_wire("sse" if form == "text" else "text", reasoning=True)
    entry = Entry(LoggedEvent(8, 1, "c", "run_1", ReasoningDelta("1:r1", "Hm.", 0)), 8)

    frames = [whole.encode(entry), plain.encode(entry), other.encode(entry)]
    assert frames[1] is None
    assert frames[0] != frames[2]
    assert [whole.encode(entry), plain.encode(entry), other.encode(entry)] == frames
