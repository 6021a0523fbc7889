"""The one reading of the log: events in order → what a person, a prompt or an export sees.

A conversation is a tree of versions (`run_tree.py`). Its current path, the selected version of every
position, is what a prompt, a page and an export have.

A run that `replaces` another becomes a version of its position. It is selected by its first answer
text; until then, and if it ends without any, it is the conversation's `attempt` and the path
stays as it is. Only a version that gave no answer and that nothing follows gives way at once.

`Fold.apply` costs the same for the first delta and the millionth (P11). `Fold.view` gives a
frozen value; its JSON is equal to what the TypeScript fold gives for the same events.
"""

from collections.abc import Iterable

import msgspec

from thinkaloud.events.event import Attachment, Event, LoggedEvent, RunStarted, VersionSelected
from thinkaloud.events.run_fold import RunFold
from thinkaloud.events.run_tree import RunTree
from thinkaloud.events.view import ConversationView

__all__ = ["Fold", "RunFold"]


class Fold:
    """The fold of a conversation. Feed it every event, in order of `seq`."""

    def __init__(self, conversation_id: str) -> None:
        self.conversation_id = conversation_id
        self.seq = 0
        self.tree = RunTree()
        """All runs, and the current path."""
        self.attempt: RunFold | None = None
        """The latest run, where it is a replacement that has given no answer text (yet)."""

    @property
    def runs(self) -> dict[str, RunFold]:
        """The current path, oldest first."""
        return self.tree.runs

    def apply(self, logged: LoggedEvent) -> None:
        """Take the next event."""
        self.seq = logged.seq
        run = self.tree.all.get(logged.run_id)
        if run is not None:
            run.apply(logged)
            if run is self.attempt and run.answered:
                self._select(run.run_id)
        elif isinstance(logged.event, VersionSelected):
            self._select(logged.event.run_id)
        else:
            run = RunFold(logged, self._attachments(logged.event))
            self.attempt = run
            if self.tree.add(run, run.started.replaces):
                self._select(run.run_id)

    def run(self, run_id: str) -> RunFold | None:
        """Return a run of any version; None where there is none."""
        return self.tree.all.get(run_id)

    def copy(self) -> "Fold":
        """Return a fold to go on with by itself. It shares the runs that have ended."""
        found = Fold(self.conversation_id)
        found.seq, found.tree, found.attempt = self.seq, self.tree.copy(), self.attempt
        return found

    def settled(self) -> "Fold":
        """Return a fold to go on with by itself, as far as all runs have ended.

        It has these runs themselves: they do not change any more.
        """
        runs = list(self.tree.all.values())
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
            if not found.tree.drop_last(run.run_id):
                return Fold(self.conversation_id)
        return found

    def view(self) -> ConversationView:
        """Return the conversation as it stands."""
        return self.view_of(self.runs.values(), self.attempt)

    def view_of(self, runs: Iterable[RunFold], attempt: RunFold | None = None) -> ConversationView:
        """Return some of its runs as a view, with their versions."""
        chosen = list(runs)
        return ConversationView(
            self.conversation_id,
            self.seq,
            tuple([run.view() for run in chosen]),
            self.tree.versions_of(chosen if attempt is None else [*chosen, attempt]),
            None if attempt is None else attempt.view(),
        )

    def _select(self, run_id: str) -> None:
        self.attempt = None
        self.tree.select(run_id)

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
