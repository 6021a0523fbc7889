"""What a store in memory holds."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from thinkaloud.events.event import RunStarted
from thinkaloud.ports.store import (
    Conversation,
    ConversationCursor,
    ConversationKey,
    Replica,
    RunRecord,
    RunState,
    Stored,
    Token,
)
from thinkaloud.stores.search_terms import words


@dataclass
class Thread:
    """A conversation with its log."""

    about: Conversation
    number: int
    log: list[Stored] = field(default_factory=list[Stored])
    reserved_seq: int = 0
    texts: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def last_seq(self) -> int:
        """The highest sequence number in the log."""
        return self.log[-1].logged.seq if self.log else 0

    def append(self, stored: Stored) -> None:
        """Append an event unless it is stored already. Replaces events that were merged into it."""
        if stored.logged.seq <= self.last_seq:
            return
        while self.log and self.log[-1].first_seq >= stored.first_seq:
            del self.log[-1]
        self.log.append(stored)

    def matches(self, wanted: Sequence[Sequence[str]]) -> bool:
        """Whether each of these phrases occurs in the title or in a text."""
        texts = [searchable(self.about.title), *self.texts.values()]
        return all(any(f" {' '.join(row)}" in text for text in texts) for row in wanted)


@dataclass
class RunRow:
    """A run."""

    record: RunRecord
    message: RunStarted | None = None
    spec: bytes = b""
    replaces: str | None = None
    state: RunState = "running"
    token: Token | None = None
    """The replica that executes it."""
    stopping: bool = False
    compacted: bool = False

    @property
    def key(self) -> ConversationKey:
        """Its conversation."""
        return self.record.owner, self.record.conversation_id

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.state != "ended"

    def end(self) -> None:
        """Note that it has ended."""
        self.state, self.token = "ended", None


class Tables:
    """The conversations, runs and replicas of a store."""

    def __init__(self) -> None:
        self.threads: dict[ConversationKey, Thread] = {}
        self.runs: dict[str, RunRow] = {}
        """In the order in which they were accepted."""
        self.keys: dict[tuple[str, str], str] = {}
        """The run of each owner's idempotency key."""
        self.replicas: dict[Token, Replica] = {}
        """Those that were not declared dead."""
        self.numbers = 0
        """How many conversations there have been."""
        self.tokens = 0
        """How many replicas there have been."""

    def runs_of(self, key: ConversationKey) -> list[RunRow]:
        """Return the runs of a conversation, oldest first."""
        return [run for run in self.runs.values() if run.key == key]

    def add_run(self, row: RunRow) -> None:
        """Add a run."""
        self.runs[row.record.run_id] = row
        if row.record.idempotency_key is not None:
            self.keys.setdefault((row.record.owner, row.record.idempotency_key), row.record.run_id)

    def delete(self, key: ConversationKey) -> None:
        """Delete a conversation with its runs."""
        del self.threads[key]
        gone = {run.record.run_id for run in self.runs_of(key)}
        self.runs = {run_id: run for run_id, run in self.runs.items() if run_id not in gone}
        self.keys = {name: run_id for name, run_id in self.keys.items() if run_id not in gone}


def searchable(text: str) -> str:
    """Return the words of a text, each after a space."""
    return f" {' '.join(words(text))}"


def cursor_of(about: Conversation) -> ConversationCursor:
    """Return the position of a conversation in the list."""
    return about.updated_at_ms, about.conversation_id


def seq_of(stored: Stored) -> int:
    """Return the number of an event."""
    return stored.logged.seq
