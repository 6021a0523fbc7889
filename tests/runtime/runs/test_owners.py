"""Two owners on the same services can't reach each other's data."""

from collections.abc import Awaitable, Callable

import pytest

from tests.harness import OWNER, logged, open_runs, start
from thinkaloud.errors import NotFound
from thinkaloud.ports.principal import Principal
from thinkaloud.runtime.runs.supervisor import RunRequest, Runs
from thinkaloud.testing import ScriptedModel, Silence, say

BOB = "bob"
SECRET = "canary-4711"


@pytest.mark.promise("P12")
async def test_another_owners_conversation_reads_as_an_empty_one_while_it_is_open() -> None:
    async with open_runs(ScriptedModel([say(SECRET)])) as runs:
        await logged(runs, await start(runs, SECRET, conversation_id="c"))
        assert runs.hub.live(OWNER, "c") is not None
        assert runs.hub.live(BOB, "c") is None
        assert (await runs.hub.fold(BOB, "c")).view().runs == ()
        assert await runs.hub.logged(BOB, "c") == []
        async with runs.hub.follow(BOB, "c", 0, ended=True) as follower:
            assert not await follower.batch()
        assert len((await runs.hub.fold(OWNER, "c")).runs) == 1


@pytest.mark.promise("P12")
async def test_what_another_owner_reads_first_hides_nothing_from_its_owner() -> None:
    async with open_runs(ScriptedModel([say(SECRET)])) as runs, runs.hub.open(BOB, "c") as empty:
        record = await start(runs, "Hi", conversation_id="c")
        events = await logged(runs, record)
        assert (empty.seq, len(events)) == (0, events[-1].seq)


@pytest.mark.promise("P12")
async def test_two_owners_can_use_conversations_of_the_same_name() -> None:
    model = ScriptedModel([say(SECRET)], [say("Hello.")], [say("Again.")])
    async with open_runs(model) as runs:
        await logged(runs, await start(runs, SECRET, conversation_id="c"))
        for text in ("Hi", "Hi again"):
            record = await runs.start(Principal(BOB), RunRequest(text, "c"))
            await runs.active.wait(record.run_id)
        theirs = (await runs.hub.fold(BOB, "c")).view()
        assert [each.response for each in theirs.runs] == ["Hello.", "Again."]
        assert SECRET not in repr(model.requests[1:])
        await runs.conversations.delete(BOB, "c")
        ours = (await runs.hub.fold(OWNER, "c")).view()
        assert [each.response for each in ours.runs] == [SECRET]


Attempt = Callable[[Runs, str], Awaitable[object]]
ATTEMPTS: dict[str, Attempt] = {
    "stop": lambda runs, run_id: runs.stop(BOB, run_id),
    "look up the run": lambda runs, run_id: runs.record(BOB, run_id),
    "look up": lambda runs, _: runs.conversations.get(BOB, "c"),
    "rename": lambda runs, _: runs.conversations.rename(BOB, "c", "Mine"),
    "delete": lambda runs, _: runs.conversations.delete(BOB, "c"),
    "branch": lambda runs, run_id: runs.conversations.branch(BOB, "c", run_id),
    "select": lambda runs, run_id: runs.conversations.select(BOB, "c", run_id),
    "export": lambda runs, _: runs.conversations.export(BOB, "c", "json", include_reasoning=True),
}


@pytest.mark.promise("P12")
@pytest.mark.parametrize("name", ATTEMPTS)
async def test_another_owners_conversation_is_not_found_by_any_operation(name: str) -> None:
    async with open_runs(ScriptedModel([say(SECRET), Silence()])) as runs:
        record = await start(runs, "Hi", conversation_id="c")
        with pytest.raises(NotFound):
            await ATTEMPTS[name](runs, record.run_id)
        assert record.run_id in runs.active
        assert list(await runs.conversations.search(BOB)) == []
        assert (await runs.conversations.get(OWNER, "c")).title == ""
