"""What Slack refuses in blocks and in the chunks of a stream, with the error that it names.

Blocks: https://docs.slack.dev/reference/block-kit/blocks. Chunks: https://docs.slack.dev/reference/methods/chat.appendStream.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

Json = dict[str, Any]

MARKDOWN: Final = 12_000
"""Characters of all markdown blocks of a message together, and of one `markdown_text`."""
SECTION: Final = 3_000
ALL_BLOCKS: Final = 13_200
"""Characters of all blocks of a message together (slackapi/bolt-js#2509)."""
FIELD: Final = 256
"""Characters of a field of a task or plan chunk."""
CHILDREN: Final = {"section", "context", "divider", "markdown", "image", "actions"}
STATUSES: Final = {"pending", "in_progress", "complete", "error"}


class Refused(Exception):
    """The API answers `ok: false` with this error."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.more = more


def units(text: str) -> int:
    """A length in UTF-16, in which Slack counts at most."""
    return len(text.encode("utf-16-le")) // 2


def check_blocks(blocks: Sequence[Json]) -> None:
    """Refuse blocks that Slack refuses."""
    if not isinstance(blocks, list) or len(blocks) > 50:
        raise Refused("invalid_blocks")
    for block in blocks:
        _check_block(block, inside=False)
    if sum(units(block["text"]) for block in blocks if block["type"] == "markdown") > MARKDOWN:
        raise Refused("msg_too_long")
    if sum(map(characters, blocks)) > ALL_BLOCKS:
        raise Refused("msg_blocks_too_long")


def characters(value: Any) -> int:
    """The characters of every text below a block."""
    if isinstance(value, Mapping):
        own = units(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(characters(each) for each in value.values())
    if isinstance(value, list):
        return sum(map(characters, value))
    return 0


def _check_block(block: Json, *, inside: bool) -> None:
    kind = block.get("type")
    if inside and kind not in CHILDREN:
        raise Refused("invalid_blocks")
    match kind:
        case "section":
            _text(block.get("text"), SECTION, {"plain_text", "mrkdwn"})
        case "context":
            if not 1 <= len(block.get("elements", [])) <= 10:
                raise Refused("invalid_blocks")
            for element in block["elements"]:
                _text(element, SECTION, {"plain_text", "mrkdwn"})
        case "markdown":
            if not isinstance(block.get("text"), str) or not block["text"]:
                raise Refused("invalid_blocks")
        case "container":
            _text(block.get("title"), 150, {"plain_text"})
            if not 1 <= len(block.get("child_blocks", [])) <= 10:
                raise Refused("invalid_blocks")
            for child in block["child_blocks"]:
                _check_block(child, inside=True)
        case "actions":
            if not 1 <= len(block.get("elements", [])) <= 25:
                raise Refused("invalid_blocks")
            for element in block["elements"]:
                _text(element.get("text"), 75, {"plain_text"})
                if len(element.get("action_id", "")) > 255 or len(element.get("value", "")) > 2000:
                    raise Refused("invalid_blocks")
        case "divider":
            pass
        case _:
            raise Refused("invalid_blocks")


def _text(value: Any, most: int, kinds: set[str]) -> None:
    if not isinstance(value, Mapping) or value.get("type") not in kinds:
        raise Refused("invalid_blocks")
    if not isinstance(value.get("text"), str) or not 1 <= units(value["text"]) <= most:
        raise Refused("invalid_blocks")


def check_chunks(chunks: Any) -> None:
    """Refuse chunks that Slack refuses, each by itself."""
    if not isinstance(chunks, list) or not chunks:
        raise Refused("invalid_chunks")
    for chunk in chunks:
        match chunk.get("type"):
            case "markdown_text":
                known = {"type", "text"}
                if units(chunk.get("text", "")) > MARKDOWN:
                    raise Refused("msg_too_long")
                if not chunk.get("text"):
                    raise Refused("invalid_chunks")
            case "plan_update":
                known = {"type", "title"}
                _field(chunk.get("title"), needed=True)
            case "task_update":
                known = {"type", "id", "title", "status", "details", "output", "sources"}
                _field(chunk.get("id"), needed=True)
                _field(chunk.get("title"), needed=True)
                _field(chunk.get("details"), needed=False)
                _field(chunk.get("output"), needed=False)
                if chunk.get("status") not in STATUSES:
                    raise Refused("invalid_chunks")
            case "blocks":
                known = {"type", "blocks"}
                check_blocks(chunk.get("blocks", []))
            case _:
                raise Refused("invalid_chunks")
        if set(chunk) - known:
            raise Refused("invalid_chunks")


def _field(value: Any, *, needed: bool) -> None:
    if value is None and not needed:
        return
    if not isinstance(value, str) or not value:
        raise Refused("invalid_chunks")
    if units(value) > FIELD:
        raise Refused("msg_too_long")
