"""What the models of the golden sessions say."""

import struct
import zlib
from base64 import b64encode
from itertools import pairwise
from typing import Final

import msgspec

from thinkaloud.events.event import Attachment
from thinkaloud.events.model import ModelFailed, ModelFinished, Reclassified, Usage
from thinkaloud.events.prompt import ToolResult, ToolSchema
from thinkaloud.providers.scripted import (
    Cut,
    Script,
    ScriptedModel,
    Silence,
    Step,
    call_tool,
    say,
    think,
)
from thinkaloud.tools.function import tool

CONVERSATION: Final = "conv_golden"
_WORDS: Final = 3


class Session(msgspec.Struct, frozen=True):
    """One golden session: what the user says, what the model says, and where it is cut."""

    scripts: tuple[Script, ...]
    texts: tuple[str, ...] = ("How many weekends are there in a leap year?",)
    max_iterations: int | None = None
    stop_after: int | None = None
    """Stop the run at this many pieces of reasoning."""
    replaces: tuple[int, ...] = ()
    """By message: the number of the run that it is a new version of; 0: none."""
    selects: tuple[int, ...] = ()
    """By message: the number of the run that is selected after it has ended; 0: none."""
    files: tuple[Attachment, ...] = ()
    """What each message has as its `context_files`."""
    client_tools: tuple[ToolSchema, ...] = ()
    """The tools that the client executes."""
    results: tuple[tuple[ToolResult, ...], ...] = ()
    """By message: the results of the calls that were returned to the client."""
    leave_after: int | None = None
    """End the log at this many pieces of reasoning, while the model still thinks."""

    def model(self, first: Step) -> ScriptedModel:
        """Return a model that says it, and takes this step before each response."""
        scripts = [[first, *script] for script in self.scripts]
        return ScriptedModel(*scripts, model_id="lab/qwen3")


@tool
def calculate(expression: str) -> str:
    """Calculate."""
    return {"366 / 7": "52.285714285714285", "52 * 2": "104"}.get(expression, "0")


@tool
def read_file(name: str) -> str:
    """Read a file."""
    raise FileNotFoundError(f"There is no file {name}.")


TOOLS: Final = (calculate, read_file)

_THOUGHT: Final = (
    "The user wants the number of weekends in a leap year. "
    "A leap year has 366 days, and 366 divided by 7 is 52 with a remainder of 2.\n\n"
    "So there are 52 full weeks, hence at least 52 Saturdays and 52 Sundays. "
    "The two days left over decide the rest: if they are a Saturday and a Sunday, "
    "there is a 53rd weekend.\n\n"
    "That happens when the year begins on a Saturday. Let me check: January 1 and 2 are then "
    "Saturday and Sunday, and December 30 and 31 as well. Yes."
)
_ANSWER: Final = (
    "A leap year has **52 or 53 weekends**.\n\n"
    "366 days are 52 weeks and 2 days:\n\n"
    "| The year begins on a | Saturdays | Sundays | Whole weekends |\n"
    "|---|---:|---:|---:|\n"
    "| Saturday | 53 | 53 | 53 |\n"
    "| Friday | 53 | 52 | 52 |\n"
    "| any other day | 52 | 52 or 53 | 52 |\n\n"
    "To check a year:\n\n"
    "```python\n"
    "from datetime import date\n\n"
    "def weekends(year: int) -> int:\n"
    '    """Count Saturdays that are followed by a Sunday in the same year."""\n'
    "    saturday = 5\n"
    "    days = (date(year, 12, 31) - date(year, 1, 1)).days\n"
    "    first = date(year, 1, 1).weekday()\n"
    "    return sum((first + n) % 7 == saturday for n in range(days))\n"
    "```\n"
)
_HOSTILE: Final = (
    "<script>alert('thought')</script> </think> <img src=x onerror=alert(1)> "
    "\x1b[31mred\x1b[0m \u202egnirts desrever\u202c zero\u200bwidth \u2066isolate\u2069\n\n"
    "[a link](javascript:alert(1)) &lt;b&gt; <details open ontoggle=alert(1)>"
)
_HOSTILE_ANSWER: Final = (
    "<script>alert('answer')</script>\n\n"
    "<img src=x onerror=alert(1)> and <a href='javascript:alert(1)'>raw HTML</a>\n\n"
    "[script link](javascript:alert(1)) · [data link](data:text/html,<script>alert(1)</script>) · "
    "[honest link](https://example.com/page)\n\n"
    "![tracker](https://tracker.example/pixel.png) \u202etxt.exe\u202c pay\u200bload\n\n"
    '```html\n<iframe srcdoc="<script>alert(1)</script>"></iframe>\n```\n'
)
_UNICODE: Final = (
    "Zażółć gęślą jaźń. 量子もつれについて考える。 अगर हम सोचें। "
    "مرحبا بالعالم 👩‍👩‍👧‍👦🏳️‍🌈 e\u0301 = é, 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 🙂"
)


def _thinks(text: str, part: int = 0) -> list[Step]:
    return think(*_pieces(text), part=part)


def _says(text: str) -> list[Step]:
    return say(*_pieces(text))


def _pieces(text: str, words: int = _WORDS) -> list[str]:
    """Cut a text as a model's tokens come, without losing a space."""
    marks = [index for index, letter in enumerate(text) if letter == " "][words - 1 :: words]
    edges = [0, *marks, len(text)]
    return [text[a:b] for a, b in pairwise(edges) if b > a]


def _ends(usage: Usage, finish_reason: str = "stop", status: str = "shown") -> list[Step]:
    end = {"finish_reason": finish_reason, "reasoning_status": status}
    return [msgspec.convert(end | {"type": "finished", "usage": usage}, ModelFinished)]


def _long_thought() -> list[Step]:
    """Return reasoning of exactly 100,000 characters."""
    sentences: list[str] = []
    size = number = 0
    while size < 100_000:
        number += 1
        ending = "\n\n" if number % 6 == 0 else " "
        sentence = f"Step {number}: {number} squared is {number * number}, which leaves {number % 7} modulo seven.{ending}"
        sentences.append(sentence)
        size += len(sentence)
    text = "".join(sentences)[:100_000]
    return think(*(text[at : at + 400] for at in range(0, len(text), 400)))


def _picture(red: int, green: int) -> Attachment:
    """Return a picture of 48 × 48 points, uncompressed so that it has the same bytes everywhere."""
    side = 48
    rows = b"".join(
        b"\0" + bytes(v for x in range(side) for v in (red, green, 3 * (x + y) // 2 + 60))
        for y in range(side)
    )
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows, 0)),
        (b"IEND", b""),
    )
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    name = f"calendar-{red}.png"
    content = b64encode(data).decode()
    return Attachment(name, "image/png", base64=content, id=f"upl_{red:032x}", bytes=len(data))


_NOTES: Final = "The year begins on a Saturday.\n"
_FILES: Final = (
    _picture(40, 130),
    Attachment(
        "Notes <b>of</b> 2028 & more.txt", "text/plain", text=_NOTES, id="plans/2028.txt", bytes=31
    ),
    _picture(200, 90),
)
_USAGE: Final = Usage(input_tokens=412, output_tokens=388, reasoning_tokens=121)

_TWO: Final = ("How many weekends are there in a leap year?", "And in a common year?")

SESSIONS: Final[dict[str, Session]] = {
    "thinking-live": Session(([_thinks(_THOUGHT), _says(_ANSWER)],), leave_after=30),
    "thought-then-answer": Session(([_thinks(_THOUGHT), _says(_ANSWER), _ends(_USAGE)],)),
    "tools-with-thought-between": Session(
        (
            [
                _thinks("I should divide 366 by 7 first. The calculator will do."),
                call_tool("calculate", {"expression": "366 / 7"}, "call_1"),
                call_tool("read_file", {"name": "calendar.txt"}, "call_2"),
            ],
            [
                _thinks("52 and a bit: 52 full weeks. The file is missing, but I do not need it."),
                _says("There are 52 full weeks. Let me count the days."),
                call_tool("calculate", {"expression": "52 * 2"}, "call_3"),
            ],
            [_thinks("104 weekend days at least."), _says("So there are **52** weekends."), _ends(_USAGE)],
        ),
    ),
    "client-tool": Session(
        (
            [
                _thinks("The user has a calendar. I will count the weeks."),
                call_tool("calculate", {"expression": "366 / 7"}, "call_1"),
                call_tool("open_calendar", {"year": 2028}, "call_2"),
            ],
            [_thinks("It begins on a Saturday."), _says("2028 has **53** weekends."), _ends(_USAGE)],
        ),
        texts=("How many weekends are there in 2028?", ""),
        client_tools=(
            ToolSchema("open_calendar", "Open the user's calendar.", {"type": "object", "properties": {}}),
        ),
        results=((), (ToolResult("call_2", "open_calendar", "1 January 2028 is a Saturday."),)),
    ),
    "several-parts": Session(
        (
            [
                _thinks("**Counting the days**\n\nA leap year has 366 days.", part=0),
                _thinks("**Dividing by seven**\n\nThat is 52 weeks and 2 days.", part=1),
                _thinks("**Placing the rest**\n\nThe first two days decide.", part=2),
                _says("52 or 53."),
                _ends(_USAGE),
            ],
        ),
    ),
    "reasoning-after-answer": Session(
        ([_says("At least 52."), _thinks("Wait, the remainder matters."), _says("52 or 53."), _ends(_USAGE)],)
    ),
    "failed-while-thinking": Session(
        ([_thinks(_THOUGHT[:170]), [ModelFailed("provider_overloaded", "The provider is overloaded.", retryable=True)]],)
    ),
    "cut-while-answering": Session(([_thinks(_THOUGHT[:220]), _says(_ANSWER[:110]), [Cut()]],)),
    "stopped": Session(([_thinks(_THOUGHT[:260]), [Silence()]],), stop_after=9),
    "max-iterations": Session(
        tuple(
            [_thinks(f"Attempt {n}: try once more."), call_tool("calculate", {"expression": f"{n} * 1"}, f"call_{n}")]
            for n in (1, 2, 3)
        ),
        max_iterations=2,
    ),
    "only-thought": Session(
        ([_thinks(_THOUGHT), _ends(Usage(input_tokens=412, output_tokens=4096, reasoning_tokens=4096), "length")],)
    ),
    "hidden-by-provider": Session(
        ([_says(_ANSWER[:160]), _ends(Usage(input_tokens=412, output_tokens=1310, reasoning_tokens=1234), status="hidden_by_provider")],)
    ),
    "notice-and-retry": Session(
        (
            [[ModelFailed("provider_rate_limit", "Too many requests.", retryable=True, retry_after=4.0)]],
            [_thinks("Now then: 366 = 52 × 7 + 2."), _says("52 or 53."), _ends(_USAGE)],
        ),
    ),
    "answer-that-was-reasoning": Session(
        (
            [_says("The user asks about leap years. "), [Reclassified("reasoning")], _says("52 or 53."), _ends(_USAGE)],
        ),
    ),
    "thought-that-was-the-answer": Session(
        ([_thinks("52 or 53."), [Reclassified("withdrawn")], _says("52 or 53."), _ends(_USAGE, status="none")],)
    ),
    "two-runs": Session(
        (
            [_thinks("366 = 52 × 7 + 2."), _says("52 or 53."), _ends(_USAGE)],
            [_thinks("365 = 52 × 7 + 1, so never 53 whole ones."), _says("Always 52."), _ends(_USAGE)],
        ),
        texts=("How many weekends are there in a leap year?", "And in a common year?"),
    ),
    "replaced": Session(
        (
            [_thinks("366 = 52 × 7 + 2."), _says("52 or 53."), _ends(_USAGE)],
            [_thinks("A common year has one day less."), _says("52 or 53, too."), _ends(_USAGE)],
        ),
        texts=("How many weekends are there in a leap year?", "How many weekends has 2027?"),
        replaces=(0, 1),
    ),
    "replacement-thinking": Session(
        (
            [_says("52 or 53."), _ends(_USAGE)],
            [_says("Always 52."), _ends(_USAGE)],
            [_thinks("A year has 365 or 366 days."), _says("52 or 53 weekends."), _ends(_USAGE)],
        ),
        texts=(*_TWO, _TWO[0]),
        replaces=(0, 0, 1),
        leave_after=2,
    ),
    "replacement-failed": Session(
        (
            [_says("52 or 53."), _ends(_USAGE)],
            [_says("Always 52."), _ends(_USAGE)],
            [_thinks("A year has"), [ModelFailed("provider_auth", "The key was refused.")]],
        ),
        texts=(*_TWO, _TWO[0]),
        replaces=(0, 0, 1),
    ),
    "retried-until-it-answers": Session(
        (
            [[ModelFailed("provider_auth", "The key was refused.")]],
            [[ModelFailed("provider_auth", "The key was refused again.")]],
            [_says("52 or 53."), _ends(_USAGE)],
        ),
        texts=(_TWO[0], _TWO[0], _TWO[0]),
        replaces=(0, 1, 2),
    ),
    "versions": Session(
        (
            [_says("52 or 53."), _ends(_USAGE)],
            [_says("Always 52."), _ends(_USAGE)],
            [_thinks("Briefly."), _says("53 at most."), _ends(_USAGE)],
            [_says("Because 365 = 52 × 7 + 1."), _ends(_USAGE)],
            [_says("Yes, always."), _ends(_USAGE)],
            [[ModelFailed("provider_auth", "The key was refused.")]],
            [_says("52 or 53, as I said."), _ends(_USAGE)],
        ),
        texts=(*_TWO, "How many at most?", "Why?", "Really?", "Really?", "Once more?"),
        replaces=(0, 0, 1, 0, 2, 5, 0),
        selects=(0, 0, 0, 2, 0, 3, 2),
    ),
    "attachments": Session(
        ([_thinks("Two pictures and a note: the year begins on a Saturday."), _says("53 weekends."), _ends(_USAGE)],),
        files=_FILES,
    ),
    "hostile-text": Session(
        ([_thinks(_HOSTILE), _says(_HOSTILE_ANSWER), _ends(_USAGE)],),
        texts=("<b onclick=alert(1)>Be \u202ehostile</b>, please.",),
    ),
    "long-thought": Session(([_long_thought(), _says("Done."), _ends(_USAGE)],)),
    "unicode": Session(([_thinks(_UNICODE), _says(_UNICODE), _ends(_USAGE)],), texts=("你好 👋 שלום",)),
    "answer-only": Session(([_says("52 or 53."), _ends(Usage(output_tokens=7), status="none")],)),
}  # fmt: skip
"""By the name of their files."""
