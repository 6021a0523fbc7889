"""Golden sessions: logs that both folds read, and what they must read in them.

Each is played by scripted models on a clock that they move themselves, so that every run of this
script gives the same bytes: `tests/sessions/<name>.jsonl`, one event a line, and
`tests/sessions/<name>.json`, the view that the fold makes of it.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from functools import cache
from typing import Final

import msgspec
from typing_extensions import override

from scripts import golden_scripts
from scripts.golden_scripts import CONVERSATION, Session
from tests.harness import OWNER, FakeClock, FixedAttachments, open_runs, start
from thinkaloud.events import codec
from thinkaloud.events.event import LoggedEvent, ReasoningDelta
from thinkaloud.events.fold import Fold
from thinkaloud.events.model import ModelEvent
from thinkaloud.events.prompt import ModelRequest
from thinkaloud.ports.model import ModelInfo
from thinkaloud.providers.scripted import ScriptedModel, Wait
from thinkaloud.runtime.log.follower import Snapshot
from thinkaloud.runtime.runs.supervisor import Runs

_STEP_MS: Final = 120


class FrozenClock(FakeClock):
    """A clock that stands still until somebody moves it, however often it is looked at."""

    @override
    def steady_ms(self) -> int:
        """Return the time."""
        return self.now_ms


class PacedModel:
    """A scripted model that takes its time for each thing that it says."""

    def __init__(self, model: ScriptedModel, clock: FrozenClock) -> None:
        self._model = model
        self._clock = clock

    @property
    def info(self) -> ModelInfo:
        """What the scripted model says of itself."""
        return self._model.info

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[ModelEvent]]:
        """Play the next script, moving the clock before each step."""
        async with aclosing(self._model.stream(request)) as batches:
            async for batch in batches:
                self._clock.now_ms += _STEP_MS
                yield batch


NAMES: Final = tuple(sorted(golden_scripts.SESSIONS))


def log(name: str) -> str:
    """Return the text of tests/sessions/<name>.jsonl."""
    return "".join(codec.encode(logged).decode() + "\n" for logged in _played(name))


def view(name: str) -> str:
    """Return the text of tests/sessions/<name>.json: the conversation as the fold reads it."""
    fold = Fold(CONVERSATION)
    for logged in _played(name):
        fold.apply(logged)
    return msgspec.json.format(msgspec.json.encode(fold.view())).decode() + "\n"


@cache
def _played(name: str) -> Sequence[LoggedEvent]:
    return asyncio.run(_play(golden_scripts.SESSIONS[name]))


async def _play(session: Session) -> list[LoggedEvent]:
    found: list[LoggedEvent] = []
    names: dict[str, str] = {}
    clock = FrozenClock()
    followed = asyncio.Event()
    model = PacedModel(session.model(Wait(followed)), clock)
    files = FixedAttachments(**{file.id: file for file in session.files})
    async with open_runs(model, tools=golden_scripts.TOOLS, clock=clock, attachments=files) as runs:
        for number in range(1, len(session.texts) + 1):
            followed.clear()
            ids = ["", *names]
            replaced = ids[session.replaces[number - 1]] if session.replaces else ""
            events = await _follow(runs, number, session, followed, replaced or None)
            names[events[0].run_id] = f"run_{number}"
            if session.selects and (chosen := session.selects[number - 1]):
                events.append(await _selected(runs, [*names][chosen - 1]))
            found.extend(_renamed(logged, names) for logged in events)
    return found


async def _selected(runs: Runs, run_id: str) -> LoggedEvent:
    """Select a version and return the event."""
    await runs.active.wait_for_all(60)
    await runs.conversations.select(OWNER, CONVERSATION, run_id)
    return (await runs.hub.logged(OWNER, CONVERSATION))[-1]


async def _follow(
    runs: Runs, number: int, session: Session, followed: asyncio.Event, replaced: str | None
) -> list[LoggedEvent]:
    """Return what a run logged until its end, its stop, or where the session leaves it."""
    results = session.results[number - 1] if session.results else ()
    record = await start(
        runs,
        session.texts[number - 1],
        conversation_id=CONVERSATION,
        max_iterations=session.max_iterations,
        replaces=replaced,
        context_files=tuple(file.id for file in session.files),
        client_tools=session.client_tools,
        tool_results=results,
    )
    found: list[LoggedEvent] = []
    thoughts = 0
    async with runs.follow(record) as follower:
        # Only now: a run that was over before would be read compacted, without its deltas.
        followed.set()
        while entries := await follower.batch():
            if isinstance(entries, Snapshot):
                raise RuntimeError("the log was compacted before it was read")
            for entry in entries:
                found.append(entry.logged)
                thoughts += isinstance(entry.logged.event, ReasoningDelta)
                if thoughts == session.stop_after:
                    await runs.stop(OWNER, record.run_id)
                if thoughts == session.leave_after:
                    return found
    return found


def _renamed(logged: LoggedEvent, names: Mapping[str, str]) -> LoggedEvent:
    """Return the event with ids that are the same every time."""
    text = codec.encode(logged).decode()
    for run_id, name in names.items():
        text = text.replace(run_id.removeprefix("run_"), name.removeprefix("run_"))
    return codec.decode(text)
