"""A conversation page by page, from its end."""

from collections.abc import Sequence

import msgspec

from thinkaloud.errors import InvalidRequest
from thinkaloud.events.fold import RunView


class Page(msgspec.Struct, frozen=True):
    """Runs that stand side by side, oldest first."""

    runs: Sequence[RunView]
    next_before: str | None
    """The run before which the next page ends; None where nothing is older."""


def page_of(runs: Sequence[RunView], limit: int | None, before: str = "") -> Page:
    """Return the newest runs, at most `limit`, of those before a run or of all.

    Raises `InvalidRequest` where `before` names none of them.
    """
    if before:
        end = next((n for n, run in enumerate(runs) if run.run_id == before), None)
        if end is None:
            raise InvalidRequest("before names no run of this conversation.", field="before")
        runs = runs[:end]
    page = runs if limit is None else runs[-limit:]
    return Page(page, page[0].run_id if len(page) < len(runs) else None)
