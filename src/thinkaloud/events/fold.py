"""The one reading of the log: events in order → what a person, a prompt or an export sees.

A conversation is a tree. Every run follows another one, or begins the conversation; runs that
follow the same one are versions of that position, and one of them is selected. The selected
versions, from the first position on, are the current path: what a prompt, a page and an export
have.

A run that `replaces` another becomes a version of its position. It is selected by its first answer
text; until then, and if it ends without any, it is the conversation's `attempt` and the path
stays as it is. Only a version that gave no answer and that nothing follows gives way at once.

`Fold.apply` costs the same for the first delta and the millionth (P11). `Fold.view` gives a
frozen value; its JSON is equal to what the TypeScript fold gives for the same events.
"""

from collections.abc import Iterable, Mapping

import msgspec

from thinkaloud.events.event import Attachment, Event, Recorded, RunStarted, VersionSelected
from thinkaloud.events.run_fold import RunFold
from thinkaloud.events.view import ConversationView

__all__ = ["Fold", "RunFold"]


class Fold:
    """The fold of a conversation. Feed it every event, in order of `seq`."""

    def __init__(self, conversation_id: str) -> None:
        self.conversation_id = conversation_id
        self.seq = 0
        self.runs: dict[str, RunFold] = {}
        """The current path, oldest first."""
        self.all: dict[str, RunFold] = {}
        """The runs of all versions, in the order in which they began."""
        self.attempt: RunFold | None = None
        """The latest run, where it is a replacement that has given no answer text (yet)."""
        self._before: dict[str, str] = {}
        """By run: the one that it follows; "" where it begins the conversation."""
        self._versions: dict[str, tuple[str, ...]] = {}
        """By run, or "": the runs that follow it, oldest first."""
        self._selected: dict[str, str] = {}
        """By run, or "": which of them is selected."""

    def apply(self, recorded: Recorded) -> None:
        """Take the next event."""
        self.seq = recorded.seq
        run = self.all.get(recorded.run_id)
        if run is not None:
            run.apply(recorded)
            if run is self.attempt and run.answered:
                self._select(run.run_id)
        elif isinstance(recorded.event, VersionSelected):
            self._select(recorded.event.run_id)
        else:
            self._begin(RunFold(recorded, self._attachments(recorded.event)))

    def run(self, run_id: str) -> RunFold | None:
        """Return a run of any version; None where there is none."""
        return self.all.get(run_id)

    def versions(self, run_id: str) -> tuple[str, ...]:
        """Return the versions of a run's position, itself included, oldest first."""
        return self._versions[self._before[run_id]]

    def before(self, run_id: str) -> str | None:
        """Return the run that this one follows; None where it begins the conversation."""
        return self._before[run_id] or None

    def is_selected(self, run_id: str) -> bool:
        """Whether a run is the selected version of its position, on the current path or not."""
        return self._selected.get(self._before[run_id]) == run_id

    def line(self, run_id: str) -> list[RunFold]:
        """Return the runs that lead up to this one, and itself, oldest first."""
        found: list[RunFold] = []
        while run_id:
            found.append(self.all[run_id])
            run_id = self._before[run_id]
        found.reverse()
        return found

    def path(self, run_id: str) -> dict[str, RunFold]:
        """Return the path that would be current if this run were selected."""
        if run_id in self.runs:
            return self.runs
        found = {run.run_id: run for run in self.line(run_id)}
        self._go_on(found, run_id)
        return found

    def copy(self) -> "Fold":
        """Return a fold to go on with by itself. It shares the runs that have ended."""
        found = Fold(self.conversation_id)
        found.seq, found.attempt = self.seq, self.attempt
        found.runs, found.all = self.runs.copy(), self.all.copy()
        found._before = self._before.copy()
        found._versions = self._versions.copy()
        found._selected = self._selected.copy()
        return found

    def settled(self) -> "Fold":
        """Return a fold to go on with by itself, as far as all runs have ended.

        It has these runs themselves: they do not change any more.
        """
        runs = list(self.all.values())
        end = min([run.first_seq for run in runs if run.ended is None], default=self.seq + 1)
        left = [run for run in runs if run.last_seq >= end]
        if not left:
            return self.copy()
        seq = max([run.last_seq for run in runs if run.last_seq < end], default=0)
        if any(run.first_seq <= seq or run.started.replaces for run in left):
            return Fold(self.conversation_id)  # What they did to the others cannot be told apart.
        found = self.copy()
        found.seq = seq
        for run in reversed(left):
            if not found._drop_last(run.run_id):
                return Fold(self.conversation_id)
        return found

    def view(self) -> ConversationView:
        """Return the conversation as it stands."""
        return self.view_of(self.runs.values(), self.attempt)

    def view_of(self, runs: Iterable[RunFold], attempt: RunFold | None = None) -> ConversationView:
        """Return some of its runs as a view, with their versions."""
        chosen = list(runs)
        named = chosen if attempt is None else [*chosen, attempt]
        return ConversationView(
            self.conversation_id,
            self.seq,
            tuple([run.view() for run in chosen]),
            self.versions_of(named),
            None if attempt is None else attempt.view(),
        )

    def versions_of(self, runs: Iterable[RunFold]) -> Mapping[str, tuple[str, ...]]:
        """Return the versions of those runs that have any beside themselves, by run."""
        found: dict[str, tuple[str, ...]] = {}
        for run in runs:
            versions = self._versions[self._before[run.run_id]]
            if len(versions) > 1:
                found[run.run_id] = versions
        return found

    def _begin(self, run: RunFold) -> None:
        self.attempt = None
        place = self._before.get(run.started.replaces or "")
        is_version = place is not None
        if place is None:
            place = next(reversed(self.runs), "")
        self.all[run.run_id] = run
        self._before[run.run_id] = place
        self._versions[place] = (*self._versions.get(place, ()), run.run_id)
        if is_version and not self._gives_way(place):
            self.attempt = run
        else:
            self._select(run.run_id)

    def _gives_way(self, place: str) -> bool:
        """Whether the selected version there is at the end of the path and has no answer."""
        current = self._selected[place]
        return current == next(reversed(self.runs), "") and not self.all[current].answered

    def _select(self, run_id: str) -> None:
        self.attempt = None
        if run_id in self.runs or run_id not in self.all:
            return
        # From the last run that both paths have; what both share is not touched.
        steps: list[str] = []
        shared = run_id
        while shared and shared not in self.runs:
            steps.append(shared)
            shared = self._before[shared]
        while self.runs and next(reversed(self.runs)) != shared:
            self.runs.popitem()
        for step in reversed(steps):
            self._selected[self._before[step]] = step
            self.runs[step] = self.all[step]
        self._go_on(self.runs, run_id)

    def _go_on(self, path: dict[str, RunFold], run_id: str) -> None:
        following = self._selected.get(run_id)
        while following is not None:
            path[following] = self.all[following]
            following = self._selected.get(following)

    def _drop_last(self, run_id: str) -> bool:
        """Undo that a run began which ends the path and has no versions. False where it does not."""
        place = self._before[run_id]
        if next(reversed(self.runs)) != run_id or self._versions[place] != (run_id,):
            return False
        for runs in (self.runs, self.all):
            del runs[run_id]
        for mapping in (self._versions, self._selected):
            del mapping[place]
        del self._before[run_id]
        return True

    def _attachments(self, event: Event) -> tuple[Attachment, ...] | None:
        if not isinstance(event, RunStarted) or not event.attachments:
            return None
        return tuple([self._whole(each) for each in event.attachments])

    def _whole(self, attachment: Attachment) -> Attachment:
        """Return a file with its content, from the run that keeps it."""
        holder = self.run(attachment.kept_in)
        if holder is None:
            return attachment
        for kept in holder.attachments:
            if kept.id == attachment.id:
                return msgspec.structs.replace(attachment, text=kept.text, base64=kept.base64)
        return attachment
