"""Markdown that is made to be slow costs each platform a bounded number of steps per character."""

import signal
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from types import FrameType

import pytest

from thinkaloud.channels.discord import parts as discord_parts
from thinkaloud.channels.discord import render as discord
from thinkaloud.channels.feishu import render as feishu
from thinkaloud.channels.markdown.split import split_markdown
from thinkaloud.channels.matrix import render as matrix
from thinkaloud.channels.platform.content import Answer, ChatContent, Thought
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.slack import parts as slack_parts
from thinkaloud.channels.slack import render as slack
from thinkaloud.channels.slack.plan import plan_of
from thinkaloud.channels.slack.text import settled, slack_markdown
from thinkaloud.channels.telegram import render as telegram
from thinkaloud.channels.wechat import render as wechat
from thinkaloud.channels.wecom import render as wecom

CHAT = ChatAddress("chat", "1")
FEW, MANY = 1_000, 20_000
CALLS_PER_CHARACTER = 200
"""Ordinary text takes up to 140, with very short lines. What is quadratic takes at least 500."""
CPU_SECONDS = 20.0
"""The test takes a second. A pattern that backtracks takes minutes."""


def repeated(text: str, count: int) -> str:
    return (text * (count // len(text) + 1))[:count]


HOSTILE: Mapping[str, Callable[[int], str]] = {
    "brackets": lambda n: "[" * n,
    "images": lambda n: repeated("![", n),
    "nested links": lambda n: "[" * (n // 2) + "](" * (n // 4),
    "links that never end": lambda n: repeated("[a](", n),
    "references": lambda n: "[x]: b\n\n" + repeated("[a [b] ", n),
    "stars": lambda n: "*" * n,
    "crossing styles": lambda n: repeated("*a_", n),
    "backticks of all lengths": lambda n: " ".join("`" * i for i in range(1, int((2 * n) ** 0.5))),
    "quotes": lambda n: repeated("> ", n),
    "nested quotes": lambda n: "\n".join("> " * i + "x" for i in range(1, int(n**0.5))),
    "nested lists": lambda n: "\n".join("  " * i + "- x" for i in range(int(n**0.5))),
    "a wide table": lambda n: "\n".join([repeated(cell, n // 3) for cell in ("|a", "|-", "|b")]),
    "short lines": lambda n: "a\n" * (n // 2),
    "spaces": lambda n: "|a|\n|-" + " " * n + "x",
    "one grapheme": lambda n: "a" + "\u0301" * n,
    "formulas that never end": lambda n: repeated("\\(a", n),
    "tags": lambda n: repeated("<a:", n),
}


def render_discord(content: ChatContent) -> object:
    return discord.drafts(content, discord_parts.said_parts(content.answer))


def render_slack(content: ChatContent) -> object:
    settled(content.answer)
    return [
        plan_of(content),
        *(
            slack.message_blocks(content, part, "", containers=True)
            for part in slack_parts.split_answer(content.answer)
        ),
    ]


RENDER: Mapping[str, Callable[[ChatContent], object]] = {
    "telegram": lambda content: telegram.finished(content, "html"),
    "slack": render_slack,
    "discord": render_discord,
    "feishu": lambda content: feishu.final_cards(content, CHAT),
    "matrix": matrix.finished,
    "wechat": wechat.answer_parts,
    "wecom": wecom.final_messages,
}


def split(text: str) -> object:
    return split_markdown(text, 2_000)


def content(text: str) -> ChatContent:
    blocks = (Thought("t", text, False, 0, 4000), Answer("a", text, False))
    return ChatContent(run_id="r", mode="live", blocks=blocks, status="completed", final=True)


@contextmanager
def counting() -> Generator[list[int]]:
    """Count calls of Python functions."""
    calls = [0]

    def count(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            calls[0] += 1

    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(None)


@contextmanager
def limited(seconds: float) -> Generator[None]:
    """Fail after this much CPU time of this process, however busy the machine is."""

    def fail(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"more than {seconds:g} seconds of CPU time")

    before = signal.signal(signal.SIGVTALRM, fail)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@pytest.mark.parametrize("platform", RENDER)
def test_hostile_markdown_takes_a_bounded_number_of_steps(platform: str) -> None:
    costs: dict[str, float] = {}
    for name, make in HOSTILE.items():
        shown = content(make(FEW))
        with counting() as calls:
            RENDER[platform](shown)
        costs[name] = calls[0] / FEW
    assert {name: cost for name, cost in costs.items() if cost > CALLS_PER_CHARACTER} == {}


@pytest.mark.parametrize("convert", [slack_markdown, settled, split])
def test_no_pattern_backtracks_in_hostile_markdown(convert: Callable[[str], object]) -> None:
    with limited(CPU_SECONDS):
        for make in HOSTILE.values():
            convert(make(MANY))
