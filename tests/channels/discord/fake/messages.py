"""A message as people see it."""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from tests.channels.discord.fake.validation import (
    BUTTON,
    COMPONENTS_V2,
    EPHEMERAL,
    SILENT,
    TEXT,
    Json,
    walk,
)

_ESCAPE: Final = re.compile(r"\\([^0-9A-Za-z\s])")
_CODE: Final = re.compile(r"(?<!\\)(```.*?```|`[^`\n]+`)", re.DOTALL)
_PING: Final = re.compile(r"(?<!\\)<@[!&]?(\d+)>|@(everyone|here)")


@dataclass
class Message:
    id: str
    channel: str
    author: str
    content: str = ""
    components: list[Json] = field(default_factory=list[Json])
    flags: int = 0
    type: int = 0
    reply_to: str | None = None
    private_to: str | None = None
    nonce: str | None = None
    sent_ms: int = 0
    loading: bool = False
    """A response to an interaction that is still to come."""
    edits: int = 0
    pings: list[str] = field(default_factory=list[str])
    attachments: list[Json] = field(default_factory=list[Json])
    mentions: list[str] = field(default_factory=list[str])
    webhook: bool = False
    uploads: dict[str, bytes] = field(default_factory=dict[str, bytes])
    edited: bool = False

    @property
    def visible(self) -> str:
        """What is readable without a tap."""
        if not self.flags & COMPONENTS_V2:
            return readable(self.content)
        return "\n".join(
            [readable(each["content"]) for each in self.components if each["type"] == TEXT]
        )

    @property
    def folded(self) -> str:
        """What a tap reveals."""
        hidden = [each for each in self.components if each.get("spoiler")]
        return "\n".join(
            [readable(each["content"]) for each in walk(hidden) if each["type"] == TEXT]
        )

    @property
    def buttons(self) -> dict[str, str]:
        """Labels by their custom ids."""
        found = [each for each in walk(self.components) if each["type"] == BUTTON]
        return {each["custom_id"]: each["label"] for each in found}

    @property
    def notifies(self) -> bool:
        return not self.flags & (SILENT | EPHEMERAL)


def readable(text: str) -> str:
    """Text without Discord's markup; escaped characters are literal."""
    lines = [line.removeprefix("-# ") for line in text.split("\n")]
    parts = _CODE.split("\n".join(lines))
    return "".join([p if i % 2 else _ESCAPE.sub(r"\1", p) for i, p in enumerate(parts)])


def pings_of(body: dict[str, Any], texts: list[str]) -> list[str]:
    """Whom a message notifies by name, after `allowed_mentions`."""
    allowed = body.get("allowed_mentions")
    parse = {"users", "roles", "everyone"} if allowed is None else set(allowed.get("parse") or [])
    found: list[str] = []
    for text in texts:
        outside = "".join(_CODE.split(text)[::2])
        for match in _PING.finditer(outside):
            person, everyone = match.groups()
            if everyone and "everyone" in parse:
                found.append(f"@{everyone}")
            if person and ("users" in parse or person in ((allowed or {}).get("users") or [])):
                found.append(person)
    return found
