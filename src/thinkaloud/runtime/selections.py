"""The model and the reasoning effort that each owner has selected for new runs.

Without a selection, an owner uses the configured defaults.
"""

from collections import OrderedDict
from typing import Final

from thinkaloud.errors import ConfigurationError, UnknownModel
from thinkaloud.events.prompt import Effort
from thinkaloud.ports.catalogue import Catalogue
from thinkaloud.ports.selections import Selection, SelectionStore

_MOST_OWNERS: Final = 10_000


class Selections:
    """The selections of all owners. They are in memory, and saved after `restore`."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._selected: OrderedDict[str, Selection] = OrderedDict()
        self._store: SelectionStore | None = None

    async def restore(self, store: SelectionStore) -> None:
        """Use what owners have selected before, and save what they select from now on.

        Ignores models that cannot be used any more. Raises `StoreError`.
        """
        self._store = store
        for owner, selection in (await store.all()).items():
            try:
                self._catalogue.open(selection.model)
            except (ConfigurationError, UnknownModel):
                continue
            self._selected[owner] = selection

    def model(self, owner: str) -> str:
        """Return the id of the model that this owner's new runs use."""
        return self._selected.get(owner, Selection()).model or self._catalogue.current

    def effort(self, owner: str) -> Effort | None:
        """Return the effort that this owner has selected; None: the default."""
        return self._selected.get(owner, Selection()).effort

    async def select(self, owner: str, model: str, effort: Effort | None) -> None:
        """Select a model and, unless it is None, an effort.

        Raises `StoreError` if that cannot be saved; then nothing changes.
        """
        selection = Selection(model, self.effort(owner) if effort is None else effort)
        if self._store is not None:
            await self._store.save(owner, selection, keep=_MOST_OWNERS)
        self._selected[owner] = selection
        self._selected.move_to_end(owner)
        if len(self._selected) > _MOST_OWNERS:
            self._selected.popitem(last=False)
