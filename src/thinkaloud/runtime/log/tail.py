"""Reads what other replicas append to the logs that are followed here."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from thinkaloud.ports.store import ConversationKey, LogPage, Store
from thinkaloud.runtime.log.shared_log import SharedLog

_PAGE: Final = 512


class Tail:
    """Keeps logs up to date that other replicas write. One read serves all logs and followers."""

    def __init__(self, store: Store, gone: Callable[[SharedLog], None]) -> None:
        self._store = store
        self._gone = gone

    async def refresh(self, logs: Iterable[SharedLog]) -> None:
        """Read what was appended since to these logs, to their end. Raises `StoreError`.

        Leaves out logs that are written here. A log whose conversation was deleted is passed to
        `gone`.
        """
        wanted = {(log.owner, log.conversation_id): log for log in logs}
        while wanted:
            before = {
                key: log.seq
                for key, log in wanted.items()
                if not (log.writers or log.unsaved or log.is_detached)
            }
            if not before:
                return
            pages = await self._store.read_many(before, _PAGE)
            more = self._apply(wanted, before, pages)
            wanted = {key: wanted[key] for key in more}

    def _apply(
        self,
        logs: Mapping[ConversationKey, SharedLog],
        before: Mapping[ConversationKey, int],
        pages: Mapping[ConversationKey, LogPage],
    ) -> Collection[ConversationKey]:
        """Apply pages to the logs that have not moved since. Returns which of them have more."""
        more: list[ConversationKey] = []
        for key, seq in before.items():
            log, page = logs[key], pages.get(key)
            if log.writers or log.unsaved or log.is_detached:
                continue
            if log.identity is not None and (page is None or page.identity != log.identity):
                self._gone(log)
                continue
            if page is None:
                continue
            log.identity = page.identity
            if log.seq == seq and page.events:
                log.receive(page.events)
            # If another reader was faster, this page may still have more than that one's.
            if len(page.events) == _PAGE or (page.events and page.events[-1].logged.seq > log.seq):
                more.append(key)
        return more

    async def catch_up(self, log: SharedLog) -> None:
        """Bring a log to the end of the conversation, which this replica is about to write."""
        end = await self._store.log_end(log.owner, log.conversation_id)
        if not log.unsaved and end.last_seq > log.last_seq:
            log.move_to(end)
