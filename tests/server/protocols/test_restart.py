"""What clients of other protocols rely on is still there after a restart, unless they forbid it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typing_extensions import override

from tests.server.protocols.anthropic_messages import asking as anthropic
from tests.server.protocols.openai_chat import asking as openai
from tests.server.protocols.openai_responses.test_responses_python import SUMMARY
from tests.server.serving import Json, Served, serving
from thinkaloud.events.prompt import AnswerPart, AssistantTurn, ReasoningPart, Turn, UserTurn
from thinkaloud.ports.clock import Clock, SystemClock
from thinkaloud.server.wire_settings import DAY_MS, WireSettings
from thinkaloud.stores.protocol_records import SqliteProtocolRecords
from thinkaloud.stores.sqlite import SqliteStore
from thinkaloud.testing import ScriptedModel, say, think

SECRET = "Xylophones are wooden."
MODEL = "scripted/model"
SAVED = WireSettings(remember_days=7)
HISTORY = [
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hi."},
    {"role": "user", "content": "And?"},
]
ASKED, NEXT = UserTurn("Hello"), UserTurn("And?")
WHOLE = AssistantTurn((ReasoningPart(SECRET), AnswerPart("Hi.")))
GIVEN = AssistantTurn((AnswerPart("Hi."),))


class LaterClock(SystemClock):
    """A clock that can be set forward. What happens every hour happens once."""

    def __init__(self) -> None:
        self.days = 0
        self.trimmed = asyncio.Event()

    @override
    def unix_ms(self) -> int:
        return super().unix_ms() + self.days * DAY_MS

    @override
    async def sleep(self, seconds: float) -> None:
        if seconds == 3_600.0:
            self.trimmed.set()
            await asyncio.Event().wait()
        await super().sleep(seconds)


@asynccontextmanager
async def started(
    folder: Path, model: ScriptedModel, clock: Clock | None = None, **options: Any
) -> AsyncGenerator[Served]:
    """Serve from a data directory, as after a start."""
    async with (
        SqliteStore.open(folder / "thinkaloud.db") as store,
        SqliteProtocolRecords.open(folder / "protocols.db") as records,
        serving(model, store=store, records=records, clock=clock, **options) as served,
    ):
        yield served


def thinking() -> ScriptedModel:
    return ScriptedModel([think(SECRET), say("Hi.")], [say("So.")])


def prompt(model: ScriptedModel) -> tuple[Turn, ...]:
    """The turns of the last request, without the provider's own form of them."""
    turns = model.requests[-1].turns
    return tuple(
        msgspec.structs.replace(turn, native=None) if isinstance(turn, AssistantTurn) else turn
        for turn in turns
    )


def files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def respond(served: Served, **body: Any) -> Json:
    url = f"{served.url}/v1/responses"
    async with served.session.post(url, json={"model": MODEL, **body}) as response:
        assert response.status == 200, await response.text()
        found: Json = await response.json()
        return found


async def retrieve(served: Served, path: str) -> tuple[int, Json]:
    async with served.session.get(f"{served.url}/v1/responses/{path}") as response:
        return response.status, await response.json()


@pytest.mark.parametrize(
    ("options", "body", "expected"),
    [
        ({"wires": SAVED}, {}, WHOLE),
        ({"wires": SAVED}, {"store": False}, GIVEN),
        ({}, {}, GIVEN),
    ],
)
async def test_a_model_gets_its_reasoning_back_after_a_restart_if_it_may_be_saved(
    tmp_path: Path, options: Any, body: Json, expected: Turn
) -> None:
    model = thinking()
    async with started(tmp_path, model, **options) as served:
        await openai.post(served, **body)
    assert (SECRET.encode() in files(tmp_path)) is (expected is WHOLE)
    async with started(tmp_path, model, **options) as served:
        status, _ = await openai.post(served, messages=HISTORY)
    assert status == 200
    assert prompt(model) == (ASKED, expected, NEXT)


async def test_responses_without_store_are_remembered_until_a_restart_and_never_saved(
    tmp_path: Path,
) -> None:
    model = thinking()
    async with started(tmp_path, model, wires=SAVED) as served:
        found = await respond(served, input="Hello", store=False, reasoning=SUMMARY)
        await respond(served, input=HISTORY, store=False)
        assert (await retrieve(served, found["id"]))[0] == 404
    assert prompt(model) == (ASKED, WHOLE, NEXT)
    assert SECRET.encode() not in files(tmp_path)


async def test_remembered_reasoning_is_deleted_from_memory_and_disk_after_its_days(
    tmp_path: Path,
) -> None:
    model, clock = thinking(), LaterClock()
    settings = WireSettings(remember_days=2)
    async with started(tmp_path, model, clock, wires=settings) as served:
        await openai.post(served)
        clock.days = 3
        await openai.post(served, messages=HISTORY)
        assert prompt(model) == (ASKED, GIVEN, NEXT)
        async with served.app.expiring():
            await clock.trimmed.wait()
        assert await served.services.records.newer("turn") == []


async def test_a_signature_of_thinking_is_valid_after_a_restart(tmp_path: Path) -> None:
    model = thinking()
    async with started(tmp_path, model) as served:
        _, message = await anthropic.post(served, thinking=anthropic.THINKING)
    history = [HISTORY[0], {"role": "assistant", "content": message["content"]}, HISTORY[2]]
    async with started(tmp_path, model) as served:
        await anthropic.post(served, messages=history)
    assert prompt(model) == (ASKED, WHOLE, NEXT)


async def test_a_response_is_retrieved_resumed_and_continued_after_a_restart(
    tmp_path: Path,
) -> None:
    model = thinking()
    async with started(tmp_path, model) as served:
        created = await respond(
            served, input="Hello", reasoning=SUMMARY, metadata={"a": "b"}, temperature=0.5
        )
    async with started(tmp_path, model) as served:
        assert await retrieve(served, created["id"]) == (200, created)
        url = f"{served.url}/v1/responses/{created['id']}?stream=true&starting_after=3"
        async with served.session.get(url) as response:
            events = await response.text()
        _, items = await retrieve(served, f"{created['id']}/input_items")
        following = await respond(served, input="And?", previous_response_id=created["id"])
        _, listed = await served.get("/conversations")
    assert events.startswith("event: response.")
    assert '"sequence_number":4' in events.split("\n\n")[0]
    assert "response.completed" in events
    assert [item["content"][0]["text"] for item in items["data"]] == ["Hello"]
    assert following["output"][0]["content"][0]["text"] == "So."
    assert prompt(model) == (ASKED, WHOLE, NEXT)
    assert listed["conversations"] == []


async def test_a_deleted_response_is_gone_from_the_disk(tmp_path: Path) -> None:
    async with started(tmp_path, thinking()) as served:
        created = await respond(served, input="Hello", reasoning=SUMMARY)
        url = f"{served.url}/v1/responses/{created['id']}"
        async with served.session.delete(url) as response:
            assert (await response.json())["deleted"] is True
    async with started(tmp_path, thinking()) as served:
        assert (await retrieve(served, created["id"]))[0] == 404


async def test_a_response_expires_with_its_conversation(tmp_path: Path) -> None:
    clock = LaterClock()
    async with started(tmp_path, thinking(), clock) as served:
        created = await respond(served, input="Hello")
        clock.days = 31
        async with served.app.expiring():
            await clock.trimmed.wait()
        assert (await retrieve(served, created["id"]))[0] == 404
        assert await served.services.store.run("local", f"run_{created['id'][5:]}") is None
