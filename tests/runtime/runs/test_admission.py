"""Admission: every start counts, also those that aren't active yet."""

import asyncio
from collections.abc import Sequence

import pytest
from typing_extensions import override

from tests.harness import OWNER, open_runs
from thinkaloud.errors import Busy, Conflict, ThinkaloudError
from thinkaloud.ports.principal import Principal
from thinkaloud.ports.store import Accepted, RunRecord, RunStart, Token
from thinkaloud.runtime.runs.limits import AdmissionLimits, Limits
from thinkaloud.runtime.runs.supervisor import RunRequest, Runs
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.testing import ScriptedModel, Silence, say

KEY = "once"


class SlowStore(MemoryStore):
    """Lets others run before it adds a run, as a database does."""

    @override
    async def accept(
        self, start: RunStart, token: Token | None = None, *, take: bool = True
    ) -> Accepted:
        await asyncio.sleep(0)
        return await super().accept(start, token, take=take)


def silent(runs: int) -> ScriptedModel:
    return ScriptedModel(*[[Silence()]] * runs)


async def start_at_once(
    runs: Runs, *requests: RunRequest
) -> tuple[Sequence[RunRecord], Sequence[ThinkaloudError]]:
    """Start all of these at the same time; return the runs, and why the others were refused."""
    results = await asyncio.gather(
        *(runs.start(Principal(OWNER), request) for request in requests), return_exceptions=True
    )
    started = [each for each in results if isinstance(each, RunRecord)]
    refused = [each for each in results if isinstance(each, ThinkaloudError)]
    assert len(started) + len(refused) == len(requests)
    return started, refused


async def test_concurrent_starts_never_exceed_max_active_runs() -> None:
    limits = AdmissionLimits(max_active_runs=2)
    async with open_runs(silent(5), store=SlowStore(), admission=limits) as runs:
        started, refused = await start_at_once(runs, *[RunRequest("Hi")] * 5)
        assert len(started) == len(runs.active) == 2
        assert [type(each) for each in refused] == [Busy] * 3
        assert (refused[0].code, Busy("").retry_after) == ("busy", 2.0)


async def test_concurrent_messages_never_exceed_the_queue_limit() -> None:
    limits = AdmissionLimits(max_waiting_messages=2)
    async with open_runs(silent(9), store=SlowStore(), admission=limits) as runs:
        started, refused = await start_at_once(runs, *[RunRequest("Hi", "c")] * 6)
        assert (len(started), [type(each) for each in refused]) == (3, [Busy] * 3)
        elsewhere, _ = await start_at_once(runs, RunRequest("Hi", "other"), RunRequest("Hi"))
        assert len(elsewhere) == 2


async def test_a_conversation_that_takes_one_run_gets_one_of_many_messages() -> None:
    limits = Limits(busy_conversation="refuse")
    async with open_runs(silent(4), store=SlowStore(), limits=limits) as runs:
        started, refused = await start_at_once(runs, *[RunRequest("Hi", "c")] * 4)
        assert (len(started), [type(each) for each in refused]) == (1, [Conflict] * 3)


async def test_one_of_many_runs_replaces_another() -> None:
    model = ScriptedModel([say("One")], [Silence()], [Silence()], [Silence()])
    async with open_runs(model, store=SlowStore()) as runs:
        first = await runs.start(Principal(OWNER), RunRequest("Hi", "c"))
        await runs.active.wait(first.run_id)
        again = RunRequest("Hi", "c", replaces=first.run_id)
        started, refused = await start_at_once(runs, *[again] * 3)
        assert (len(started), [type(each) for each in refused]) == (1, [Conflict] * 2)


async def test_a_failed_start_frees_its_slot() -> None:
    limits = AdmissionLimits(max_active_runs=1)
    async with open_runs(silent(1), store=SlowStore(), admission=limits) as runs:
        for _ in range(3):
            _, (refused,) = await start_at_once(runs, RunRequest("Hi", model="no/such"))
            assert refused.code == "unknown_model"
        started, _ = await start_at_once(runs, RunRequest("Hi"))
        assert len(started) == 1


async def test_a_refused_message_creates_no_conversation() -> None:
    store = SlowStore()
    async with open_runs(
        silent(1), store=store, admission=AdmissionLimits(max_active_runs=1)
    ) as runs:
        await runs.start(Principal(OWNER), RunRequest("Hi", "c"))
        with pytest.raises(Busy):
            await runs.start(Principal(OWNER), RunRequest("Hi", "new"))
        assert await store.conversation(OWNER, "new") is None


@pytest.mark.parametrize("busy", ["queue", "refuse"])
async def test_another_owners_run_in_a_conversation_of_the_same_name_refuses_nothing(
    busy: str,
) -> None:
    limits = Limits(busy_conversation="refuse" if busy == "refuse" else "queue")
    admission = AdmissionLimits(max_waiting_messages=0)
    async with open_runs(silent(2), limits=limits, admission=admission) as runs:
        await runs.start(Principal(OWNER), RunRequest("Hi", "c"))
        await runs.start(Principal("bob"), RunRequest("Hi", "c"))
        assert len(runs.active) == 2


@pytest.mark.promise("P6")
async def test_one_idempotency_key_sent_many_times_at_once_starts_one_run() -> None:
    async with open_runs(silent(9), store=SlowStore()) as runs:
        request = RunRequest("Hi", idempotency_key=KEY)
        started, _ = await start_at_once(runs, *[request] * 9)
        assert len({each.run_id for each in started}) == len(runs.active) == 1


@pytest.mark.promise("P6")
async def test_a_repeated_key_finds_its_run_even_at_the_limit() -> None:
    limits = AdmissionLimits(max_active_runs=1)
    async with open_runs(silent(2), store=SlowStore(), admission=limits) as runs:
        request = RunRequest("Hi", idempotency_key=KEY)
        first = await runs.start(Principal(OWNER), request)
        assert await runs.start(Principal(OWNER), request) == first


async def test_each_owner_has_idempotency_keys_of_its_own() -> None:
    async with open_runs(silent(2), store=SlowStore()) as runs:
        request = RunRequest("Hi", idempotency_key=KEY)
        first = await runs.start(Principal(OWNER), request)
        assert await runs.start(Principal("bob"), request) != first
