"""The server's own responses, for clients that send the conversation with each request.

What such a client sends as the assistant's reasoning, signatures or calls of the server's tools can
be forged, and most clients leave it out. The memory has the responses that this server really
gave. A response in a client's history is replaced by it, so that the provider gets its own
reasoning back, and nothing that a client invented.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import msgspec

from thinkaloud.core.prompt_history import FindPayload, turns
from thinkaloud.events.fold import RunFold
from thinkaloud.events.prompt import (
    AssistantTurn,
    ReasoningPart,
    ToolResult,
    ToolTurn,
    Turn,
    UserTurn,
)
from thinkaloud.events.view import ToolBlock

MAX_BYTES: Final = 32 * 2**20
MAX_RESPONSES: Final = 4_096
_encode: Final = msgspec.json.Encoder().encode

Calls = Iterable[tuple[str, str]]
"""Calls of the client's tools: id, empty if the protocol has none, and name."""


class Response(msgspec.Struct, frozen=True):
    """A response of this server."""

    turns: tuple[Turn, ...]
    """From the first model call to the last, without the results of the last one's tool calls."""
    results: tuple[ToolResult, ...]
    """Results of the server's own tools that the last model call called beside the client's."""


class TurnMemory:
    """The latest responses, by owner and by what the client has of them. In memory and bounded."""

    def __init__(self, max_bytes: int = MAX_BYTES, max_responses: int = MAX_RESPONSES) -> None:
        self._max_bytes = max_bytes
        self._max_responses = max_responses
        self._responses: OrderedDict[bytes, tuple[Response, int]] = OrderedDict()
        self._bytes = 0

    def keep(
        self,
        owner: str,
        before: Turn | None,
        find_payload: FindPayload | None,
        run: RunFold,
        *,
        has_ids: bool = True,
    ) -> None:
        """Keep the response to the turn `before`, if a client has only a part of it.

        `find_payload` finds the provider's payloads that the log must not have. `has_ids` is whether
        the client has the ids of tool calls: otherwise, only their names count.
        """
        response = turns([run], find_payload=find_payload)
        found = [turn for turn in response if not isinstance(turn, UserTurn)]
        view = run.view()
        blocks = [block for block in view.blocks if isinstance(block, ToolBlock)]
        results: tuple[ToolResult, ...] = ()
        if found and isinstance(found[-1], ToolTurn):
            own = {block.tool_call_id for block in blocks if block.status != "requested"}
            results = tuple(each for each in found[-1].results if each.tool_call_id in own)
            found.pop()
        if len(found) > 1 or results or any(map(_has_reasoning, found)):
            calls = [
                (each.tool_call_id if has_ids else "", each.name)
                for each in blocks
                if each.status == "requested"
            ]
            self._put(_key(owner, before, view.response, calls), Response(tuple(found), results))

    def recall(self, owner: str, before: Turn | None, answer: str, calls: Calls) -> Response | None:
        """Return the response to the turn `before` that a client has as this text and these calls."""
        key = _key(owner, before, answer, calls)
        found = self._responses.get(key)
        if found is None:
            return None
        self._responses.move_to_end(key)
        return found[0]

    def _put(self, key: bytes, response: Response) -> None:
        self._bytes -= self._responses.pop(key, (response, 0))[1]
        size = len(_encode(response))
        if size > self._max_bytes:
            return
        self._responses[key] = (response, size)
        self._bytes += size
        while self._bytes > self._max_bytes or len(self._responses) > self._max_responses:
            _, (_, dropped) = self._responses.popitem(last=False)
            self._bytes -= dropped


def _has_reasoning(turn: Turn) -> bool:
    return isinstance(turn, AssistantTurn) and (
        turn.native is not None or any(isinstance(part, ReasoningPart) for part in turn.parts)
    )


def _key(owner: str, before: Turn | None, answer: str, calls: Calls) -> bytes:
    # Clients trim answers, so white space at the ends does not count.
    shown = (owner, _text(before), answer.strip(), sorted(calls))
    return hashlib.blake2b(_encode(shown), digest_size=16).digest()


def _text(turn: Turn | None) -> str | list[str]:
    match turn:
        case UserTurn():
            return turn.text.strip()
        case ToolTurn():
            return [result.content for result in turn.results]
        case _:
            return ""
