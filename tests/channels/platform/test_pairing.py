"""A stranger gets a code, and the operator approves it."""

import asyncio
from collections.abc import Sequence

import pytest
from typing_extensions import override

from tests.channels.platform.clocks import SteppedClock
from thinkaloud.channels.platform.message import Sender
from thinkaloud.channels.platform.pairing import (
    CODE_SECONDS,
    MAX_PENDING,
    MAX_REPLIES,
    Pairings,
)
from thinkaloud.errors import NotFound
from thinkaloud.ports.channel_state import StateEntry, StateKind
from thinkaloud.stores.channel_state import MemoryChannelState

EVE = Sender("eve", "Eve")


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def pairings(clock: SteppedClock) -> Pairings:
    return Pairings(MemoryChannelState(), clock)


async def test_an_approved_code_pairs_the_person_once(pairings: Pairings) -> None:
    code = await pairings.request("telegram", EVE)
    assert code is not None
    person = await pairings.approve(f" {code[:4].lower()}-{code[4:].lower()} ")
    assert (person.channel, person.id, person.name) == ("telegram", "eve", "Eve")
    assert await pairings.person("telegram", "eve") == person
    assert await pairings.person("slack", "eve") is None
    with pytest.raises(NotFound, match="No such code"):
        await pairings.approve(code)


async def test_a_person_can_be_paired_with_an_owner_and_unpaired(pairings: Pairings) -> None:
    code = await pairings.request("telegram", EVE)
    assert code is not None
    assert (await pairings.approve(code, owner="ada")).owner == "ada"
    assert await pairings.unpair("telegram", "eve") is True
    assert await pairings.unpair("telegram", "eve") is False
    assert await pairings.people() == []


async def test_a_code_expires(pairings: Pairings, clock: SteppedClock) -> None:
    code = await pairings.request("telegram", EVE)
    assert code is not None
    await clock.advance(CODE_SECONDS + 1)
    with pytest.raises(NotFound):
        await pairings.approve(code)
    assert await pairings.pending() == []


async def test_a_stranger_has_one_code_and_is_sent_it_a_few_times_only(pairings: Pairings) -> None:
    codes = [await pairings.request("telegram", EVE) for _ in range(MAX_REPLIES + 2)]
    assert len(set(codes[:MAX_REPLIES])) == 1
    assert codes[MAX_REPLIES:] == [None, None]


async def test_a_crowd_of_strangers_gets_no_more_codes_than_the_limit(pairings: Pairings) -> None:
    for number in range(MAX_PENDING):
        assert await pairings.request("telegram", Sender(f"p{number}")) is not None
    assert await pairings.request("telegram", EVE) is None
    assert await pairings.request("slack", EVE) is not None


class SlowState(MemoryChannelState):
    """Lets others go first, as a database does."""

    @override
    async def entries(self, kind: StateKind, channel: str | None = None) -> Sequence[StateEntry]:
        found = await super().entries(kind, channel)
        await asyncio.sleep(0)
        return found


async def test_strangers_who_write_at_the_same_time_do_not_exceed_the_limit(
    clock: SteppedClock,
) -> None:
    pairings = Pairings(SlowState(), clock)
    crowd = [pairings.request("telegram", Sender(f"s{n}")) for n in range(3 * MAX_PENDING)]
    codes = await asyncio.gather(*crowd)
    assert len([code for code in codes if code]) == MAX_PENDING
    repeated = [pairings.request("telegram", Sender("s0")) for _ in range(2 * MAX_REPLIES)]
    again = await asyncio.gather(*repeated)
    assert len([code for code in again if code]) == MAX_REPLIES - 1
