"""Replies of several messages."""

import pytest

from tests.channels.platform.clocks import FastClock
from thinkaloud.channels.platform.errors import PlatformError, Rejected, RetryLater, Transient
from thinkaloud.channels.platform.parts import send_parts

CLOCK = FastClock(10_000)


class Sink:
    """Takes parts, and raises these errors instead, call by call."""

    def __init__(self, *errors: PlatformError | None) -> None:
        self.errors = list(errors)
        self.taken: list[str] = []

    async def send(self, part: str) -> None:
        if self.errors and (error := self.errors.pop(0)) is not None:
            raise error
        self.taken.append(part)


@pytest.mark.parametrize("error", [RetryLater(5), Transient("down")])
async def test_a_later_message_that_fails_is_retried_and_the_earlier_ones_are_not_repeated(
    error: PlatformError,
) -> None:
    sink = Sink(None, error, error, None, error)
    await send_parts(["one", "two", "three"], sink.send, CLOCK)
    assert sink.taken == ["one", "two", "three"]


@pytest.mark.parametrize("error", [RetryLater(5), Transient("down"), Rejected("no")])
async def test_the_layer_is_told_that_the_first_message_failed(error: PlatformError) -> None:
    sink = Sink(error)
    with pytest.raises(type(error)):
        await send_parts(["one", "two"], sink.send, CLOCK)
    assert sink.taken == []


async def test_where_the_platform_knows_repetitions_a_first_message_that_was_lost_is_retried() -> (
    None
):
    sink = Sink(Transient("lost"), Transient("lost"))
    await send_parts(["one", "two"], sink.send, CLOCK, repeatable=True)
    assert sink.taken == ["one", "two"]
    with pytest.raises(RetryLater):
        await send_parts(["one"], Sink(RetryLater(5)).send, CLOCK, repeatable=True)
    with pytest.raises(Transient):
        await send_parts(["one"], Sink(*[Transient("down")] * 5).send, CLOCK, repeatable=True)


async def test_a_reply_that_stays_incomplete_is_not_begun_again() -> None:
    sink = Sink(None, *[Transient("down")] * 5)
    with pytest.raises(Rejected, match="1 messages at the end"):
        await send_parts(["one", "two"], sink.send, CLOCK)
