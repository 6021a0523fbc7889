"""Uploads of a real server, which survive a restart."""

import io
from pathlib import Path

import aiohttp

from tests.e2e.server_process import server
from tests.e2e.upstream import PacedReply, upstream

ASKED = '<file name="word.txt">\nheliotrope\n</file>\n\nHello'


async def test_an_upload_can_be_named_after_the_server_was_killed(tmp_path: Path) -> None:
    async with upstream() as provider:
        provider.offer(ASKED, PacedReply(2))
        async with server(tmp_path, provider.configuration()) as served:
            form = aiohttp.FormData()
            form.add_field("file", io.BytesIO(b"heliotrope"), filename="word.txt")
            status, kept = await served.post("/upload", data=form)
            assert status == 201
            await served.kill()
        folder = tmp_path / "data" / "uploads"
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
        async with server(tmp_path, provider.configuration()) as served:
            body = {"text": "Hello", "context_files": [kept["id"]]}
            status, reply = await served.post("/chat/message", body)
            assert (status, reply["status"]) == (200, "completed")
    assert list(provider.prompts) == [ASKED]
