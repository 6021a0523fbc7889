"""The runs of a conversation, for commands that refer to one of them."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from thinkaloud.cli.backend.conversations import Archive
from thinkaloud.core.conversations.export import Export
from thinkaloud.errors import InvalidRequest, NotFound
from thinkaloud.events.view import RunView
from thinkaloud.runtime.runs.request import ID_PATTERN, RunRequest

_NUMBER: Final = re.compile(r"[0-9]{1,9}\Z")


def validate_id(conversation_id: str) -> None:
    """Check the format of a conversation id. Raises `InvalidRequest`."""
    if not ID_PATTERN.match(conversation_id):
        raise InvalidRequest(
            "A conversation ID has 1 to 64 characters of A-Z, a-z, 0-9, _, : and -."
        )


async def load_export(archive: Archive, conversation_id: str) -> Export:
    """Load a conversation with all its versions, without reasoning. Raises `NotFound`."""
    document = await archive.export(conversation_id, "json", include_reasoning=False)
    return msgspec.json.decode(document, type=Export)


async def list_runs(archive: Archive, conversation_id: str) -> Sequence[RunView]:
    """Return the runs of a conversation, without reasoning. Raises `NotFound`."""
    return (await load_export(archive, conversation_id)).runs


async def find_run(archive: Archive, conversation_id: str, named: str | None) -> RunView:
    """Find a run by id or by message number, starting at 1; None for the last run.

    An id may belong to any version. Raises `NotFound`.
    """
    export = await load_export(archive, conversation_id)
    runs = export.runs
    if not runs:
        raise NotFound("This conversation has no messages yet.")
    if named is None:
        return runs[-1]
    for run in (*runs, *(other.run for other in export.other_versions)):
        if run.run_id == named:
            return run
    if not _NUMBER.match(named):
        raise NotFound("The conversation has no such run.")
    if not 1 <= int(named) <= len(runs):
        raise NotFound(f"There is no message {named}: the conversation has {len(runs)}.")
    return runs[int(named) - 1]


def retry_request(request: RunRequest, run: RunView, text: str | None = None) -> RunRequest:
    """Return a request that replaces a run: with the same question, or with `text`.

    The run's context and files are sent again.
    """
    return msgspec.structs.replace(
        request,
        text=run.input.text if text is None else text,
        context=run.input.context,
        context_files=None,
        image_path=None,
        replaces=run.run_id,
    )
