"""The message fields shared by the HTTP API and both sockets."""

from typing import Annotated, Literal

from msgspec import Meta

from thinkaloud.events.prompt import EFFORT_LEVELS
from thinkaloud.runtime.runs.request import MessageFields

EffortName = Annotated[str, Meta(extra_json_schema={"enum": list(EFFORT_LEVELS)})]
Budget = Annotated[int, Meta(ge=1, le=10_000_000, description="A budget in reasoning tokens.")]


class ClientMessage(MessageFields, frozen=True, kw_only=True):
    """The shared fields of a client's message, without its text and conversation."""

    reasoning_effort: EffortName | Budget | None = None
    on_disconnect: Annotated[
        Literal["continue", "stop"] | None,
        Meta(
            description="What happens to the run when no client waits for it or follows it any"
            " more: it"
            " continues, or is stopped after `limits.stop_detached_after_seconds` or 10 seconds."
            " By default the server's setting."
        ),
    ] = None
