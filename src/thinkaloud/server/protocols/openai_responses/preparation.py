"""Prepares the run of a request, and what is kept of it."""

from collections.abc import Sequence
from typing import Final

import msgspec
from starlette.requests import Request

from thinkaloud.events.prompt import Effort
from thinkaloud.ports.model import ModelInfo
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.runs.effort import effective_effort
from thinkaloud.server.api.chat import WITHHELD
from thinkaloud.server.http.operation import principal_of
from thinkaloud.server.protocols.effort import supported_effort
from thinkaloud.server.protocols.history import GivenHistory
from thinkaloud.server.protocols.images import ImageReader
from thinkaloud.server.protocols.openai_chat.read import wants_reasoning
from thinkaloud.server.protocols.openai_responses.continuation import (
    Place,
    referenced_item,
)
from thinkaloud.server.protocols.openai_responses.echo import echo_of, input_items
from thinkaloud.server.protocols.openai_responses.kept import KeptResponse, KeptResponses
from thinkaloud.server.protocols.openai_responses.read import (
    InputReader,
    asks_for_reasoning,
    client_tools,
    options_of,
)
from thinkaloud.server.protocols.openai_responses.requests import InputItem, ResponsesRequest
from thinkaloud.server.protocols.runs import ProtocolServices, RunPlan, Started
from thinkaloud.server.wires.openai_responses.objects import Shown

_ENCRYPTED: Final = "reasoning.encrypted_content"


class PreparedRun(msgspec.Struct, frozen=True):
    """A request that is ready to run."""

    plan: RunPlan
    kept: KeptResponse
    """What is kept of it; its `record` is still empty."""
    place: Place


class Preparation:
    """Prepares runs. They are not started."""

    def __init__(self, services: ProtocolServices, kept: KeptResponses) -> None:
        self._services = services
        self._settings = services.server.wires.openai
        self._kept = kept

    async def prepare(
        self,
        request: Request,
        asked: ResponsesRequest,
        place: Place,
        model: ModelInfo,
    ) -> PreparedRun:
        """Return the run that a request asks for, at its place. Raises `InvalidRequest` or `Refused`."""
        services, owner = self._services, principal_of(request).owner
        effort = self.effort(owner, asked, model)
        given, developer = await self._read(owner, asked, place)
        keeps = asked.store is not False or place.conversation_id is not None
        run = given.request(place.conversation_id)
        run = msgspec.structs.replace(
            run,
            temporary=place.temporary,
            unlisted=place.unlisted,
            history=run.history if place.conversation_id is None else place.history,
            model=asked.model or None,
            reasoning_effort=effort,
            client_tools=client_tools(asked),
            options=options_of(asked),
        )
        wants = wants_reasoning(
            asks_for_reasoning(asked), request.headers, default=self._settings.include_reasoning
        )
        shown = self._shown(request, asked, wants=wants)
        withheld = wants and shown.reasoning is None
        headers = {WITHHELD: "policy"} if withheld else {}
        plan = services.plan(owner, given.last, run, headers, saves=asked.store is not False)
        kept = KeptResponse(
            record=RunRecord("", "", owner, 0),
            echo=echo_of(asked, effort, place.conversation_id if place.named else None),
            shown=shown,
            items=input_items("", asked.input),
            history=run.history,
            developer="\n\n".join(text for text in (place.developer, *developer) if text),
            model=model.id,
        )
        plan = msgspec.structs.replace(
            plan, discards=not keeps, started=self._keeping(kept) if keeps else None
        )
        return PreparedRun(plan, kept, place)

    async def _read(
        self, owner: str, asked: ResponsesRequest, place: Place
    ) -> tuple[GivenHistory, Sequence[str]]:
        """Return the conversation of a request, and the instructions among its items."""
        history = await self._services.history(owner)
        history.system(asked.instructions or "")
        history.system(place.developer)
        if place.calls:
            history.assistant("", place.calls)
        images = ImageReader(self._services.url_guard, "input")
        reader = InputReader(history, images, lambda name: self._item(owner, name))
        await reader.read(asked.input)
        for text in reader.developer:
            history.system(text)
        return history.build(), reader.developer

    def _keeping(self, kept: KeptResponse) -> Started:
        async def started(record: RunRecord) -> None:
            await self._kept.add(msgspec.structs.replace(kept, record=record))

        return started

    async def _item(self, owner: str, name: str) -> InputItem:
        return await referenced_item(owner, name, self._services.server.runs, self._kept)

    def effort(self, owner: str, asked: ResponsesRequest, model: ModelInfo) -> Effort | None:
        """Return the effort of a request for this model. Raises `InvalidRequest`."""
        effort = supported_effort(asked.reasoning and asked.reasoning.effort, model)
        if effort is None:
            selected = self._services.server.runs.selections.effort(owner)
            return effective_effort(None, selected, model)
        return effort

    def _shown(self, request: Request, asked: ResponsesRequest, *, wants: bool) -> Shown:
        form = asked.reasoning_events or self._settings.reasoning_events
        encrypted = _ENCRYPTED in (asked.include or ())
        return readable(self._services, request, Shown(form if wants else None, encrypted))


def readable(services: ProtocolServices, request: Request, shown: Shown) -> Shown:
    """Return what the policy of the request's principal allows of it."""
    allowed = services.server.sends_reasoning(True, principal_of(request))
    return shown if allowed else Shown(None)
