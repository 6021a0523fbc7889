"""The lines of the log wire. The published schema is generated from them.

Most lines are a `thinkaloud.events.event.LoggedEvent`. The field `event`, `snapshot` or `error`
distinguishes the kinds.
"""

from typing import Final

import msgspec

from thinkaloud.events.event import LoggedEvent
from thinkaloud.events.view import ConversationView


class LogSnapshot(msgspec.Struct, frozen=True):
    """Replaces events that are no longer available individually. The events after `seq` follow.

    Sent only if the client's cursor is inside a range of lost or merged events.
    """

    seq: int
    conversation_id: str
    snapshot: ConversationView
    """The conversation, or only the followed run, at `seq`."""


class LogError(msgspec.Struct, frozen=True):
    """Why the stream ended early."""

    code: str
    message: str


class LogFailure(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last line of a stream whose conversation was deleted."""

    conversation_id: str
    error: LogError
    run_id: str = ""


LogLine = LoggedEvent | LogSnapshot | LogFailure
"""One line. Withheld fields are omitted: see `LogWire`."""
LOG_LINES: Final = (LoggedEvent, LogSnapshot, LogFailure)
WITHHELD: Final = {
    "ModelResponded": ("native",),
    "Attachment": ("text", "base64"),
    "ToolEnded": ("images",),
    "RunCheckpoint": ("spec",),
}
"""Fields of the log that never leave the server, by type."""
