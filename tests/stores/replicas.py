"""Replicas that share a store, for tests."""

from tests.stores.samples import ENDED, OWNER, STARTED, conversation, run, stored
from thinkaloud.ports.store import Accepted, RunRecord, RunStart, Store, Token


async def replica(store: Store, name: str = "one") -> Token:
    return await store.register(name, "1.0", 5_000)


async def accept(
    store: Store,
    token: Token,
    name: str = "run",
    of: str = "talk",
    *,
    key: str | None = None,
    take: bool = True,
    ahead: int | None = None,
    replaces: str | None = None,
) -> Accepted:
    start = RunStart(
        run(name, of, key=key),
        conversation(of),
        STARTED,
        spec=f"how to execute {name}".encode(),
        ahead=ahead,
        replaces=replaces,
    )
    return await store.accept(start, token, take=take)


async def end(store: Store, token: Token, record: RunRecord, seq: int) -> None:
    event = stored(ENDED, seq, of=record.conversation_id, run_id=record.run_id)
    appended = await store.append({(OWNER, record.conversation_id): [event]}, token)
    assert not appended.lost


async def open_runs(store: Store, of: str = "talk") -> list[tuple[str, str]]:
    return [(each.run.run_id, each.state) for each in await store.open_runs(OWNER, of)]
