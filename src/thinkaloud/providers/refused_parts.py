"""Remembers what a model's host has refused, so that this process does not send it again."""

from collections import OrderedDict
from typing import Final

import msgspec

from thinkaloud.core.request_reduction import reduced
from thinkaloud.events.model import ModelFailed, Origin
from thinkaloud.events.prompt import Effort, ModelRequest, RequestPart, UserTurn
from thinkaloud.providers.rejection import SentRequest, carries_opaque, rejected_part
from thinkaloud.providers.trimming import is_about_effort

_MOST_PARTS: Final = 32
_MOST_CONVERSATIONS: Final = 1_000
_OPAQUE: Final = "opaque"
_PASSING: Final = frozenset({_OPAQUE, "output_room"})
"""Parts that are only refused for one request, so later ones may include them."""
_TELLING: Final = frozenset({"provider_bad_request", "provider_overloaded", "provider_stream_cut"})


class RefusedParts:
    """The refused parts of one model on one host.

    A part is remembered once a request without it has succeeded. Parts that configure reasoning
    are remembered per effort, since the host may accept another one. A refused opaque block
    may be specific to one conversation (a forged or foreign signature), so it is left out of that
    conversation only, unless another conversation's is refused before any has been accepted.
    """

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._parts: dict[tuple[RequestPart, Effort | None], None] = {}
        self._conversations: OrderedDict[str | None, None] = OrderedDict()
        self._refused_since = 0

    def leave_out(self, request: ModelRequest) -> ModelRequest:
        """Return the request without the parts in `request.without` and the remembered ones."""
        parts = request.without
        if self._parts:
            parts |= self._remembered(request)
        if request.conversation_id in self._conversations:
            parts |= {_OPAQUE}
        return reduced(request, parts)

    def refuses_already(self, request: ModelRequest) -> RequestPart | None:
        """Return a refused part that the user explicitly asked for, so that every run reports it.

        That is an effort, or an image attached to the latest message.
        """
        if not self._parts:
            return None
        known = self._remembered(request) - request.without
        user_turns = [turn for turn in request.turns if isinstance(turn, UserTurn)]
        if "images" in known and user_turns and user_turns[-1].images:
            return "images"
        if request.effort is None:
            return None
        return next((part for part in sorted(known) if is_about_effort(part)), None)

    def named(self, failed: ModelFailed, message: str, sent: SentRequest) -> ModelFailed:
        """Return the failure with `rejected` set to the refused part of the request."""
        if failed.code not in _TELLING:
            return failed
        part = failed.rejected or rejected_part(message, sent)
        return msgspec.structs.replace(
            failed, rejected="" if part in sent.request.without else part
        )

    def succeeded(self, asked: ModelRequest, sent: ModelRequest) -> None:
        """Remember the parts a successful request left out. `asked` is the caller's request."""
        new = asked.without - self._remembered(asked)
        if not new:
            if self._refused_since and carries_opaque(sent, self._origin):
                self._refused_since = 0
            return
        if _OPAQUE in new:
            self._conversation(asked.conversation_id)
        for part in new - _PASSING:
            if len(self._parts) < _MOST_PARTS:
                self._parts[_key(part, asked)] = None

    def _remembered(self, request: ModelRequest) -> frozenset[RequestPart]:
        return frozenset(
            part for part, effort in self._parts if (part, effort) == _key(part, request)
        )

    def _conversation(self, conversation_id: str | None) -> None:
        if conversation_id in self._conversations:
            return
        self._refused_since += 1
        if self._refused_since > 1:
            self._parts[_OPAQUE, None] = None
        self._conversations[conversation_id] = None
        if len(self._conversations) > _MOST_CONVERSATIONS:
            self._conversations.popitem(last=False)


def _key(part: RequestPart, request: ModelRequest) -> tuple[RequestPart, Effort | None]:
    return part, request.effort if is_about_effort(part) else None
