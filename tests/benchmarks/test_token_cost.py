"""What a token costs, in Python instructions and next to the decode-and-frame floor of `make bench`.

The short version of the benchmark, for CI: it counts instead of measuring time, so a busy machine
changes nothing, and it finds gross regressions only. The limits leave room of a quarter or more
above the figures of the commit that set them; lower them when the server becomes faster.
"""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from benchmarks.speed import variants
from benchmarks.speed.client import Request
from benchmarks.speed.provider import ANSWER, END
from tests.benchmarks.instructions import (
    Client,
    LockstepProvider,
    ServedInThread,
    floor,
    open_client,
    thinkaloud,
)

WIRES = ("sse", "websocket")


class Setting:
    """The floor and the server, on one provider."""

    def __init__(
        self, provider: LockstepProvider, floor: ServedInThread, ours: ServedInThread
    ) -> None:
        self.provider = provider
        self.floor = floor
        self.ours = ours

    def request(self, served: ServedInThread, wire: str) -> Request:
        offered = variants.floor if served is self.floor else variants.thinkaloud
        return offered(served.process)[WIRES.index(wire)].request("lab")


@pytest.fixture
async def setting(tmp_path: Path) -> AsyncGenerator[Setting]:
    async with (
        LockstepProvider().open() as provider,
        floor(provider) as below,
        thinkaloud(provider, tmp_path) as ours,
    ):
        setting = Setting(provider, below, ours)
        for served in (below, ours):  # imports and connections are made here
            for wire in WIRES:
                await a_run(setting, served, wire)
        yield setting


async def a_run(setting: Setting, served: ServedInThread, wire: str) -> None:
    """Stream two tokens and end."""
    client = await open_client(setting.request(served, wire))
    run = Run(setting, client)
    await run.start()
    await run.exchange(2)
    await run.end()


class Run:
    """A run whose tokens are exchanged one by one."""

    def __init__(self, setting: Setting, *clients: Client) -> None:
        self._provider = setting.provider
        self.clients = [*clients]
        self._tokens = 0

    async def start(self) -> None:
        self._writer = await self._provider.asked()

    async def exchange(self, tokens: int) -> None:
        for _ in range(tokens):
            self._writer.write(ANSWER)
            self._tokens += 1
            for client in self.clients:
                await client.until(self._tokens)

    async def burst(self, tokens: int) -> None:
        self._writer.write(ANSWER * tokens)
        self._tokens += tokens
        for client in self.clients:
            await client.until(self._tokens)

    async def end(self) -> None:
        self._writer.write(END)
        for client in self.clients:
            await client.ended


async def cost(served: ServedInThread, run: Run) -> float:
    """Instructions per token: the least of some windows, as the log is saved every now and then."""
    await run.exchange(20)
    return min([await served.counted(lambda: run.exchange(30)) / 30 for _ in range(3)])


async def started_run(setting: Setting, served: ServedInThread, wire: str) -> Run:
    run = Run(setting, await open_client(setting.request(served, wire)))
    await run.start()
    return run


@pytest.mark.parametrize(("wire", "limit"), [("sse", 1.45), ("websocket", 1.3)])
async def test_a_token_costs_little_more_than_decoding_and_framing_it(
    setting: Setting, wire: str, limit: float
) -> None:
    costs: list[float] = []
    for served in (setting.ours, setting.floor):
        run = await started_run(setting, served, wire)
        costs.append(await cost(served, run))
        await run.end()
    assert costs[0] <= limit * costs[1]


@pytest.mark.parametrize(("wire", "limit"), [("sse", 1.6), ("websocket", 1.2)])
async def test_a_token_of_a_burst_costs_less_than_one_that_comes_alone(
    setting: Setting, wire: str, limit: float
) -> None:
    costs: list[float] = []
    for served in (setting.ours, setting.floor):
        run = await started_run(setting, served, wire)
        alone = await cost(served, run)
        costs.append(await served.counted(lambda: run.burst(2_000)) / 2_000)  # noqa: B023
        assert costs[-1] < alone
        await run.end()
    assert costs[0] <= limit * costs[1]


async def test_a_token_late_in_a_run_costs_as_much_as_an_early_one(setting: Setting) -> None:
    run = await started_run(setting, setting.ours, "sse")
    early = await cost(setting.ours, run)
    await run.exchange(1_500)
    assert await cost(setting.ours, run) <= 1.1 * early
    await run.end()


async def test_another_follower_costs_a_quarter_of_decoding_and_framing_at_most(
    setting: Setting,
) -> None:
    below = await started_run(setting, setting.floor, "sse")
    framed = await cost(setting.floor, below)
    await below.end()
    run = await started_run(setting, setting.ours, "sse")
    alone = await cost(setting.ours, run)
    request = variants.follower(setting.ours.process, run.clients[0].run_id)
    run.clients += [await open_client(request) for _ in range(4)]
    assert (await cost(setting.ours, run) - alone) / 4 <= 0.25 * framed
    await run.end()


@pytest.mark.parametrize(("wire", "limit"), [("sse", 3.4), ("websocket", 2.8)])
async def test_a_run_of_two_tokens_costs_few_times_a_request_that_is_only_decoded_and_framed(
    setting: Setting, wire: str, limit: float
) -> None:
    costs = [
        min([await served.counted(lambda: a_run(setting, served, wire)) for _ in range(3)])  # noqa: B023
        for served in (setting.ours, setting.floor)
    ]
    assert costs[0] <= limit * costs[1]
