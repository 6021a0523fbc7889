"""What the host of one model has refused, so that it is not sent again while this process lives."""

from collections import OrderedDict
from typing import Final

import msgspec

from thinkaloud.core.request_reduction import reduced
from thinkaloud.events.model import ModelFailed, Origin
from thinkaloud.events.prompt import Effort, ModelRequest, RequestPart, UserTurn
from thinkaloud.providers.rejection import Sent, carries_opaque, rejected_part
from thinkaloud.providers.trimming import is_about_effort

_MOST_PARTS: Final = 32
_MOST_CONVERSATIONS: Final = 1_000
_OPAQUE: Final = "opaque"
_PASSING: Final = frozenset({_OPAQUE, "output_room"})
"""Parts that another request may well carry."""
_TELLING: Final = frozenset({"provider_bad_request", "provider_overloaded", "provider_stream_cut"})


class RefusedParts:
    """The memory of one model of one host.

    A part is remembered when a request without it has succeeded; what says how to reason, for
    that effort only, since the host may take another. An opaque block that is refused
    may be the fault of one conversation (a forged or a foreign signature): it is left out of that
    conversation only, until another is refused before any was taken.
    """

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._parts: dict[tuple[RequestPart, Effort | None], None] = {}
        self._conversations: OrderedDict[str | None, None] = OrderedDict()
        self._refused_since = 0

    def leave_out(self, request: ModelRequest) -> ModelRequest:
        """Return the request without what it names itself and what is remembered."""
        parts = request.without
        if self._parts:
            parts |= self._remembered(request)
        if request.conversation_id in self._conversations:
            parts |= {_OPAQUE}
        return reduced(request, parts)

    def refuses_already(self, request: ModelRequest) -> RequestPart | None:
        """Return a part that the user asked for and will miss, so that every run says it.

        That is an effort, or a picture just attached.
        """
        if not self._parts:
            return None
        known = self._remembered(request) - request.without
        said = [turn for turn in request.turns if isinstance(turn, UserTurn)]
        if "images" in known and said and said[-1].images:
            return "images"
        if request.effort is None:
            return None
        return next((part for part in sorted(known) if is_about_effort(part)), None)

    def named(self, failed: ModelFailed, said: str, sent: Sent) -> ModelFailed:
        """Return a failure with the part of the request that it refuses."""
        if failed.code not in _TELLING:
            return failed
        part = failed.rejected or rejected_part(said, sent)
        return msgspec.structs.replace(
            failed, rejected="" if part in sent.request.without else part
        )

    def succeeded(self, asked: ModelRequest, sent: ModelRequest) -> None:
        """Remember what a request went without; `asked` is what the caller wanted sent."""
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
