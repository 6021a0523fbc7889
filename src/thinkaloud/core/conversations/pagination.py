"""A conversation page by page, from its end."""

import msgspec

from thinkaloud.errors import InvalidRequest
from thinkaloud.events.fold import Fold
from thinkaloud.events.view import ConversationView


class Page(msgspec.Struct, frozen=True):
    """Runs of the current path that follow each other."""

    view: ConversationView
    next_before: str | None
    """The run before which the next page ends; None where nothing is older."""


def page_of(fold: Fold, limit: int | None, before: str = "") -> Page:
    """Return the newest runs, at most `limit`, of those before a run or of all.

    The newest page has the `attempt`, too. Raises `InvalidRequest` where `before` names none of them.
    """
    ids = list(fold.runs)
    if before:
        if before not in fold.runs:
            raise InvalidRequest("before names no run of this conversation.", field="before")
        ids = ids[: ids.index(before)]
    chosen = ids if limit is None else ids[-limit:]
    runs = [fold.runs[run_id] for run_id in chosen]
    view = fold.view_of(runs, None if before else fold.attempt)
    return Page(view, chosen[0] if len(chosen) < len(ids) else None)
