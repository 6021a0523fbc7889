"""Conversations, runs and logs for tests of stores."""

from collections.abc import Sequence

from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    Event,
    LoggedEvent,
    ReasoningDelta,
    ReasoningEnded,
    RunEnded,
    RunStarted,
    Timing,
    UserInput,
)
from thinkaloud.ports.store import (
    Conversation,
    ConversationCursor,
    ConversationKey,
    RunRecord,
    RunStart,
    Store,
    Stored,
)

OWNER = "ann"
STARTED = RunStarted("lab/one", 25, UserInput("Why is the sky blue?"))
ENDED = RunEnded("completed", 1, Timing(10, 20, 10, 30))


def conversation(
    name: str = "talk", *, owner: str = OWNER, at_ms: int = 1_000, title: str = ""
) -> Conversation:
    return Conversation(name, owner, at_ms, at_ms, title)


def run(
    name: str = "run",
    of: str = "talk",
    *,
    owner: str = OWNER,
    first_seq: int = 1,
    key: str | None = None,
) -> RunRecord:
    return RunRecord(name, of, owner, first_seq, key)


def stored(
    event: Event, seq: int, first_seq: int | None = None, *, of: str = "talk", run_id: str = "run"
) -> Stored:
    return Stored(
        seq if first_seq is None else first_seq, LoggedEvent(seq, 1_000, of, run_id, event)
    )


def answer(text: str, seq: int, first_seq: int | None = None, *, of: str = "talk") -> Stored:
    return stored(AnswerDelta("a1", text), seq, first_seq, of=of)


def whole_run(of: str = "talk", run_id: str = "run", *, first_seq: int = 1) -> list[Stored]:
    """A run with a word of thought and two of answer: seven events."""
    events: Sequence[Event] = [
        STARTED,
        ReasoningDelta("r1", "Hm. "),
        ReasoningEnded("r1", 10),
        AnswerDelta("a1", "Rayleigh "),
        AnswerDelta("a1", "scattering."),
        AnswerEnded("a1"),
        ENDED,
    ]
    return [
        stored(event, seq, of=of, run_id=run_id)
        for seq, event in enumerate(events, start=first_seq)
    ]


def compacted(events: Sequence[Stored]) -> list[Stored]:
    """What `whole_run` becomes: its two answer deltas as one."""
    *before, first, second, ended, terminal = events
    text = "Rayleigh scattering."
    logged = second.logged
    coalesced = stored(
        AnswerDelta("a1", text),
        logged.seq,
        first.first_seq,
        of=logged.conversation_id,
        run_id=logged.run_id,
    )
    return [*before, coalesced, ended, terminal]


async def append(store: Store, events: Sequence[Stored], *, owner: str = OWNER) -> None:
    """Append events, to conversations of one owner."""
    batch: dict[ConversationKey, list[Stored]] = {}
    for each in events:
        batch.setdefault((owner, each.logged.conversation_id), []).append(each)
    await store.append(batch)


async def add_run(store: Store, record: RunRecord, message: RunStarted | None = None) -> None:
    """Start a run in a conversation of its owner, if there is one."""
    found = await store.conversation(record.owner, record.conversation_id)
    if found is not None:
        assert not (await store.accept(RunStart(record, found, message))).created


async def begin(store: Store, name: str = "talk", *, owner: str = OWNER) -> RunRecord:
    """Keep a conversation and a run in it, `<name>-run`, or `run` in `talk`."""
    record = run("run" if name == "talk" else f"{name}-run", name, owner=owner)
    assert await store.create_conversation(conversation(name, owner=owner))
    await add_run(store, record)
    return record


async def log_of(store: Store, name: str = "talk", *, owner: str = OWNER) -> list[Stored]:
    return list(await store.read(owner, name, 0, 10_000))


async def names(
    store: Store,
    search: str | None = None,
    *,
    before: ConversationCursor | None = None,
    limit: int = 100,
) -> list[str]:
    found = await store.conversations(OWNER, before=before, limit=limit, search=search)
    return [each.conversation_id for each in found]


async def keep_text(store: Store, name: str, text: str, *, at_ms: int = 1_000) -> None:
    """Store a conversation with this text."""
    await store.create_conversation(conversation(name, at_ms=at_ms))
    record = run(f"{name}-run", name)
    await add_run(store, record)
    await store.compact(record, [stored(ENDED, 1, of=name, run_id=record.run_id)], text)
