"""Copies runs to a branch, independent of the original conversation."""

import secrets
from collections.abc import Sequence

import msgspec

from thinkaloud.core.coalesce import coalesced, runs_of_deltas
from thinkaloud.errors import Conflict, NotFound
from thinkaloud.events.event import LoggedEvent, RunStarted
from thinkaloud.events.fold import Fold, RunFold
from thinkaloud.ports.store import Conversation, FinishedRun, RunRecord, Stored


def copied_runs(
    events: Sequence[LoggedEvent], last: str, branch: Conversation
) -> tuple[Sequence[FinishedRun], Sequence[str]]:
    """Copy all runs up to and including `last`; return the copies and the uploads they use.

    `events` are all events of the original conversation. The run may be of any version. Raises
    `Conflict` if it or an earlier run is still active, and `NotFound` if there is no such run.
    """
    fold = Fold(branch.conversation_id)
    own: dict[str, list[LoggedEvent]] = {}
    for logged in events:
        fold.apply(logged)
        own.setdefault(logged.run_id, []).append(logged)
    if fold.run(last) is None:
        raise NotFound("The conversation has no such run.")
    kept = fold.tree.line(last)
    if any(run.ended is None for run in kept):
        raise Conflict("The run, or an earlier one, is still active.")
    copies: list[FinishedRun] = []
    seq = 0
    for run in kept:
        copy = _copied(own[run.run_id], run, branch, seq)
        seq += len(copy.events)
        copies.append(copy)
    return copies, [file.id for run in kept for file in run.attachments]


def _copied(
    own: Sequence[LoggedEvent], run: RunFold, branch: Conversation, seq: int
) -> FinishedRun:
    record = RunRecord(
        f"run_{secrets.token_hex(12)}", branch.conversation_id, branch.owner, seq + 1
    )
    events: list[Stored] = []
    for number, (start, stop) in enumerate(runs_of_deltas(own, None), start=record.first_seq):
        copy = msgspec.structs.replace(
            _with_files(coalesced(own[start:stop]), run),
            seq=number,
            conversation_id=record.conversation_id,
            run_id=record.run_id,
        )
        events.append(Stored(number, copy))
    view = run.view()
    return FinishedRun(record, events, f"{view.input.text}\n{view.response}")


def _with_files(logged: LoggedEvent, run: RunFold) -> LoggedEvent:
    """Make a start event independent of other runs: with its files, and replacing none."""
    event = logged.event
    if not isinstance(event, RunStarted):
        return logged
    files = tuple(msgspec.structs.replace(file, kept_in="") for file in run.attachments)
    started = msgspec.structs.replace(event, attachments=files, replaces=None)
    return msgspec.structs.replace(logged, event=started)
