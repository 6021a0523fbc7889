"""Where the run of a request goes: its conversation, and what comes before it."""

from collections.abc import Mapping

import msgspec
from starlette.requests import Request

from thinkaloud.errors import InvalidRequest, NotFound
from thinkaloud.events.fold import RunFold
from thinkaloud.events.prompt import ToolCallPart, Turn
from thinkaloud.events.view import AnswerBlock, ToolBlock
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.server.http.problems import Refused
from thinkaloud.server.protocols.openai_responses.kept import KeptResponse, KeptResponses
from thinkaloud.server.protocols.openai_responses.requests import InputItem, ResponsesRequest
from thinkaloud.server.protocols.runs import CONVERSATION_ID
from thinkaloud.server.wires.openai_responses.objects import item_id


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The conversation of a run. Without an id, it is a new one."""

    conversation_id: str | None = None
    temporary: bool = False
    """Whether it is in memory only."""
    unlisted: bool = False
    """Whether it is in no list."""
    named: bool = False
    """Whether the client named it."""
    copied: bool = False
    """Whether it was copied for this request."""
    calls: tuple[ToolCallPart, ...] = ()
    """The calls that the last response returned to the client."""
    history: tuple[Turn, ...] = ()
    """The turns before the first run of the conversation."""
    developer: str = ""
    """The instructions among earlier input items."""


async def place_of(
    request: Request, asked: ResponsesRequest, owner: str, runs: Runs, kept: KeptResponses
) -> Place:
    """Return where the run of a request goes.

    Raises `InvalidRequest`, `Refused` (there is no such previous response) or `Conflict` (it is
    still active).
    """
    named = asked.conversation
    if named is not None and not isinstance(named, str):
        named = named.id
    named = named or request.headers.get(CONVERSATION_ID)
    if asked.previous_response_id is None:
        if named is None:
            return Place(temporary=asked.store is False, unlisted=asked.store is None)
        fold = await runs.hub.fold(owner, named)
        last = next(reversed(fold.runs.values()), None)
        calls = () if last is None else _returned_calls(last)
        return Place(conversation_id=named, named=True, calls=calls)
    if named is not None:
        raise InvalidRequest(
            "previous_response_id cannot be used with a conversation.",
            field="previous_response_id",
        )
    try:
        previous = await kept.find(owner, asked.previous_response_id)
    except NotFound as error:
        raise Refused(
            404, "previous_response_not_found", error.message, field="previous_response_id"
        ) from None
    return await _after(previous, runs, kept)


async def _after(previous: KeptResponse, runs: Runs, kept: KeptResponses) -> Place:
    """Return the place after a response: in its conversation, or else in a copy up to there."""
    record = previous.record
    first = kept.is_first_to_continue(previous)
    fold = await runs.hub.fold(record.owner, record.conversation_id)
    last = next(reversed(fold.runs), None)
    run = fold.run(record.run_id)
    found = await runs.conversations.get(record.owner, record.conversation_id)
    copies = not first or last != record.run_id
    if copies:
        found = await runs.conversations.branch(record.owner, record.conversation_id, record.run_id)
    return Place(
        conversation_id=found.conversation_id,
        temporary=found.temporary,
        unlisted=found.unlisted,
        copied=copies,
        calls=() if run is None else _returned_calls(run),
        history=previous.history,
        developer=previous.developer,
    )


async def referenced_item(owner: str, name: str, runs: Runs, kept: KeptResponses) -> InputItem:
    """Return the output item with this id. Raises `Refused` if this owner has no such item.

    Reasoning is never taken from a client's history, so an item of it is empty.
    """
    kind, _, rest = name.partition("_")
    run_name = rest.rpartition("_")[0]
    try:
        response = await kept.find(owner, f"resp_{run_name}")
        run = await runs.fold(response.record)
    except NotFound:
        run = None
    found = None if run is None else _items(run).get(name)
    if run is not None and kind in {"rs", "mcp"}:
        return InputItem(type="reasoning")
    if found is None:
        raise Refused(404, "not_found", f"There is no item {name[:100]!r}.", field="input")
    return found


def _items(run: RunFold) -> Mapping[str, InputItem]:
    view = run.view()
    found: dict[str, InputItem] = {}
    number = 0
    for block in view.blocks:
        if isinstance(block, AnswerBlock):
            name = item_id("msg", run.run_id, block.segment_id)
            found[name] = InputItem(type="message", role="assistant", content=block.text)
        elif isinstance(block, ToolBlock):
            number += 1
            if block.status == "requested":
                found[item_id("fc", run.run_id, str(number))] = InputItem(
                    type="function_call",
                    call_id=block.tool_call_id,
                    name=block.name,
                    arguments=block.arguments,
                )
    return found


def _returned_calls(run: RunFold) -> tuple[ToolCallPart, ...]:
    return tuple(
        ToolCallPart(block.tool_call_id, block.name, block.arguments)
        for block in run.view().blocks
        if isinstance(block, ToolBlock) and block.status == "requested"
    )
