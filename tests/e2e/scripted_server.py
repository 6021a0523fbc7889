"""The real server on a model that does what the message asks for: for browsers, in tests and benchmarks.

`python -m tests.e2e.scripted_server PORT` serves until it is ended. Data lie where
THINKALOUD_DATA_DIR says. The first word of a message chooses what the model does.
"""

import asyncio
import os
import re
import sys
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
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


class ScriptedReply(msgspec.Struct, frozen=True):
    """The model's response to a message."""

    thought: str = THOUGHT
    answer: str = ANSWER
    chunk_chars: int = 8
    """Characters per delta."""
    seconds: float = 0.04
    """Between two deltas."""
    last: ModelEvent = ModelFinished(
        "stop", reasoning_status="shown", usage=Usage(12, 345, reasoning_tokens=300)
    )
    pause: int | None = None
    """At which character of the thought it waits until the file `go` is in the data folder."""


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

REPLIES: Final = {
    "hold": ScriptedReply(pause=THOUGHT.index("Thought number 7")),
    "paced": ScriptedReply(thought=PARAGRAPHS, chunk_chars=3),
    "styles": ScriptedReply(thought="", answer=STYLES, chunk_chars=50, seconds=0.0),
    "talk": ScriptedReply(
        thought="", answer="Word after word, without a break. " * 100, seconds=0.02
    ),
    "essay": ScriptedReply(answer=essay(), chunk_chars=20, seconds=0.01),
    "book": ScriptedReply(answer=essay(), chunk_chars=2_000, seconds=0.0),
    "long": ScriptedReply(thought=long_thought(), chunk_chars=20, seconds=0.005),
    "quick": ScriptedReply(seconds=0.0),
    "only": ScriptedReply(
        answer="",
        seconds=0.0,
        last=ModelFinished(
            "length", reasoning_status="shown", usage=Usage(12, 4096, reasoning_tokens=4096)
        ),
    ),
    "fail": ScriptedReply(
        answer="",
        seconds=0.0,
        last=ModelFailed("provider_overloaded", "The provider is overloaded.", retryable=True),
    ),
}
"""By the first word of the message. "say" repeats the rest of the message; any other message gets the default reply."""


ATTACHED_FILE: Final = re.compile(r'<file name="(.*?)">\n(.*?)\n</file>', re.DOTALL)
"""The format of attached files in the prompt."""


def reply_for(text: str, pictures: int = 0) -> ScriptedReply:
    """Return the reply to this message; attached files are listed with their content."""
    parts = [f"{name}: {content}" for name, content in ATTACHED_FILE.findall(text)]
    if pictures:
        parts.append(f"pictures: {pictures}")
    if parts:
        return ScriptedReply(answer=f"You attached {', '.join(parts)}", seconds=0.0)
    first, _, rest = text.partition(" ")
    if first == "say":
        return ScriptedReply(thought="", answer=rest, chunk_chars=200, seconds=0.0)
    return REPLIES.get(first.strip(",.?").lower(), ScriptedReply())


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
        """Stream the reply."""
        asked = request.turns[-1]
        reply = (
            reply_for(asked.text, len(asked.images))
            if isinstance(asked, UserTurn)
            else ScriptedReply()
        )
        due = asyncio.get_running_loop().time()
        for kind, text in ((ReasoningText, reply.thought), (AnswerText, reply.answer)):
            for at in range(0, len(text), reply.chunk_chars):
                yield [kind(text[at : at + reply.chunk_chars])]
                if kind is ReasoningText and reply.pause in range(at, at + reply.chunk_chars):
                    await file_exists(Path(os.environ["THINKALOUD_DATA_DIR"]) / "go")
                    due = asyncio.get_running_loop().time()
                due += reply.seconds
                await asyncio.sleep(due - asyncio.get_running_loop().time())
        yield [reply.last]


async def file_exists(path: Path) -> None:
    """Wait until the file exists."""
    while not path.exists():
        await asyncio.sleep(0.02)


def main() -> None:
    """Run the server, and print its address once it accepts connections."""

    def ready(_: Runtime, address: str) -> None:
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()

    overrides = {"server": {"port": int(sys.argv[1])}}
    run_server(load(overrides=overrides), Choices(model=ObedientModel()), ready)


if __name__ == "__main__":
    main()
