"""The demo model's answers to questions that need no tool. Pure."""

import re
from collections.abc import Sequence
from typing import Final

_MEMORY: Final = re.compile(
    r"\b(?:what (?:did|have|was) (?:i|my)\b.{0,40}\b(?:ask|asked|say|said|tell|told|question|message)"
    r"|my (?:last|previous|first|earlier) (?:question|message)|do you remember|what we talked)",
    re.IGNORECASE,
)
_NAME: Final = re.compile(
    r"\b(?:my name is|call me|i am called) ([^\W\d_][\w'’-]{0,40})", re.IGNORECASE
)
_NAME_ASKED: Final = re.compile(r"\bwhat(?:['’]?s| is) my name\b|\bwho am i\b", re.IGNORECASE)
_GREETING: Final = re.compile(
    r"\s*(?:hi|hello|hey|hallo|good (?:morning|afternoon|evening)|greetings)\b[^?]{0,30}$",
    re.IGNORECASE,
)
_THANKS: Final = re.compile(r"\s*(?:thanks|thank you|cheers)\b", re.IGNORECASE)
_FIRST: Final = re.compile(r"\bfirst\b", re.IGNORECASE)

_RECALLED: Final = 10

_ABILITIES: Final = """\
What I can do, with real tools:

- arithmetic: “What is 12 * (3 + 4)?”
- the time: “What time is it in Tokyo?”
- files in the workspace: “Which files are there?”, “Read notes.md”, “Search my files for tea”
- a little memory: “What did I ask before?”"""

_CONNECTING: Final = """\
To connect a real model, do one of these and start again:

- set an API key in the environment, such as `ANTHROPIC_API_KEY` or `OPENAI_API_KEY`
- run a local model server such as Ollama
- add any other server to `thinkaloud.toml`:

```toml
[hosts.lab]
dialect = "openai-chat"
base_url = "http://127.0.0.1:9000/v1"
```

`thinkaloud doctor` shows what was found and what is missing."""


def answer(question: str, earlier: Sequence[str]) -> tuple[str, str]:
    """Return the last reasoning step and the answer, given earlier questions, oldest first."""
    if _NAME_ASKED.search(question):
        return _name(earlier)
    if _MEMORY.search(question):
        return _memory(question, earlier)
    named = _NAME.search(question)
    if named is not None:
        answer = f"Hello, {named[1]}. I'll remember that for this conversation."
        return "This is a name. I can repeat it when asked.", answer
    if _GREETING.match(question):
        return (
            "This is a greeting. I'll greet them back and say what I am.",
            f"Hello! I am thinkaloud's demo model.\n\n{_ABILITIES}\n\n{_CONNECTING}",
        )
    if _THANKS.match(question):
        return "They are thanking me.", "You're welcome."
    return (
        "I have no knowledge of my own, so I'll say what I am and how to connect a real model.",
        "I am thinkaloud's demo model: I think and answer by fixed rules, so that you can see how"
        f" thinkaloud streams a model's reasoning. I can't answer questions like this one.\n\n{_ABILITIES}\n\n{_CONNECTING}",
    )


def _memory(question: str, earlier: Sequence[str]) -> tuple[str, str]:
    decision = "This is about our conversation, and I can look back at it."
    if not earlier:
        return decision, "Nothing yet: this is the first message of our conversation."
    if _FIRST.search(question):
        return decision, f"The first thing you wrote was: “{_line(earlier[0])}”"
    lines = [
        f"{number}. “{_line(text)}”"
        for number, text in list(enumerate(earlier, start=1))[-_RECALLED:]
    ]
    return decision, "Before this you wrote:\n\n" + "\n".join(lines)


def _name(earlier: Sequence[str]) -> tuple[str, str]:
    for text in reversed(earlier):
        named = _NAME.search(text)
        if named is not None:
            return "They told me their name earlier.", f"You told me: your name is {named[1]}."
    decision = "They haven't told me their name in this conversation."
    return decision, "You haven't told me your name yet."


def _line(text: str) -> str:
    flat = re.sub(r"\s+", " ", text[:1000]).strip()
    return flat if len(flat) <= 200 else flat[:200] + "…"
