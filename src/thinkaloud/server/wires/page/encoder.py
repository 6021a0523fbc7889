"""The page wire: encodes one chat for one socket of `/ws`."""

from collections.abc import Sequence

from thinkaloud.core.conversations.pagination import Page, page_of
from thinkaloud.events.event import LoggedEvent, RunEnded
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.log.follower import Snapshot
from thinkaloud.server.wires.page.encode import PageFrames, page_frames
from thinkaloud.server.wires.wire import RunLookup


def message_key(chat_id: str, client_message_id: str) -> str:
    """Return the idempotency key of a message. Message ids are unique within their chat only."""
    return f"ws:{chat_id}:{client_message_id}"


class PageWire:
    """The frames of `/ws`, with or without reasoning (P7).

    `as_log`: send events as stored in the log.
    """

    def __init__(self, *, reasoning: bool, as_log: bool = False) -> None:
        self._frames = page_frames(reasoning=reasoning, as_log=as_log)
        self._plain = page_frames(reasoning=False, as_log=as_log)

    @property
    def name(self) -> str:
        """A unique name per variant."""
        return self._frames.name

    def encoder(self, *, last: int | None = None) -> "PageEncoder":
        """Return an encoder for a new stream, whose snapshots have at most the `last` runs."""
        return PageEncoder(self._frames, self._plain, last)


class PageEncoder:
    """Encodes one chat for one socket, with that socket's options."""

    def __init__(self, frames: PageFrames, plain: PageFrames, last: int | None) -> None:
        self._frames = frames
        self._last = last
        self._hidden: set[str] = set()
        self._accepted: set[str] = set()
        self._plain = plain

    def accept(self, run_id: str) -> None:
        """Record that this socket's own message started the run."""
        self._accepted.add(run_id)

    def hide_reasoning(self, run_id: str) -> None:
        """Send no reasoning of this run."""
        self._hidden.add(run_id)

    def encode(self, entry: Entry, /) -> bytes | None:
        """Return the frame of an event; None if it is not sent to this socket."""
        frames = self._frames_of(entry)
        return entry.frame(frames.name, frames.frame)

    async def boundary(self, entry: Entry, runs: RunLookup, /) -> Sequence[bytes]:
        """Return the frames of a run's first or last event; if it failed, also an `error` frame."""
        client_id = await _client_message_id(entry.logged, runs)
        frames = self._frames_of(entry)
        if isinstance(entry.logged.event, RunEnded):
            found = (
                entry.frame(
                    f"{frames.name}.failure", lambda logged: frames.failure(logged, client_id)
                ),
                entry.frame(frames.name, lambda logged: frames.turn_end(logged, client_id)),
            )
        else:
            accepted = entry.logged.run_id in self._accepted
            name = f"{frames.name}.accepted" if accepted else frames.name
            found = (
                entry.frame(
                    name, lambda logged: frames.message(logged, client_id, accepted=accepted)
                ),
            )
        return [frame for frame in found if frame is not None]

    def snapshot(self, snapshot: Snapshot, run_id: str | None = None, /) -> bytes:
        """Encode the conversation or its latest runs."""
        page = page_of(snapshot.fold, self._last)
        earlier = page.next_before is not None
        return self._frames.snapshot(page.view, snapshot.seq, self._hidden, earlier=earlier)

    def earlier(self, chat_id: str, page: Page, before: str) -> bytes:
        """Encode a page of the runs before a run."""
        return self._frames.earlier(chat_id, page, before, self._hidden)

    def deleted(self, conversation_id: str, run_id: str | None, /) -> bytes | None:
        """Return None: the socket itself reports why it no longer follows a chat."""
        return None

    def _frames_of(self, entry: Entry) -> PageFrames:
        return self._plain if entry.logged.run_id in self._hidden else self._frames


async def _client_message_id(logged: LoggedEvent, runs: RunLookup) -> str | None:
    """Return the client's id of the message that started this run."""
    record = await runs.record(logged.run_id)
    key = record.idempotency_key if record is not None else None
    prefix = message_key(logged.conversation_id, "")
    return key.removeprefix(prefix) if key is not None and key.startswith(prefix) else None
