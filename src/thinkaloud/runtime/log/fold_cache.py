"""Caches folds, so that a conversation isn't read from its start for every message."""

from collections import OrderedDict
from typing import Final

import msgspec

from thinkaloud.events.fold import Fold

MAX_CHARACTERS: Final = 64 * 2**20
"""Approximate maximum size of the cache."""


class FoldCache:
    """An LRU cache of conversation folds, up to their ended runs.

    An ended run never changes: folds share it, and its view is computed once.
    """

    def __init__(self, max_characters: int = MAX_CHARACTERS) -> None:
        self._max_characters = max_characters
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()

    def begin(self, owner: str, conversation_id: str) -> Fold:
        """Return a fold to continue after its `seq`: the cached one, or an empty one."""
        kept = self._kept.get((owner, conversation_id))
        if kept is None:
            return Fold(conversation_id)
        self._kept.move_to_end((owner, conversation_id))
        return kept.fold.copy()

    def keep(self, owner: str, fold: Fold) -> None:
        """Cache the ended runs of an up-to-date fold, replacing what was cached."""
        name = (owner, fold.conversation_id)
        before = self._kept.get(name) or _Kept(Fold(fold.conversation_id), 0)
        if fold.seq <= before.fold.seq:
            return
        settled = fold.settled()
        if settled.seq <= before.fold.seq:
            return
        characters = before.characters
        for run_id in settled.tree.all.keys() - before.fold.tree.all.keys():
            characters += settled.tree.all[run_id].characters
        self._kept[name] = _Kept(settled, characters)
        self._kept.move_to_end(name)
        held = sum(kept.characters for kept in self._kept.values())
        while held > self._max_characters:
            _, gone = self._kept.popitem(last=False)
            held -= gone.characters

    def forget(self, owner: str, conversation_id: str) -> None:
        """Drop a conversation from the cache."""
        self._kept.pop((owner, conversation_id), None)


class _Kept(msgspec.Struct, frozen=True):
    fold: Fold
    characters: int
