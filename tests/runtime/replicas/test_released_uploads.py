"""Which uploads are deleted when a server starts or stops."""

import pytest

from tests.harness import FakeClock
from thinkaloud.runtime.conversations.service import Conversations
from thinkaloud.runtime.log.hub import Hub
from thinkaloud.runtime.runs.active import ActiveRuns
from thinkaloud.runtime.runs.replica.open_runs import OpenRuns
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.uploads import MemoryUploads


@pytest.mark.parametrize("is_shared", [True, False])
async def test_uploads_of_unknown_conversations_are_kept_only_if_another_server_may_have_them(
    *, is_shared: bool
) -> None:
    clock, store = FakeClock(), MemoryStore(is_shared=is_shared)
    hub, uploads = Hub(store, clock), MemoryUploads(clock)
    conversations = Conversations(store, hub, OpenRuns(store, hub, ActiveRuns()), clock, uploads)
    kept = await uploads.keep("ana", "a.txt", "text/plain", b"text")
    await uploads.use("ana", [kept.id], "temporary elsewhere")
    await conversations.release_uploads(closing=True)
    assert (await uploads.get("ana", kept.id) is not None) is is_shared
