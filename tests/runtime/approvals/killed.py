"""A program with runs that wait, to be killed: `killed.py FOLDER SEED`. Writes what its tool does."""

import asyncio
import os
import random
import signal
import sys
import threading
from pathlib import Path

from tests.harness import OWNER, open_runs, start
from thinkaloud.errors import Conflict
from thinkaloud.ports.principal import Principal
from thinkaloud.runtime.runs.waiting.approvals import Verdict
from thinkaloud.stores.sqlite import SqliteStore
from thinkaloud.testing import ScriptedModel, call_tool, say
from thinkaloud.tools.function import FunctionTool, tool


def worker(folder: Path) -> FunctionTool[..., str]:
    """Return a tool that leaves a line in a file for each call."""

    @tool(approval="ask")
    async def act(name: str) -> str:
        """Do something that must not be done twice."""
        with (folder / "acts").open("a") as acts:
            acts.write(f"{name}\n")
        await asyncio.sleep(0.002)
        return name

    return act


async def main(folder: Path, seed: int) -> None:
    """Start a run, decide what waits, and be killed at a random moment."""
    chance = random.Random(seed)
    calls = [call_tool("act", {"name": f"{seed}-{each}"}, f"call_{each}") for each in range(3)]
    model = ScriptedModel(calls, *([say("Done.")] for _ in range(50)))
    async with (
        SqliteStore.open(folder / "thinkaloud.db") as store,
        open_runs(model, tools=[worker(folder)], store=store, flush_interval=0.01) as runs,
    ):
        delay = chance.uniform(0, 0.06)
        threading.Timer(delay, os.kill, (os.getpid(), signal.SIGKILL)).start()
        await start(runs, conversation_id=f"c{seed}")
        while True:
            for record, asked in runs.approvals.open(OWNER):
                kind = chance.choice(["approve", "approve", "deny"])
                try:
                    await runs.approvals.decide(
                        Principal(OWNER), record.run_id, asked.approval_id, Verdict(kind), "test"
                    )
                except Conflict:
                    continue
            await asyncio.sleep(0.001)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
