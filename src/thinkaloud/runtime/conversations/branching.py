"""The runs of a branch: copies that need nothing of the conversation they were taken from."""

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
    """Return everything up to and with the run `last`, as runs of the branch, and the uploads they name.

    `events` are all of the conversation that is branched; the run may be of any version. Raises
    `Conflict` where that run or one before it still goes on, `NotFound` where there is none.
    """
    fold = Fold(branch.conversation_id)
    own: dict[str, list[LoggedEvent]] = {}
    for logged in events:
        fold.apply(logged)
        own.setdefault(logged.run_id, []).append(logged)
    if fold.run(last) is None:
        raise NotFound("There is no such run in the conversation.")
    kept = fold.tree.line(last)
    if any(run.ended is None for run in kept):
        raise Conflict("The run, or one before it, is still going on.")
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
    """Return an event that needs no other run: a start with its files, that replaces none."""
    event = logged.event
    if not isinstance(event, RunStarted):
        return logged
    files = tuple(msgspec.structs.replace(file, kept_in="") for file in run.attachments)
    started = msgspec.structs.replace(event, attachments=files, replaces=None)
    return msgspec.structs.replace(logged, event=started)
