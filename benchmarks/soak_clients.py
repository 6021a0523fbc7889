"""Many clients do everything at once: each sees what the server keeps (`make soak`).

They speak, leave and come back, stop, regenerate, branch, rename, delete, search and export in the
same few conversations of a real server. What each client heard of a run is what the run is when it
is read, in its conversation, in an export and after a restart; and no model hears what was deleted.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec

from tests.e2e.reading import Reader, Refused
from tests.e2e.server_process import SERVE, ServerProcess, assert_intact, server, server_stderr
from tests.e2e.upstream import DEADLINE, PacedReply, Upstream, upstream

_CLIENTS: Final = 12
_NAMES: Final = tuple(f"c{number}" for number in range(5))
_STORE: Final = "flush_interval_seconds = 0.05"
_BROKEN: Final = (aiohttp.ClientError, ConnectionError)


class FollowedRun(msgspec.Struct):
    """A run as a client heard it to its end."""

    conversation_id: str
    text: str
    reasoning: str
    answer: str
    event: str


class SharedState:
    """What all clients know together."""

    def __init__(self, provider: Upstream, seed: int) -> None:
        self.dice = random.Random(seed)
        self.provider = provider
        self.received: dict[str, FollowedRun] = {}
        self.started: dict[str, set[str]] = {}
        """By conversation: messages that were being answered, or had been."""
        self.deleted: dict[str, set[str]] = {}
        """By conversation: messages that were in it when it was deleted."""
        self.forbidden: dict[str, set[str]] = {}
        """By message: those that must not stand before the model with it."""
        self.branches: list[str] = []
        self.done: Counter[str] = Counter()
        self._number = 0

    def message(self, conversation_id: str) -> tuple[str, PacedReply]:
        """Return a new message and what will be said to it, a little at a time."""
        self._number += 1
        text = f"message{self._number} word{self._number % 7}"
        reply = PacedReply(self.dice.choice([2, 40, 400, 3_000]), held_at=2)
        self.forbidden[text] = set(self.deleted.get(conversation_id, ()))
        return text, self.provider.offer(text, reply)

    def name(self) -> str:
        """Return some conversation."""
        return self.dice.choice([*_NAMES, *self.branches[-3:]])


class Client:
    """One of many, that does this and that."""

    def __init__(self, shared: SharedState, served: ServerProcess) -> None:
        self._shared = shared
        self._served = served
        self._dice = random.Random(shared.dice.random())

    async def live(self, until: float) -> None:
        """Do things by chance until this moment of `time.monotonic`."""
        deeds: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (40, self._speak),
            (6, self._regenerate),
            (10, self._stop),
            (8, self._follow),
            (6, self._rename),
            (6, self._branch),
            (6, self._look),
            (2, self._delete),
        ]
        weights = [weight for weight, _ in deeds]
        while time.monotonic() < until:
            (deed,) = self._dice.choices([deed for _, deed in deeds], weights)
            async with asyncio.timeout(4 * DEADLINE):
                await deed()
            self._shared.done[deed.__name__.strip("_")] += 1

    async def _speak(self) -> None:
        await self._say(self._shared.name())

    async def _say(self, name: str, **more: str) -> None:
        """Send a message and follow its run to the end. The conversation may be deleted."""
        shared = self._shared
        text, reply = shared.message(name)
        letting = asyncio.create_task(_let(reply, self._dice))
        reader = Reader(self._dice.choice(["sse", "socket"]))
        try:
            with suppress(*_BROKEN, Refused):
                leaving = self._leaving(reader)
                await reader.begin(self._served, text, leaving, conversation_id=name, **more)
            if reader.run_id:
                shared.started.setdefault(name, set()).add(text)
                await self._come_back(reader)
        finally:
            letting.cancel()
            reply.release_all()
        if reader.end is not None and reader.run_id:
            await self._compare(name, text, reply, reader)

    async def _come_back(self, reader: Reader) -> None:
        """Follow to the end, over as many connections as it takes, or until the run is gone."""
        while reader.end is None:
            status, _ = await self._served.get(f"/runs/{reader.run_id}")
            if status == 404:
                self._shared.done["heard of a deletion"] += 1
                return
            reader.transport = self._dice.choice(["sse", "socket"])
            with suppress(*_BROKEN, Refused):
                await reader.resume(self._served, self._leaving(reader))

    def _leaving(self, reader: Reader) -> Callable[[], bool]:
        most = len(reader.frames) + self._dice.choice([1, 20, 200, 100_000])
        return lambda: bool(reader.run_id) and len(reader.frames) >= most

    async def _compare(self, name: str, text: str, reply: PacedReply, reader: Reader) -> None:
        """Assert that the stored run equals the received one, and that this equals the model's output."""
        assert reader.end is not None
        expected = reply.reasoning + reply.answer
        status, run = await self._served.get(f"/runs/{reader.run_id}?include_reasoning=true")
        assert expected.startswith(reader.reasoning + reader.answer), text
        if status == 404:
            return
        assert (run["reasoning"], run["response"]) == (reader.reasoning, reader.answer), text
        if run["status"] == "completed":
            assert reader.answer == reply.answer
        self._shared.received[reader.run_id] = FollowedRun(
            name, text, reader.reasoning, reader.answer, reader.end["event"]
        )

    async def _messages(self, name: str) -> list[dict[str, Any]]:
        status, found = await self._served.get(
            f"/conversations/{name}/messages?include_reasoning=true"
        )
        return found["messages"] if status == 200 else []

    async def _regenerate(self) -> None:
        name = self._shared.name()
        messages = await self._messages(name)
        if messages:
            replaced = self._dice.choice(messages)["run_id"]
            await self._say(name, replaces=replaced)

    async def _stop(self) -> None:
        status, found = await self._served.get(f"/conversations/{self._shared.name()}")
        if status == 200 and found["active_runs"]:
            run_id = self._dice.choice(found["active_runs"])
            status, stopped = await self._served.post(f"/runs/{run_id}/stop", {})
            assert status in {200, 404}, stopped

    async def _follow(self) -> None:
        """Follow a conversation from its start for a while: numbers rise."""
        name = self._shared.name()
        url = f"{self._served.api}/conversations/{name}/events?after=0&include_reasoning=true"
        seq = 0
        with suppress(*_BROKEN, TimeoutError):
            async with (
                asyncio.timeout(self._dice.random() * 3),
                self._served.session.get(url) as response,
            ):
                async for line in response.content:
                    if line.startswith(b"id: "):
                        number = int(line[4:])
                        assert number > seq, f"{number} after {seq}"
                        seq = number

    async def _rename(self) -> None:
        name = self._shared.name()
        title = f"title {self._dice.randrange(1_000)}"
        url = f"{self._served.api}/conversations/{name}"
        async with self._served.session.patch(url, json={"title": title}) as response:
            assert response.status in {200, 404}
            if response.status == 200:
                assert (await response.json())["title"].startswith("title ")

    async def _branch(self) -> None:
        """Branch from a run that is over: the branch has what was said up to there."""
        name = self._shared.name()
        before = await self._messages(name)
        over = [
            m["run_id"] for m in before if m["role"] == "assistant" and m["status"] != "running"
        ]
        if not over:
            return
        last = self._dice.choice(over)
        status, branch = await self._served.post(f"/conversations/{name}/branch", {"run_id": last})
        assert status in {201, 404, 409}, branch
        if status != 201:
            return
        copied = _answers(await self._messages(branch["conversation_id"]))
        last_index = max(n for n, m in enumerate(before) if m["run_id"] == last)
        assert copied == _answers(before[: last_index + 1])
        self._shared.branches.append(branch["conversation_id"])

    async def _look(self) -> None:
        word = f"word{self._dice.randrange(7)}"
        status, _ = await self._served.get(f"/conversations?search={word}")
        assert status == 200
        name = self._shared.name()
        status, export = await self._served.get(f"/conversations/{name}/export?format=json")
        assert status in {200, 404}, export

    async def _delete(self) -> None:
        name = self._shared.name()
        doomed = set(self._shared.started.get(name, ()))
        async with self._served.session.delete(f"{self._served.api}/conversations/{name}") as done:
            assert done.status in {204, 404}
        if done.status == 204:
            self._shared.deleted.setdefault(name, set()).update(doomed)


async def _let(reply: PacedReply, dice: random.Random) -> None:
    sent = 2
    while sent < reply.tokens:
        await asyncio.sleep(dice.random() / 50)
        sent += dice.choice([1, 5, 50])
        reply.let(sent)


def _answers(messages: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(m["role"], m["text"], m.get("reasoning"), m.get("status")) for m in messages]


async def _compare_all(shared: SharedState, served: ServerProcess) -> int:
    """Assert that each conversation has its runs as they were received. Returns how many were found."""
    found = 0
    for name in [*_NAMES, *shared.branches]:
        status, page = await served.get(f"/conversations/{name}/messages?include_reasoning=true")
        if status == 404:
            continue
        for message in page["messages"]:
            received = shared.received.get(message["run_id"])
            if received is not None and message["role"] == "assistant":
                assert (message["reasoning"], message["text"]) == (
                    received.reasoning,
                    received.answer,
                )
                found += 1
    return found


async def soak(folder: Path, seconds: float, seed: int) -> Counter[str]:
    """Let clients live on one server for so long; raises at the first that saw something else."""
    async with upstream() as provider:
        shared = SharedState(provider, seed)
        configuration = provider.configuration(store=_STORE)
        async with server(folder, configuration, SERVE) as served:
            until = time.monotonic() + seconds
            async with asyncio.TaskGroup() as clients:
                for _ in range(_CLIENTS):
                    clients.create_task(Client(shared, served).live(until))
            found = await _compare_all(shared, served)
            shared.done["mebibytes at the end"] = served.resident_bytes() >> 20
            assert await served.terminate() == 0
        async with server(folder, configuration, SERVE) as served:
            assert await _compare_all(shared, served) == found
            assert await served.terminate() == 0
    shared.done["runs compared again after a restart"] = found
    assert_intact(folder)
    assert "Traceback" not in server_stderr(folder), server_stderr(folder)
    for text, asked in provider.prompts.items():
        assert not shared.forbidden.get(text, set()) & asked, (
            f"{text} was said with what was deleted"
        )
    return shared.done


def main() -> None:
    """Soak one server after another; stops at the first view that differs."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=300.0, help="in all (300)")
    options.add_argument("--seed", type=int, default=1, help="of what the clients do (1)")
    given, _ = options.parse_known_args()  # `make soak` hands its ARGS to every soak
    each = min(60.0, given.seconds)
    for number in range(max(1, round(given.seconds / each))):
        with tempfile.TemporaryDirectory() as folder:
            done = asyncio.run(soak(Path(folder), each, given.seed + number))
        print(
            f"  seed {given.seed + number}: " + ", ".join(f"{n} {deed}" for deed, n in done.items())
        )
    print("  every client saw what the server keeps")


if __name__ == "__main__":
    main()
