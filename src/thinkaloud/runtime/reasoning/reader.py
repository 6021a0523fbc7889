"""Applies the reasoning policy of a reader to what was recorded, whatever the run's policy was.

With `redact`, the same text comes out of a live stream, a resumed one, a snapshot and an export. A
stream begins with what the run said before its cursor, without sending it, so that the rest of a
secret is redacted, too. It sends an event when all of its text is certain, so that a reader can
resume after any event that it has got.
"""

from collections.abc import Callable, Sequence

import msgspec

from thinkaloud.core.redaction.events import Numbered, RunRedactor
from thinkaloud.core.redaction.redaction import Redaction
from thinkaloud.core.redaction.view import events_of, hidden_run
from thinkaloud.events.event import RunEnded
from thinkaloud.events.fold import Fold, RunFold
from thinkaloud.events.view import RunView
from thinkaloud.ports.principal import ReasoningPolicy
from thinkaloud.runtime.log.entry import Entry


class Reader(msgspec.Struct, frozen=True):
    """What somebody may read. Create it with `Runs.reader`."""

    policy: ReasoningPolicy
    redaction: Redaction

    @property
    def may_read(self) -> bool:
        """Whether any reasoning may be sent."""
        return self.policy != "deny"

    def fold(self, fold: Fold) -> Fold:
        """Return a conversation whose views are what may be read. Apply no events to it."""
        show = self._show
        return fold if show is None else fold.showing(show)

    def run(self, run: RunFold) -> RunFold:
        """Return a run whose view is what may be read. Apply no events to it."""
        show = self._show
        return run if show is None else run.showing(show)

    def entries(self) -> "RedactedEntries | None":
        """Return what redacts a stream of events; None if nothing does.

        With `deny`, it is the wire that leaves out reasoning.
        """
        return RedactedEntries(self.redaction) if self.policy == "redact" else None

    @property
    def _show(self) -> Callable[[RunView], RunView] | None:
        match self.policy:
            case "allow":
                return None
            case "redact":
                return self.redaction.run
            case "deny":
                return hidden_run


class RedactedEntries:
    """Redacts the entries of one stream. The runs of a conversation follow one another."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._run_id = ""
        self._redactor: RunRedactor | None = None
        self._waiting: dict[int, Entry] = {}
        """The entries that are held back, by number."""
        self._sent = 0
        """The reader has got what comes up to this number."""

    @property
    def is_waiting(self) -> bool:
        """Whether an event is held back."""
        return self._redactor is not None and self._redactor.is_waiting

    def begin(self, fold: Fold, seq: int) -> None:
        """Start after `seq`, with the conversation up to there."""
        self._waiting.clear()
        self._sent = seq
        self._redactor = None
        active = [run for run in fold.tree.all.values() if run.ended is None]
        for run in active[-1:]:
            self._redactor = self._redaction.of_run(whole=True)
            self._run_id = run.run_id
            self._redactor.take([(event, seq) for event in events_of(run.view())])

    def take(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return the entries with what was held back before, without what is held back now."""
        result: list[Entry] = []
        for entry in entries:
            logged = entry.logged
            if logged.run_id != self._run_id or self._redactor is None:
                result += self._finish()
                self._run_id = logged.run_id
                self._redactor = self._redaction.of_run(whole=True)
            self._waiting[logged.seq] = entry
            result += self._sendable(self._redactor.take([(logged.event, logged.seq)]))
            if not self._redactor.is_waiting:
                self._waiting.clear()
        return result

    def _finish(self) -> list[Entry]:
        """Return what is held back of a run: the next one follows."""
        if self._redactor is None:
            return []
        result = self._sendable(self._redactor.finish())
        self._waiting.clear()
        return result

    def _sendable(self, found: Sequence[Numbered]) -> list[Entry]:
        result: list[Entry] = []
        for event, seq in found:
            entry = self._waiting.get(seq)
            if seq <= self._sent or entry is None:
                continue
            if isinstance(event, RunEnded):
                # Its frame has all text of the run, so it must not be shared with other readers.
                entry = Entry(entry.logged, entry.first_seq)
            elif entry.logged.event is not event:
                logged = msgspec.structs.replace(entry.logged, event=event)
                entry = Entry(logged, entry.first_seq)
            result.append(entry)
        return result
