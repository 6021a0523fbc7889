"""The lines of the log wire: what stands on the wire, and what the published schema says.

Most lines are events, as `thinkaloud.events.event.LoggedEvent`. `event`, `snapshot` or `error`
tells the kinds apart.
"""

from typing import Final

import msgspec

from thinkaloud.events.event import LoggedEvent
from thinkaloud.events.view import ConversationView


class LogSnapshot(msgspec.Struct, frozen=True):
    """Replaces events that the log no longer has one by one. The events after `seq` follow.

    Only a client whose cursor lies inside events that were lost or merged gets one.
    """

    seq: int
    conversation_id: str
    snapshot: ConversationView
    """The conversation, or the followed run of it, as it was at `seq`."""


class LogError(msgspec.Struct, frozen=True):
    """Why the stream ended, if not with the run."""

    code: str
    message: str


class LogFailure(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last line of a stream that cannot go on: the conversation was deleted."""

    conversation_id: str
    error: LogError
    run_id: str = ""


LogLine = LoggedEvent | LogSnapshot | LogFailure
"""One line. Fields that no wire may carry are left out: see `LogWire`."""
LOG_LINES: Final = (LoggedEvent, LogSnapshot, LogFailure)
WITHHELD: Final = {"ModelResponded": ("native",), "Attachment": ("text", "base64")}
"""Fields of the log that never leave the server, by type."""
