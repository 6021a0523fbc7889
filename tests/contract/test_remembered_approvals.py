"""The contract suite of stores for remembered approvals."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.postgres import PostgresServer
from thinkaloud.ports.execution.approvals import RememberedApproval, RememberedApprovals
from thinkaloud.stores.approvals.sqlite import SqliteApprovals
from thinkaloud.stores.postgres import Address, PostgresApprovals


@pytest.fixture(params=["sqlite", "postgres"])
async def approvals(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncGenerator[RememberedApprovals]:
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        async with server.database() as url, PostgresApprovals.open(Address(url)) as opened:
            yield opened
        return
    async with SqliteApprovals.open(tmp_path / "approvals.db") as opened:
        yield opened


def approval(action: str, at_ms: int, owner: str = "ana") -> RememberedApproval:
    return RememberedApproval(owner, action, f"{action} {at_ms}", at_ms)


async def test_the_latest_approval_of_each_tool_is_remembered_for_its_owner_only(
    approvals: RememberedApprovals,
) -> None:
    for each in (approval("a", 1), approval("b", 2), approval("a", 3), approval("c", 4, "bob")):
        await approvals.remember(each)
    assert list(await approvals.remembered("ana")) == [approval("b", 2), approval("a", 3)]
    assert list(await approvals.remembered("bob")) == [approval("c", 4, "bob")]


async def test_one_approval_or_all_of_an_owner_are_forgotten(
    approvals: RememberedApprovals,
) -> None:
    for each in (approval("a", 1), approval("b", 2), approval("c", 3), approval("a", 4, "bob")):
        await approvals.remember(each)
    assert await approvals.forget("ana", "a") == 1
    assert await approvals.forget("ana", "a") == 0
    assert list(await approvals.remembered("ana")) == [approval("b", 2), approval("c", 3)]
    assert await approvals.forget("ana") == 2
    assert list(await approvals.remembered("bob")) == [approval("a", 4, "bob")]
