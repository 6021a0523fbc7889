"""How long a channel keeps the event loop for itself, counted in calls and not in time."""

import asyncio
import sys
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from tests.channels.platform.driver import Driver, until
from thinkaloud.providers.scripted import Script, say, think

MOST_CALLS = 10_000
"""In a turn of the event loop: less than 50 ms. Rendering the text at once takes hundreds of thousands."""
CHARACTERS = 12_000
_OURS = ("thinkaloud", "markdown_it", "re", "html")
_RUN = asyncio.Handle._run.__code__  # pyright: ignore[reportPrivateUsage]


def slow_text() -> str:
    """Markdown that takes long to render, of each kind that takes longest on some platform."""
    kinds = ("a\n", "[a](", "*a_", "\\(a", "<a:")
    parts = [kind * (CHARACTERS // 6 // len(kind)) for kind in kinds]
    cells = CHARACTERS // 6 // 6
    return "\n\n".join([*parts, f"{'|a' * cells}\n{'|-' * cells}\n{'|b' * cells}"])


def slow_script() -> Script:
    return [think(slow_text()), say(slow_text()), say("\n\nThe end.")]


@contextmanager
def counting_turns() -> Generator[list[int]]:
    """Count the calls of Python functions in each turn of this thread's event loop: the most so far."""
    most, turn = [0], 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal turn
        if event != "call":
            return
        if frame.f_code is _RUN:
            turn = 0
        elif str(frame.f_globals.get("__name__")).startswith(_OURS):
            turn += 1
            most[0] = max(most[0], turn)

    sys.setprofile(count)
    try:
        yield most
    finally:
        sys.setprofile(None)


async def most_calls(driver: Driver) -> int:
    """Let the model answer with slow text, and return the most calls in one turn of the event loop."""
    with counting_turns() as most:
        await driver.person_says("Go", sender=driver.ada)
        await until(driver, lambda: driver.lab.channel.status.pending == 1)
        await driver.lab.channel.quiet()
    assert driver.shown(driver.ada)
    return most[0]
