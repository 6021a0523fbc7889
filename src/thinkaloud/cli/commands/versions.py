"""Versions of messages, numbered for the terminal: `2.1` is version 1 of message 2."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from thinkaloud.cli.backend.conversations import Archive
from thinkaloud.cli.backend.history import load_export
from thinkaloud.cli.ui.sanitize import one_line
from thinkaloud.core.conversations.export import Export
from thinkaloud.errors import NotFound
from thinkaloud.events.view import RunView

_POSITION: Final = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})\Z")
_SHOWN: Final = 60


class Version(msgspec.Struct, frozen=True):
    """One of several versions of a message."""

    place: str
    """The message and the version, such as `2.1`."""
    run_id: str
    selected: bool
    text: str
    answer: str
    status: str


def versions_in(export: Export) -> Sequence[Version]:
    """Return the versions of all messages that have several."""
    return list(_versions(export))


def _versions(export: Export) -> Iterator[Version]:
    others: dict[str | None, list[RunView]] = {}
    for other in export.other_versions:
        others.setdefault(other.after, []).append(other.run)
    before: str | None = None
    for number, run in enumerate(export.runs, start=1):
        if before in others:
            versions = sorted([run, *others[before]], key=lambda each: each.started_at_ms)
            for index, each in enumerate(versions, start=1):
                yield Version(
                    f"{number}.{index}",
                    each.run_id,
                    each is run,
                    each.input.text,
                    each.response,
                    each.status,
                )
        before = run.run_id


async def select_version(archive: Archive, conversation_id: str, named: str) -> str:
    """Select a version by run id or by number, and return its run id. Raises `NotFound`."""
    run_id = named
    if _POSITION.match(named):
        export = await load_export(archive, conversation_id)
        found = {each.place: each.run_id for each in versions_in(export)}
        if named not in found:
            raise NotFound(f"There is no version {named}. `versions` lists all versions.")
        run_id = found[named]
    await archive.select(conversation_id, run_id)
    return run_id


def version_lines(versions: Sequence[Version]) -> Iterator[str]:
    """Yield a line for each version."""
    width = max((len(each.place) for each in versions), default=0)
    for each in versions:
        answer = one_line(each.answer.strip(), _SHOWN) or f"({each.status})"
        text = one_line(each.text, _SHOWN)
        yield f"{'*' if each.selected else ' '} {each.place:<{width}}  {text}  →  {answer}"
