"""Expired and temporary conversations are deleted with the uploads that only they used."""

import asyncio
from pathlib import Path

from typing_extensions import override

from tests.harness import FakeClock
from thinkaloud.app.runtime import Choices, open_runtime
from thinkaloud.app.storage import open_database, with_storage
from thinkaloud.config import load
from thinkaloud.ports.principal import Principal
from thinkaloud.ports.store import Conversation
from thinkaloud.runtime.runs.supervisor import RunRequest
from thinkaloud.stores.uploads import MemoryUploads
from thinkaloud.testing import ScriptedModel, say


class RecordingUploads(MemoryUploads):
    """Uploads that tell when some were released."""

    def __init__(self) -> None:
        super().__init__(FakeClock())
        self.released = asyncio.Event()

    @override
    async def release(self, owner: str, conversation_id: str) -> None:
        await super().release(owner, conversation_id)
        self.released.set()


async def test_an_old_conversation_goes_with_the_uploads_that_only_it_used(tmp_path: Path) -> None:
    configuration = load(
        overrides={"store": {"retention_days": 1.0}},
        environment={"THINKALOUD_DATA_DIR": str(tmp_path)},
    )
    uploads = RecordingUploads()
    kept = await uploads.keep("local", "a.txt", "text/plain", b"x")
    async with open_database(configuration) as store:
        await store.create_conversation(Conversation("old", "local", 1, 1))
    await uploads.use("local", [kept.id], "old")
    asked = Choices(model=ScriptedModel(), uploads=uploads)
    async with (
        with_storage(configuration, asked) as choices,
        open_runtime(configuration, choices) as runtime,
    ):
        await uploads.released.wait()
        assert await runtime.store.conversation("local", "old") is None
    assert await uploads.get("local", kept.id) is None


async def test_a_temporary_conversation_leaves_no_file_when_the_server_ends(tmp_path: Path) -> None:
    configuration = load(environment={"THINKALOUD_DATA_DIR": str(tmp_path)})
    asked = Choices(model=ScriptedModel([say("Passing.")], [say("Kept.")]))
    async with (
        with_storage(configuration, asked) as choices,
        open_runtime(configuration, choices) as runtime,
    ):
        passing, both = [
            await runtime.uploads.keep("local", f"{name}.txt", "text/plain", name.encode())
            for name in ("passing", "both")
        ]
        for files, temporary in (((passing.id, both.id), True), ((both.id,), False)):
            request = RunRequest(text="Read.", context_files=files, temporary=temporary)
            record = await runtime.runs.start(Principal("local"), request)
            await runtime.runs.active.wait(record.run_id)
    left = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert list(left.values()).count(b"both") == 1
    assert [name for name, content in left.items() if b"passing" in content] == []
