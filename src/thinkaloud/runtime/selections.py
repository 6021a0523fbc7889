"""The model and the reasoning effort that each owner has selected for new runs.

Selections are in memory: without one, an owner uses the configured defaults.
"""

from collections import OrderedDict
from typing import Final

import msgspec

from thinkaloud.events.prompt import Effort
from thinkaloud.ports.catalogue import Catalogue

_MOST_OWNERS: Final = 10_000


class Selection(msgspec.Struct, frozen=True):
    """What an owner has selected. None: the default."""

    model: str | None = None
    effort: Effort | None = None


class Selections:
    """The selections of all owners."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._selected: OrderedDict[str, Selection] = OrderedDict()

    def model(self, owner: str) -> str:
        """Return the id of the model that this owner's new runs use."""
        return self._selected.get(owner, Selection()).model or self._catalogue.current

    def effort(self, owner: str) -> Effort | None:
        """Return the effort that this owner has selected; None: the default."""
        return self._selected.get(owner, Selection()).effort

    def select(self, owner: str, model: str, effort: Effort | None) -> None:
        """Select a model and, unless it is None, an effort."""
        effort = self.effort(owner) if effort is None else effort
        self._selected[owner] = Selection(model, effort)
        self._selected.move_to_end(owner)
        if len(self._selected) > _MOST_OWNERS:
            self._selected.popitem(last=False)
