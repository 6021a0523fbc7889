"""The port for the model and the effort that owners have selected, which survive a restart."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from thinkaloud.events.prompt import Effort


class Selection(msgspec.Struct, frozen=True):
    """What an owner has selected for new runs. None: the default."""

    model: str | None = None
    effort: Effort | None = None


class SelectionStore(Protocol):
    """Stores the selections of owners. Raises `StoreError`."""

    async def all(self) -> Mapping[str, Selection]:
        """Return the selection of each owner, the latest last."""
        ...

    async def save(self, owner: str, selection: Selection, *, keep: int) -> None:
        """Set what an owner has selected, and delete all but the latest `keep` selections."""
        ...

    async def rename(self, owner: str, new: str) -> None:
        """Give an owner's selection to `new`, unless that owner has selected something itself."""
        ...

    async def delete(self, owner: str) -> None:
        """Delete an owner's selection, if there is one."""
        ...
