"""A process that writes to a store until it is killed, and reports what was acknowledged.

`python -m tests.stores.crash_writer DATABASE ROUND SEED`: one JSON line for everything that it
begins or that is done.
"""

import asyncio
import random
import sys
from pathlib import Path

import msgspec

from tests.stores.samples import ENDED, OWNER, STARTED, add_run, append, conversation, run, stored
from thinkaloud.events.event import AnswerDelta
from thinkaloud.ports.store import Store, Stored
from thinkaloud.stores.sqlite import SqliteStore


class Said(msgspec.Struct, frozen=True):
    """A line: `what` happened to a pair of conversations, and up to which number."""

    what: str
    pair: str
    seq: int = 0


def say(what: str, pair: str = "", seq: int = 0) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(Said(what, pair, seq)) + b"\n")
    sys.stdout.buffer.flush()


def text_of(first: int, last: int) -> str:
    """The text of these numbers; merged deltas have all of theirs."""
    return "".join(f"{number} " for number in range(first, last + 1))


def twins(pair: str, dice: random.Random, first: int, last: int) -> list[Stored]:
    """The same numbers for both conversations of a pair, in one batch."""
    middle = dice.randint(first, last)
    spans = [(first, middle), (middle + 1, last)] if middle < last else [(first, last)]
    return [
        stored(AnswerDelta("a1", text_of(*span)), span[1], span[0], of=name, run_id=f"{name}-run")
        for name in (f"{pair}-a", f"{pair}-b")
        for span in spans
    ]


async def carry_through(store: Store, pair: str, dice: random.Random) -> None:
    """Lead the runs of a pair of conversations from their beginning to their end."""
    names = (f"{pair}-a", f"{pair}-b")
    for name in names:
        await store.create_conversation(conversation(name, title=pair))
        await add_run(store, run(f"{name}-run", name))
    await append(store, [stored(STARTED, 1, of=name, run_id=f"{name}-run") for name in names])
    say("appended", pair, 1)
    seq = 1
    for _ in range(dice.randint(0, 6)):
        first, seq = seq + 1, seq + dice.randint(1, 40)
        await append(store, twins(pair, dice, first, seq))
        say("appended", pair, seq)
    seq += 1
    await append(store, [stored(ENDED, seq, of=name, run_id=f"{name}-run") for name in names])
    say("ended", pair, seq)
    for name in names:
        whole = twins(pair, random.Random(0), 2, seq - 1) if seq > 2 else []
        mine = [each for each in whole if each.logged.conversation_id == name]
        first, last = (
            stored(e, n, of=name, run_id=f"{name}-run") for e, n in ((STARTED, 1), (ENDED, seq))
        )
        await store.compact(run(f"{name}-run", name), [first, *mine, last], f"unique{pair}word")
    say("compacted", pair, seq)
    if dice.random() < 0.5:
        say("deleting", pair)
        for name in names:
            await store.delete_conversation(OWNER, name)
        await store.scrub()
        say("deleted", pair)


async def main(path: Path, round_: str, dice: random.Random) -> None:
    say("opening")
    async with SqliteStore.open(path) as store:
        say("opened")

        async def lane(lane_number: int) -> None:
            number = 0
            while True:
                number += 1
                await carry_through(store, f"{round_}x{lane_number}x{number}", dice)

        async with asyncio.TaskGroup() as tasks:
            for lane_number in range(4):
                tasks.create_task(lane(lane_number))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], random.Random(sys.argv[3])))
