"""Draws what people see on each chat platform, from the traffic with its fake server.

`.venv/bin/python -m tests.channels.pictures [PLATFORM…]` writes docs/pictures/channels/*.svg.
"""

import asyncio
import importlib
import sys
import textwrap
from collections.abc import Sequence
from html import escape
from typing import Final

from scripts.tree import ROOT
from tests.channels.matrix.homeserver import homeserver
from tests.channels.platform.contract import ChannelContract, allowing
from tests.channels.platform.driver import Driver, DriverSetup, Shown, text_of, until
from thinkaloud.channels.platform.settings import THINKING_MODES
from thinkaloud.channels.platform.setup import SETUP
from thinkaloud.providers.scripted import Script, Wait, call_tool, say, think
from thinkaloud.tools.function import tool

FOLDER: Final = ROOT / "docs" / "pictures" / "channels"
QUESTION: Final = "How far away is the Moon, in light-seconds?"
THOUGHT: Final = (
    "The mean distance is 384,400 km.",
    " Light travels 299,792 km in a second,",
    " so 384,400 / 299,792 is about 1.28.",
)
ANSWER: Final = (
    "The Moon is about **1.28 light-seconds** away:\n\n```\n384400 / 299792 = 1.28\n```\n"
)
_WIDTH: Final = 46
_COLUMN: Final = 380
_LINE: Final = 18
_LEFT: Final = 116


@tool
def look_up(word: str) -> str:
    """Look up a fact."""
    return "384,400 km"


async def views(platform: str, mode: str) -> tuple[Sequence[Shown], Sequence[Shown]]:
    """Return what a direct chat shows while the model thinks, and at the end."""
    module = importlib.import_module(f"tests.channels.{platform}.test_contract")
    suite = next(
        found
        for found in vars(module).values()
        if isinstance(found, type)
        and issubclass(found, ChannelContract)
        and found is not ChannelContract
    )()
    if platform == "matrix":
        with homeserver() as server:
            suite.server = server  # pyright: ignore[reportAttributeAccessIssue]
            return await _views(suite, mode)
    return await _views(suite, mode)


async def _views(suite: ChannelContract, mode: str) -> tuple[Sequence[Shown], Sequence[Shown]]:
    wait = asyncio.Event()
    first: Script = [think(THOUGHT[0]), call_tool("look_up", {"word": "Moon"})]
    second: Script = [think(*THOUGHT[1:]), Wait(wait), say(ANSWER)]
    setup = allowing(thinking=mode)
    setup = DriverSetup(setup.settings, tools=(look_up,))
    async with suite.opened(setup, first, second) as driver:
        await driver.person_says(QUESTION, sender=driver.ada)
        await _thinking(driver, mode)
        thinking = driver.shown(driver.ada)
        wait.set()
        await until(driver, lambda: "384400" in text_of(driver, driver.ada))
        await driver.lab.channel.quiet()
        return thinking, driver.shown(driver.ada)


async def _thinking(driver: Driver, mode: str) -> None:
    """Wait until the second thought has started and, in `live`, is shown if it ever is."""
    await until(driver, lambda: len(driver.lab.model.requests) > 1)
    if mode == "live" and driver.live_thoughts:
        await until(driver, lambda: "1.28" in str(driver.shown(driver.ada)))
    elif mode == "live" or (mode != "off" and driver.edits):
        await until(driver, lambda: bool(driver.shown(driver.ada)))


def picture(title: str, rows: Sequence[tuple[str, Sequence[Shown], Sequence[Shown]]]) -> str:
    """Draw one row for each mode: while the model thinks, and at the end."""
    parts: list[str] = []
    top = 62
    for mode, thinking, done in rows:
        parts.append(_text(16, top + 14, mode, "label"))
        heights: list[int] = []
        for column, shown in enumerate((thinking, done)):
            bubbles, height = _bubbles(_LEFT + column * (_COLUMN + 16), top, shown)
            parts += bubbles
            heights.append(height)
        top += max(*heights, 40) + 18
    width = _LEFT + 2 * (_COLUMN + 16)
    heads = [
        _text(16, 28, title, "title"),
        _text(16, 48, "thinking =", "label"),
        _text(_LEFT, 48, "while the model thinks", "label"),
        _text(_LEFT + _COLUMN + 16, 48, "when it is done", "label"),
    ]
    style = (
        "text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600;font-size:16px}"
        ".label{fill:#57606a}.fold{fill:#57606a;font-style:italic}.note{fill:#8c959f;font-size:11px}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top}" width="{width}">'
        f'<style>{style}</style><rect width="{width}" height="{top}" rx="8" fill="#ffffff"/>'
        f"{''.join([*heads, *parts])}</svg>\n"
    )


def _bubbles(left: int, top: int, shown: Sequence[Shown]) -> tuple[list[str], int]:
    parts: list[str] = []
    height = 0
    for message in shown:
        lines = [("", line) for line in _wrapped(message.text)]
        if message.folded:
            lines += [("fold", line) for line in ("behind the fold:", *_wrapped(message.folded))]
        notes = [] if message.notifies else ["silent"]
        if message.private_to:
            notes.append("only for the person who asked")
        lines += [("note", ", ".join(notes))] if notes else []
        tall = 14 + _LINE * len(lines)
        parts.append(
            f'<rect x="{left}" y="{top + height}" width="{_COLUMN}" height="{tall}" rx="8"'
            ' fill="#f6f8fa" stroke="#d0d7de"/>'
        )
        parts += [
            _text(left + 12, top + height + 20 + _LINE * index, line, kind)
            for index, (kind, line) in enumerate(lines)
        ]
        height += tall + 8
    if not shown:
        parts.append(_text(left, top + 14, "nothing", "note"))
    return parts, height


def _wrapped(text: str) -> list[str]:
    return [
        line
        for given in text.strip("\n").split("\n")
        for line in textwrap.wrap(given, _WIDTH, drop_whitespace=False) or [""]
    ]


def _text(x: int, y: int, text: str, kind: str) -> str:
    name = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}"{name} xml:space="preserve">{escape(text)}</text>'


def platforms() -> Sequence[str]:
    """The platforms that have a driver."""
    found = (ROOT / "tests" / "channels").glob("*/test_contract.py")
    return sorted(path.parent.name for path in found if path.parent.name != "platform")


def main() -> None:
    """Draw the pictures of these platforms, or of all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for platform in sys.argv[1:] or platforms():
        rows = [(mode, *asyncio.run(views(platform, mode))) for mode in THINKING_MODES]
        path = FOLDER / f"{platform}.svg"
        path.write_text(picture(SETUP[platform].title, rows), encoding="utf-8")


if __name__ == "__main__":
    main()
