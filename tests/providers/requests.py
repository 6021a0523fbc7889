"""A conversation that every encoder must be able to encode, and its parts."""

from typing import Any

import msgspec

from thinkaloud.events.model import ModelFinished, Origin, ProviderPayload
from thinkaloud.events.prompt import (
    AnswerPart,
    AssistantTurn,
    Image,
    ModelRequest,
    ReasoningPart,
    ToolCallPart,
    ToolResult,
    ToolSchema,
    ToolTurn,
    Turn,
    UserTurn,
)
from thinkaloud.ports.model import HttpRequest

PIXEL = Image(media_type="image/png", base64="iVBORw0KGgo=")
ELSEWHERE = Origin(dialect="other", endpoint="https://other.example", model="m")
FOREIGN = AssistantTurn(
    parts=(
        ReasoningPart(text="secret thought"),
        AnswerPart(text="I look."),
        ToolCallPart(tool_call_id="c1", name="find", arguments='{"q":  "x"}'),
        ToolCallPart(tool_call_id="c2", name="now", arguments=""),
    ),
    native=ProviderPayload(origin=ELSEWHERE, payload=msgspec.Raw(b'{"signature":"opaque"}')),
)
RESULTS = ToolTurn(
    results=(
        ToolResult(tool_call_id="c1", name="find", content="found"),
        ToolResult(tool_call_id="c2", name="now", content="no clock", is_error=True),
    )
)
FIND = ToolSchema(
    name="find",
    description="Finds.",
    parameters={
        "type": "object",
        "properties": {"q": {"type": "string"}},
        "required": ["q"],
        "additionalProperties": False,
    },
)
TURNS: tuple[Turn, ...] = (UserTurn(text="See", images=(PIXEL,)), FOREIGN, RESULTS)


def request(*turns: Turn, **more: Any) -> ModelRequest:
    return ModelRequest(model="some-model", turns=turns or (UserTurn(text="Hi"),), **more)


def body(sent: HttpRequest) -> Any:
    return msgspec.json.decode(sent.body)


def turn_of(finished: ModelFinished) -> AssistantTurn:
    """The turn that a response becomes, with nothing but its native payload to go by."""
    return AssistantTurn(parts=(AnswerPart(text="not to be used"),), native=finished.native)
