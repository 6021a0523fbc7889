"""Tools that never end, in a real server: no stop, no other tool and no shutdown waits for them."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.e2e import stuck_tools_server
from tests.e2e.reading import Reader
from tests.e2e.server_process import ServerProcess, server
from tests.e2e.upstream import DEADLINE

SERVER = (sys.executable, str(Path(stuck_tools_server.__file__)))
MANY = 40
"""More than the threads that asyncio shares out (32 at most)."""


async def stopped(served: ServerProcess, name: str) -> tuple[str, str]:
    """Stop a run while its tool is running, and return its status and its output."""
    reader = Reader()
    await reader.begin(served, name, lambda: reader.frames[-1]["event"] == "action")
    _, run = await served.post(f"/runs/{reader.run_id}/stop")
    return run["status"], run["response"]


@pytest.mark.promise("P10")
async def test_tools_that_never_end_delay_no_stop_no_other_tool_and_no_shutdown(
    tmp_path: Path,
) -> None:
    async with server(tmp_path, "", SERVER) as served:
        async with asyncio.timeout(DEADLINE):
            ends = [await stopped(served, name) for name in ("stubborn", "program")]
            ends += [await stopped(served, "blocking") for _ in range(MANY)]
            _, after = await served.post("/chat/message", {"text": "quick"})
        assert await served.terminate() == 0

    assert ends == [("stopped", "Half")] * (MANY + 2)
    assert [call["result"] for call in after["action_results"]] == ["Done."]
    assert after["response"] == "Half\n\nwhole."
