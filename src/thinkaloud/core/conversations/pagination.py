"""Paginate a conversation, newest runs first."""

import msgspec

from thinkaloud.errors import InvalidRequest
from thinkaloud.events.fold import Fold
from thinkaloud.events.view import ConversationView


class Page(msgspec.Struct, frozen=True):
    """Consecutive runs of the current path."""

    view: ConversationView
    next_before: str | None
    """The `before` of the next page, which has older runs; None if there are none."""


def page_of(fold: Fold, limit: int | None, before: str = "") -> Page:
    """Return the newest runs, up to `limit`; with `before`, those before that run.

    The newest page includes the `attempt`. Raises `InvalidRequest` if `before` is not in the path.
    """
    ids = list(fold.runs)
    if before:
        if before not in fold.runs:
            raise InvalidRequest("before is not a run of this conversation.", field="before")
        ids = ids[: ids.index(before)]
    chosen = ids if limit is None else ids[-limit:]
    runs = [fold.runs[run_id] for run_id in chosen]
    view = fold.view_of(runs, None if before else fold.attempt)
    return Page(view, chosen[0] if len(chosen) < len(ids) else None)
