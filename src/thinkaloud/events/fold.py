"""Fold the event log of a conversation into its state, for pages, prompts and exports.

A conversation is a tree of versions (`run_tree.py`). Pages, prompts and exports show its current
path: the selected version of every position.

A run that `replaces` another becomes a version of its position. It is selected by its first answer
text; until then, and if it ends without any, it is the conversation's `attempt` and the path is
unchanged. If all of its answer text is reclassified as reasoning, it is the attempt again, as it is
for a reader of the rewritten log. It is selected at once if the selected version has no answer and
is last in the path.

`Fold.apply` takes constant time per delta (P11). `Fold.view` returns a frozen value; its JSON is
equal to that of the TypeScript fold for the same events.
"""

from collections.abc import Callable, Iterable

import msgspec

from thinkaloud.events.event import Attachment, Event, LoggedEvent, RunStarted, VersionSelected
from thinkaloud.events.run_fold import RunFold
from thinkaloud.events.run_tree import RunTree
from thinkaloud.events.view import ConversationView, RunView

__all__ = ["Fold", "RunFold"]


class Fold:
    """The fold of a conversation. Feed it every event, in order of `seq`."""

    def __init__(self, conversation_id: str) -> None:
        self.conversation_id = conversation_id
        self.seq = 0
        self.tree = RunTree()
        """All runs, and the current path."""
        self.attempt: RunFold | None = None
        """The latest run, if it is a replacement without answer text (so far)."""
        self._superseded: tuple[RunFold, str] | None = None
        """The latest run, if its answer text selected it, and the version selected before."""

    @property
    def runs(self) -> dict[str, RunFold]:
        """The current path, oldest first."""
        return self.tree.runs

    def apply(self, logged: LoggedEvent) -> None:
        """Apply the next event."""
        self.seq = logged.seq
        run = self.tree.all.get(logged.run_id)
        if run is not None:
            run.apply(logged)
            if run is self.attempt and run.answered:
                self._select_answered(run)
            elif self._superseded is not None and not run.answered:
                self._restore(run, *self._superseded)
        elif isinstance(logged.event, VersionSelected):
            self._select(logged.event.run_id)
        else:
            run = RunFold(logged, self._attachments(logged.event))
            self.attempt, self._superseded = run, None
            if self.tree.add(run, run.started.replaces):
                self._select(run.run_id)

    def run(self, run_id: str) -> RunFold | None:
        """Return a run of any version, or None if there is no such run."""
        return self.tree.all.get(run_id)

    def copy(self) -> "Fold":
        """Return an independent copy of the fold. The runs themselves are shared."""
        found = Fold(self.conversation_id)
        found.seq, found.tree, found.attempt = self.seq, self.tree.copy(), self.attempt
        found._superseded = self._superseded
        return found

    def showing(self, show: Callable[[RunView], RunView]) -> "Fold":
        """Return a copy for reading, whose views are changed by `show`. Apply no events to it."""
        found = self.copy()
        shown = {name: run.showing(show) for name, run in self.tree.all.items()}
        found.tree.all = shown
        found.tree.runs = {name: shown[name] for name in self.tree.runs}
        found.attempt = None if self.attempt is None else shown[self.attempt.run_id]
        return found

    def settled(self) -> "Fold":
        """Return an independent fold of the runs that ended before the earliest active run started.

        Empty if they cannot be separated. The runs are shared, because ended runs don't change.
        """
        runs = list(self.tree.all.values())
        end = min([run.first_seq for run in runs if run.ended is None], default=self.seq + 1)
        left = [run for run in runs if run.last_seq >= end]
        if not left:
            return self.copy()
        seq = max([run.last_seq for run in runs if run.last_seq < end], default=0)
        if any(run.first_seq <= seq or run.started.replaces for run in left):
            return Fold(self.conversation_id)  # Their effect on other runs cannot be undone.
        found = self.copy()
        found.seq = seq
        for run in reversed(left):
            if not found.tree.drop_last(run.run_id):
                return Fold(self.conversation_id)
        return found

    def view(self) -> ConversationView:
        """Return the current state of the conversation."""
        return self.view_of(self.runs.values(), self.attempt)

    def view_of(self, runs: Iterable[RunFold], attempt: RunFold | None = None) -> ConversationView:
        """Return a view of these runs, with their versions."""
        chosen = list(runs)
        return ConversationView(
            self.conversation_id,
            self.seq,
            tuple([run.view() for run in chosen]),
            self.tree.versions_of(chosen if attempt is None else [*chosen, attempt]),
            None if attempt is None else attempt.view(),
        )

    def _select(self, run_id: str) -> None:
        self.attempt = self._superseded = None
        self.tree.select(run_id)

    def _select_answered(self, run: RunFold) -> None:
        before = self.tree.selected_version(run.run_id)
        self._select(run.run_id)
        self._superseded = None if before is None else (run, before)

    def _restore(self, run: RunFold, selected: RunFold, before: str) -> None:
        """Undo the selection of `selected` if it is this run, whose answer text was reasoning."""
        if run is selected:
            self._select(before)
            self.attempt = run

    def _attachments(self, event: Event) -> tuple[Attachment, ...] | None:
        if not isinstance(event, RunStarted) or not event.attachments:
            return None
        return tuple([self._with_content(each) for each in event.attachments])

    def _with_content(self, attachment: Attachment) -> Attachment:
        """Return the file with its content, from the run that has it."""
        holder = self.run(attachment.kept_in)
        if holder is None:
            return attachment
        for kept in holder.attachments:
            if kept.id == attachment.id:
                return msgspec.structs.replace(attachment, text=kept.text, base64=kept.base64)
        return attachment
