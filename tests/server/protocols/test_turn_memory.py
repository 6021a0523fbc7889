"""Which earlier responses count as the server's own."""

import math

import msgspec
import pytest

from thinkaloud.errors import InvalidRequest
from thinkaloud.events.event import (
    AnswerDelta,
    Event,
    IterationStarted,
    LoggedEvent,
    ModelResponded,
    ReasoningDelta,
    RunStarted,
    UserInput,
)
from thinkaloud.events.fold import RunFold
from thinkaloud.events.model import Origin, ProviderPayload
from thinkaloud.events.prompt import AnswerPart, AssistantTurn, ReasoningPart, UserTurn
from thinkaloud.ports.protocols.records import RecordLimits
from thinkaloud.server.protocols.history import HistoryBuilder
from thinkaloud.server.protocols.turn_memory import TurnMemory

ASKED = UserTurn("Why?")
SIGNED = ProviderPayload(Origin("d", "e", "m"), msgspec.Raw(b'{"signature":"abc"}'))


def response(thought: str, answer: str) -> RunFold:
    """A run with reasoning, and the provider's own form of it."""
    events: list[Event] = [
        RunStarted("h/m", 25, UserInput("Why?")),
        IterationStarted(1, 25, ""),
        ReasoningDelta("r1", thought),
        AnswerDelta("a1", answer),
        ModelResponded(1, "stop", "shown", native=SIGNED),
    ]
    logged = [LoggedEvent(seq, seq, "c", "run_1", event) for seq, event in enumerate(events, 1)]
    fold = RunFold(logged[0])
    for each in logged[1:]:
        fold.apply(each)
    return fold


def turns_for(memory: TurnMemory, owner: str, question: str, answer: str) -> tuple[object, ...]:
    """What a history with one question and answer becomes."""
    history = HistoryBuilder(owner, memory)
    history.user(question)
    history.assistant(answer)
    history.user("And?")
    return history.build().turns


async def test_an_own_response_is_sent_back_to_the_provider_with_its_reasoning_and_signature() -> (
    None
):
    memory = TurnMemory()
    await memory.keep("me", ASKED, None, response("Because it is.", "So."))
    whole = AssistantTurn((ReasoningPart("Because it is."), AnswerPart("So.")), SIGNED)
    assert turns_for(memory, "me", "Why?", " So.\n") == (ASKED, whole)


@pytest.mark.parametrize(
    ("owner", "question", "answer"),
    [("you", "Why?", "So."), ("me", "Why not?", "So."), ("me", "Why?", "So it is.")],
)
async def test_a_response_of_another_owner_or_to_another_question_is_not_taken_for_it(
    owner: str, question: str, answer: str
) -> None:
    memory = TurnMemory()
    await memory.keep("me", ASKED, None, response("Because it is.", "So."))
    given = AssistantTurn((AnswerPart(answer),))
    assert turns_for(memory, owner, question, answer) == (UserTurn(question), given)


async def test_the_memory_forgets_the_oldest_responses_at_its_limits() -> None:
    few = TurnMemory(limits=RecordLimits(2, 10_000, math.inf))
    small = TurnMemory(limits=RecordLimits(9, 1_000, math.inf))
    for number in range(4):
        await few.keep("me", ASKED, None, response("Hm.", f"{number}"))
        await small.keep("me", ASKED, None, response("x" * 300, f"{number}"))
    known = [few.recall("me", ASKED, f"{number}", ()) is not None for number in range(4)]
    assert known == [False, False, True, True]
    assert small.recall("me", ASKED, "0", ()) is None
    assert small.recall("me", ASKED, "3", ()) is not None
    await small.keep("me", ASKED, None, response("x" * 5_000, "large"))
    assert small.recall("me", ASKED, "large", ()) is None


def test_a_result_without_its_call_is_refused() -> None:
    history = HistoryBuilder("me", TurnMemory())
    history.user("Go")
    with pytest.raises(InvalidRequest, match="call_1"):
        history.result("call_1", "42")


def test_a_history_of_very_many_messages_of_the_user_is_read_in_linear_time() -> None:
    history = HistoryBuilder("me", TurnMemory())
    for _ in range(200_000):
        history.user("x" * 100)
    # Joining them one by one would copy two terabytes, and run into the time limit of the tests.
    assert len(history.build().text) == 200_000 * 102 - 2
