"""One data directory has one server."""

import asyncio
from pathlib import Path

from tests.cli.program import Home
from tests.e2e.reading import Reader
from tests.e2e.server_process import server
from tests.e2e.upstream import PacedReply, upstream


async def test_a_second_server_on_a_data_directory_refuses_to_start_and_the_first_keeps_running(
    tmp_path: Path,
) -> None:
    async with upstream() as provider, server(tmp_path, provider.configuration()) as served:
        reply = provider.offer("Tell", PacedReply(40, held_at=10))
        reader = Reader()
        await reader.begin(served, "Tell", lambda: bool(reader.characters))
        second = await asyncio.to_thread(Home(tmp_path).run, "serve", "--port", "0")
        assert second.returncode == 3
        assert second.stdout == ""
        output = " ".join(second.stderr.split())
        assert "Another thinkaloud server" in output
        assert f"process {served.process.pid}" in output
        assert "THINKALOUD_DATA_DIR" in output
        assert "Traceback" not in output
        reply.release_all()
        await reader.resume(served)
        assert (reader.reasoning, reader.answer) == (reply.reasoning, reply.answer)


async def test_a_data_directory_can_be_used_as_soon_as_its_server_was_killed(
    tmp_path: Path,
) -> None:
    async with upstream() as provider:
        for number in range(2):
            text = f"Tell {number}"
            reply = provider.offer(text, PacedReply(10))
            async with server(tmp_path, provider.configuration()) as served:
                reader = Reader()
                await reader.begin(served, text)
                assert reader.answer == reply.answer
                await served.kill()
