"""What was said in a conversation, for commands that go on from there."""

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
    """Check what an id looks like before anybody is asked for it. Raises `InvalidRequest`."""
    if not ID_PATTERN.match(conversation_id):
        raise InvalidRequest("A conversation's ID is 1 to 64 of A-Z a-z 0-9 _ : and -.")


async def load_export(archive: Archive, conversation_id: str) -> Export:
    """Return a conversation with all its versions, without reasoning. Raises `NotFound`."""
    document = await archive.export(conversation_id, "json", include_reasoning=False)
    return msgspec.json.decode(document, type=Export)


async def list_runs(archive: Archive, conversation_id: str) -> Sequence[RunView]:
    """Return the runs of a conversation, without reasoning. Raises `NotFound`."""
    return (await load_export(archive, conversation_id)).runs


async def find_run(archive: Archive, conversation_id: str, named: str | None) -> RunView:
    """Return the run of this id or this number, counted from 1; without either the last one.

    An id may be of any version. Raises `NotFound`.
    """
    said = await load_export(archive, conversation_id)
    runs = said.runs
    if not runs:
        raise NotFound("Nothing was said in this conversation yet.")
    if named is None:
        return runs[-1]
    for run in (*runs, *(other.run for other in said.other_versions)):
        if run.run_id == named:
            return run
    if not _NUMBER.match(named):
        raise NotFound("There is no such run in the conversation.")
    if not 1 <= int(named) <= len(runs):
        raise NotFound(
            f"There is no message {named}: the conversation has messages 1 to {len(runs)}."
        )
    return runs[int(named) - 1]


def retry_request(request: RunRequest, run: RunView, text: str | None = None) -> RunRequest:
    """Return a request for a new version of a run: with its question, or with another text.

    The run's files go along.
    """
    return msgspec.structs.replace(
        request,
        text=run.input.text if text is None else text,
        context=run.input.context,
        context_files=None,
        image_path=None,
        replaces=run.run_id,
    )
