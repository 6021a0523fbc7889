"""What it costs that runs survive, on the real server: CPU, opening, resuming, disk."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Literal

from benchmarks.bench_store import words
from tests.e2e.reading import Reader
from tests.e2e.server_process import (
    DATABASE,
    SERVE,
    ServerProcess,
    ask_database,
    server,
    until_saved,
)
from tests.e2e.upstream import PacedReply, Upstream, upstream
from tests.stores.samples import ENDED, STARTED, add_run, conversation, run, stored
from thinkaloud.events.event import AnswerDelta, AnswerEnded, Event
from thinkaloud.stores.sqlite import SqliteStore

Kind = Literal["memory", "sqlite"]
RUNS: Final = 20
TOKENS: Final = 2_000
STEP: Final = 20
STEP_SECONDS: Final = 0.05
TARGET_MORE: Final = 0.15
LONG: Final = 8_000
MESSAGES: Final = 10_000
TARGET_OPEN_MS: Final = 100.0
TARGET_FIRST_BYTE_MS: Final = 50.0
TARGET_BYTES: Final = 200_000
REPEATS: Final = 15
STARTS: Final = 5


def cpu_seconds(served: ServerProcess) -> float:
    """Return the CPU time of a server so far, all its threads together."""
    tasks = Path(f"/proc/{served.process.pid}/task").glob("*/schedstat")
    return sum(int(each.read_text(encoding="ascii").split()[0]) for each in tasks) / 1e9


def verdict(value: float, target: float) -> str:
    """Say whether a figure is under its target."""
    return "ok" if value < target else "MISSED"


async def cpu_a_token(kind: Kind) -> float:
    """Return the CPU microseconds of a token, with runs side by side at 400 tokens a second each."""
    with tempfile.TemporaryDirectory() as folder:
        async with upstream() as provider:
            configuration = provider.configuration().replace('"sqlite"', f'"{kind}"')
            async with server(Path(folder), configuration, SERVE) as served:
                await streamed(provider, served, "warm")
                start = cpu_seconds(served)
                await streamed(provider, served, "measured")
                spent = cpu_seconds(served) - start
    return spent / (RUNS * TOKENS) * 1e6


async def streamed(provider: Upstream, served: ServerProcess, name: str) -> None:
    """Stream runs side by side, each to one reader."""
    texts = [f"{name} {number}" for number in range(RUNS)]
    replies = [provider.offer(text, PacedReply(TOKENS, held_at=1)) for text in texts]
    async with asyncio.TaskGroup() as tasks:
        for text in texts:
            tasks.create_task(Reader().begin(served, text))
        for through in range(STEP, TOKENS + STEP, STEP):
            await asyncio.sleep(STEP_SECONDS)
            for reply in replies:
                reply.let(through)


async def durable_storage() -> None:
    """Compare the CPU of a token with durable storage on and off, by turns."""
    figures: dict[Kind, list[float]] = {"memory": [], "sqlite": []}
    for _ in range(5):
        for kind, found in figures.items():
            found.append(await cpu_a_token(kind))
    memory, sqlite = (statistics.median(figures[kind]) for kind in ("memory", "sqlite"))
    more = sqlite / memory - 1
    print(
        f"  CPU of the server: {memory:.1f} us a token in memory, {sqlite:.1f} us durable: "
        f"{more:+.1%} (target < {TARGET_MORE:.0%} more: {verdict(more, TARGET_MORE)})"
    )


async def milliseconds(work: Callable[[], Awaitable[object]], repeats: int = REPEATS) -> float:
    """Return the time of the quickest of some calls: what else runs here is not asked for."""
    times: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        await work()
        times.append((time.perf_counter() - start) * 1e3)
    return min(times)


async def make_long_conversation(path: Path) -> None:
    """Write a conversation of many messages into a database."""
    async with SqliteStore.open(path) as store:
        await store.create_conversation(conversation(owner="local"))
        for number in range(MESSAGES // 2):
            name, first = f"run{number}", number * 4 + 1
            events: list[Event] = [STARTED, AnswerDelta("a", words(60)), AnswerEnded("a"), ENDED]
            rows = [stored(event, first + i, run_id=name) for i, event in enumerate(events)]
            record = run(name, owner="local", first_seq=first)
            await add_run(store, record)
            await store.compact(record, rows, "")


async def opening() -> None:
    """Measure how long a conversation of many messages takes to open."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / DATABASE
        path.parent.mkdir()
        await make_long_conversation(path)
        first: list[float] = []
        async with upstream() as provider:
            for _ in range(STARTS):
                async with server(Path(folder), provider.configuration(), SERVE) as served:
                    # Imports and connections are not asked for: another conversation has them made.
                    await served.get("/conversations/none/messages")

                    async def opened() -> None:
                        address = f"{served.api}/conversations/talk/messages"
                        async with served.session.get(address) as response:
                            data = await response.read()
                        assert data.count(b'"role":') == MESSAGES

                    first.append(await milliseconds(opened, 1))
                    again = await milliseconds(opened)
    print(
        f"  a conversation of {MESSAGES:,} messages: {min(first):.0f} ms to open, all of it, the "
        f"first time after a start, {again:.0f} ms after that (target < {TARGET_OPEN_MS:.0f} ms: "
        f"{verdict(min(first), TARGET_OPEN_MS)})"
    )


async def resuming(served: ServerProcess, reader: Reader, what: str) -> None:
    """Measure how long a client that comes back waits for its first byte."""
    address = f"{served.api}/runs/{reader.run_id}/events?include_reasoning=true&after=1"

    async def resumed() -> None:
        async with served.session.get(address) as response:
            data = b""
            while b"data:" not in data:  # a comment opens every stream, and is no content
                data += await response.content.readany()
            response.close()

    taken = await milliseconds(resumed)
    print(
        f"  resume of {what} of {LONG:,} tokens: {taken:.1f} ms to the first event "
        f"(target < {TARGET_FIRST_BYTE_MS:.0f} ms: {verdict(taken, TARGET_FIRST_BYTE_MS)})"
    )


async def one_long_reply() -> None:
    """Measure resuming a run while it is active, after its end and after a restart; and its size."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        async with upstream() as provider:
            reply = provider.offer("Tell", PacedReply(LONG, held_at=LONG - 1))
            reader = Reader()
            async with server(folder, provider.configuration(), SERVE) as served:
                almost = len(reply.reasoning + reply.answer) - 10
                await reader.begin(served, "Tell", lambda: reader.characters > almost)
                await resuming(served, reader, "a running reply")
                reply.release_all()
                await reader.resume(served)
                await resuming(served, reader, "a finished reply")
                await until_saved(folder, reader.run_id)
                await served.terminate()
            size = ask_database(folder, "SELECT sum(length(event)) FROM events")[0][0]
            async with server(folder, provider.configuration(), SERVE) as served:
                await resuming(served, reader, "a reply from before a restart")
            text = len((reply.reasoning + reply.answer).encode())
    print(
        f"  {LONG:,} tokens, {text / 1e3:.0f} kB of text: {size / 1e3:.0f} kB of events on disk "
        f"(target < {TARGET_BYTES / 1e3:.0f} kB: {verdict(size, TARGET_BYTES)})"
    )


async def main() -> None:
    """Measure everything."""
    await one_long_reply()
    await opening()
    await durable_storage()


if __name__ == "__main__":
    asyncio.run(main())
