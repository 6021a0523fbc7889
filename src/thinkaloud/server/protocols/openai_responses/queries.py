"""Queries of the Responses API. Parameters that aren't listed are ignored."""

from collections.abc import Sequence
from typing import Final

import msgspec
from starlette.requests import Request

from thinkaloud.errors import InvalidRequest
from thinkaloud.server.protocols.openai_chat.read import is_yes

MAX_ITEMS: Final = 100


class RetrieveQuery(msgspec.Struct, frozen=True):
    """`GET /v1/responses/{response_id}`."""

    stream: bool
    starting_after: int
    """The last `sequence_number` that the client has; -1 for none."""
    include_reasoning: bool | None
    """Whether to send reasoning; None: like the request that created the response."""


def retrieve_query(request: Request) -> RetrieveQuery:
    """Read the query. Raises `InvalidRequest`."""
    asked = request.query_params.get("include_reasoning")
    return RetrieveQuery(
        is_yes(request.query_params.get("stream", "")),
        _number(request, "starting_after", -1, 2**53),
        None if asked is None else is_yes(asked),
    )


class InputQuery(msgspec.Struct, frozen=True):
    """`GET /v1/responses/{response_id}/input_items`."""

    limit: int
    after: str | None
    ascending: bool

    @classmethod
    def of(cls, request: Request) -> "InputQuery":
        """Read the query. Raises `InvalidRequest`."""
        query = request.query_params
        limit = max(1, _number(request, "limit", 20, MAX_ITEMS))
        return cls(limit, query.get("after"), query.get("order") == "asc")

    def page(self, items: Sequence[dict[str, object]]) -> dict[str, object]:
        """Return a page of the items, which are given oldest first."""
        ordered = list(items) if self.ascending else list(reversed(items))
        names = [str(item["id"]) for item in ordered]
        start = names.index(self.after) + 1 if self.after in names else 0
        found = ordered[start : start + self.limit]
        return {
            "object": "list",
            "data": found,
            "first_id": found[0]["id"] if found else None,
            "last_id": found[-1]["id"] if found else None,
            "has_more": start + self.limit < len(ordered),
        }


def _number(request: Request, name: str, default: int, most: int) -> int:
    given = request.query_params.get(name)
    if given is None:
        return default
    if not given.isascii() or not given.isdigit() or len(given) > 16 or int(given) > most:
        raise InvalidRequest(f"{name} must be a number from 0 to {most}.", field=name)
    return int(given)
