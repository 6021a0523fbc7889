"""Export a conversation: JSON for programs, Markdown for people. Pure.

Reasoning is included only on request; native provider payloads never are (P7).
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from thinkaloud.core.conversations.filenames import label
from thinkaloud.events.event import AttachedFile
from thinkaloud.events.fold import Fold, RunFold
from thinkaloud.events.view import (
    AnswerBlock,
    Block,
    NoticeBlock,
    QuestionBlock,
    ReasoningBlock,
    RunView,
    ToolBlock,
)

Form = Literal["json", "markdown"]
_ENDINGS: Final[dict[Form, str]] = {"json": "json", "markdown": "md"}
_NOT_IN_NAMES: Final = re.compile(r"[^\w-]+")


class OtherVersion(msgspec.Struct, frozen=True):
    """A run that is not in the `runs` of an export, because its version is not selected."""

    after: str | None
    """The run that it follows; null if it is the first of the conversation."""
    selected: bool
    """Whether it is the selected version of those that follow that run."""
    run: RunView


class Export(msgspec.Struct, frozen=True):
    """A conversation as a document. `runs` are the runs of the selected version, in order."""

    conversation_id: str
    title: str
    created_at_ms: int
    runs: tuple[RunView, ...]
    other_versions: tuple[OtherVersion, ...] = ()
    """All other runs, oldest first."""
    version: int = 2
    """The version of this format."""


def file_name(title: str, conversation_id: str, form: Form) -> str:
    """Return a file name made of the letters, digits, `-` and `_` of the title, or else the id."""
    words = _NOT_IN_NAMES.sub("-", unicodedata.normalize("NFC", title))[:60].strip("-_")
    return f"{words or _NOT_IN_NAMES.sub('-', conversation_id)}.{_ENDINGS[form]}"


def without_reasoning(run: RunView) -> RunView:
    """Return the run without its reasoning blocks."""
    blocks = tuple(block for block in run.blocks if not isinstance(block, ReasoningBlock))
    return msgspec.structs.replace(run, blocks=blocks)


def as_json(
    fold: Fold,
    path: Mapping[str, RunFold],
    title: str,
    created_at_ms: int,
    *,
    include_reasoning: bool,
) -> bytes:
    """Return the conversation as a JSON document (`Export`); `path` is the version for `runs`."""

    def view(run: RunFold) -> RunView:
        return run.view() if include_reasoning else without_reasoning(run.view())

    others = [run for name, run in fold.tree.all.items() if name not in path]
    export = Export(
        fold.conversation_id,
        title,
        created_at_ms,
        tuple([view(run) for run in path.values()]),
        tuple([_other_version(fold, run.run_id, view(run), path) for run in others]),
    )
    return msgspec.json.format(msgspec.json.encode(export), indent=2)


def _other_version(
    fold: Fold, run_id: str, run: RunView, path: Mapping[str, RunFold]
) -> OtherVersion:
    # The runs in `path` count as selected.
    selected = fold.tree.is_selected(run_id) and not any(
        each in path for each in fold.tree.versions(run_id)
    )
    return OtherVersion(fold.tree.before(run_id), selected, run)


def as_markdown(
    fold: Fold, path: Mapping[str, RunFold], title: str, *, include_reasoning: bool
) -> str:
    """Return the runs of one version of the conversation as Markdown."""
    pieces = [f"# {title or fold.conversation_id}"]
    for run in (each.view() for each in path.values()):
        pieces.append(f"## You\n\n{run.input.text}")
        pieces.append("\n".join(f"- {_file_line(file)}" for file in run.attachments))
        pieces.append(f"## {run.model}")
        pieces += [
            _block(block)
            for block in run.blocks
            if include_reasoning or not isinstance(block, ReasoningBlock)
        ]
        if run.error is not None:
            pieces.append(f"> **Failed:** {run.error.message}")
        elif run.status in {"stopped", "max_iterations"}:
            pieces.append(f"> **Ended:** {run.status.replace('_', ' ')}")
    return "\n\n".join(piece.strip("\n") for piece in pieces if piece.strip()) + "\n"


def _file_line(file: AttachedFile) -> str:
    size = "" if file.bytes is None else f", {file.bytes:,} bytes"
    return f"{_code(label(file.name))} ({file.media_type}{size})"


def _code(text: str) -> str:
    """Return the text as a Markdown code span."""
    fence = "`"
    while fence in text:
        fence += "`"
    return f"{fence} {text} {fence}" if len(fence) > 1 else f"{fence}{text}{fence}"


def _block(block: Block) -> str:
    match block:
        case AnswerBlock():
            return block.text
        case ReasoningBlock():
            quoted = "\n".join(f"> {line}" for line in "\n\n".join(block.parts).splitlines())
            return f"> **Thought**\n>\n{quoted}"
        case ToolBlock():
            return f"{_fenced(block.arguments, block.name)}\n\n{_fenced(block.result, 'result')}"
        case NoticeBlock() | QuestionBlock():
            return f"> {block.message}"


def _fenced(text: str, label: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{label}\n{text}\n{fence}"
