"""The real server on a model that does what the message asks for: for browsers, in tests and benchmarks.

`python -m tests.e2e.scripted_server PORT` serves until it is ended. Data lie where
THINKALOUD_DATA_DIR says. The first word of a message chooses what the model does.
"""

import asyncio
import re
import sys
from collections.abc import AsyncGenerator, Sequence
from typing import Final

import msgspec

from thinkaloud.app.runtime import Choices, Runtime
from thinkaloud.app.server import run_server
from thinkaloud.config import load
from thinkaloud.events.model import (
    AnswerText,
    ModelEvent,
    ModelFailed,
    ModelFinished,
    ReasoningText,
    Usage,
)
from thinkaloud.events.prompt import EFFORT_LEVELS, ModelRequest, UserTurn
from thinkaloud.ports.model import ModelInfo, ReasoningAbility

THOUGHT: Final = "".join(f"Thought number {n} leads to the next one. " for n in range(1, 13))
ANSWER: Final = "The answer is **42**.\n\n```python\nprint(6 * 7)\n```\n\nOr as a formula: $$6 \\cdot 7 = 42$$\n"
LONG: Final = 100_000
"""Characters of the long thought; one token has four."""


class Way(msgspec.Struct, frozen=True):
    """How the model answers a message."""

    thought: str = THOUGHT
    answer: str = ANSWER
    letters: int = 8
    """Characters of a piece."""
    seconds: float = 0.04
    """Between two pieces."""
    last: ModelEvent = ModelFinished(
        "stop", reasoning_status="shown", usage=Usage(12, 345, reasoning_tokens=300)
    )


def long_thought() -> str:
    """Return exactly as many characters as the long thought has, in sentences and paragraphs."""
    lines = (
        f"Step {n}: {n} squared is {n * n}, which leaves {n % 7} modulo seven."
        + (" " if n % 6 else "\n\n")
        for n in range(1, LONG // 40)
    )
    return "".join(lines)[:LONG]


def essay() -> str:
    """Return a long answer with everything that Markdown has."""
    section = (
        "\n\n## Section {n}\n\nSome **bold** words, a [link](https://example.com/{n}) and `code`.\n\n"
        "- one\n- two\n- three\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "```python\ndef section_{n}(x: int) -> int:\n    return x * {n}\n```\n\n"
    ) + "And a paragraph of ordinary length, as paragraphs are, until it is long enough. " * 3
    return "".join(section.replace("{n}", str(n)) for n in range(1, 60))


PARAGRAPHS: Final = (
    "First, the question.\nIt asks for a sum.\n\nA second paragraph, which is a good deal longer.\n\n"
    "- one\n- two\n- three\n\n\nLast words."
)
STYLES: Final = (
    '- [x] Think\n- [ ] Answer\n\n```bash\n#!/bin/bash\n# A comment\necho "$HOME"\n```\n\n'
    "```python\n@cached\ndef f(x: int) -> str:\n    return None\n```\n\n"
    '```diff\n@@ -1 +1 @@\n-old\n+new\n```\n\n```html\n<!DOCTYPE html>\n<b class="x">&amp;</b>\n```\n'
)

TRANSPORTS: Final = {
    "paced": Way(thought=PARAGRAPHS, letters=3),
    "styles": Way(thought="", answer=STYLES, letters=50, seconds=0.0),
    "talk": Way(thought="", answer="Word after word, without a break. " * 100, seconds=0.02),
    "essay": Way(answer=essay(), letters=20, seconds=0.01),
    "book": Way(answer=essay(), letters=2_000, seconds=0.0),
    "long": Way(thought=long_thought(), letters=20, seconds=0.005),
    "quick": Way(seconds=0.0),
    "only": Way(
        answer="",
        seconds=0.0,
        last=ModelFinished(
            "length", reasoning_status="shown", usage=Usage(12, 4096, reasoning_tokens=4096)
        ),
    ),
    "fail": Way(
        answer="",
        seconds=0.0,
        last=ModelFailed("provider_overloaded", "The provider is overloaded.", retryable=True),
    ),
}
"""By the first word of the message; every other message is answered at a reader's pace, but for "say", which says the rest."""


BROUGHT: Final = re.compile(r'<file name="(.*?)">\n(.*?)\n</file>', re.DOTALL)
"""How a file stands before the message."""


def way_of(text: str, pictures: int = 0) -> Way:
    """Return how this message is answered: files that came with it are told and read out."""
    parts = [f"{name}: {content}" for name, content in BROUGHT.findall(text)]
    if pictures:
        parts.append(f"pictures: {pictures}")
    if parts:
        return Way(answer=f"You brought {', '.join(parts)}", seconds=0.0)
    first, _, rest = text.partition(" ")
    if first == "say":
        return Way(thought="", answer=rest, letters=200, seconds=0.0)
    return TRANSPORTS.get(first.strip(",.?").lower(), Way())


class ObedientModel:
    """A model that responds as the message requests."""

    info: Final = ModelInfo(
        id="scripted/obedient",
        name="Obedient",
        provider="scripted",
        max_tokens=128_000,
        reasoning=ReasoningAbility(supported=True, streams=True, efforts=EFFORT_LEVELS),
        images=True,
    )

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[ModelEvent]]:
        """Say it, piece by piece."""
        asked = request.turns[-1]
        transport = way_of(asked.text, len(asked.images)) if isinstance(asked, UserTurn) else Way()
        due = asyncio.get_running_loop().time()
        for kind, text in ((ReasoningText, transport.thought), (AnswerText, transport.answer)):
            for at in range(0, len(text), transport.letters):
                yield [kind(text[at : at + transport.letters])]
                due += transport.seconds
                await asyncio.sleep(due - asyncio.get_running_loop().time())
        yield [transport.last]


def main() -> None:
    """Serve, and print the address once it can be reached."""

    def ready(_: Runtime, address: str) -> None:
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()

    overrides = {"server": {"port": int(sys.argv[1])}}
    run_server(load(overrides=overrides), Choices(model=ObedientModel()), ready)


if __name__ == "__main__":
    main()
