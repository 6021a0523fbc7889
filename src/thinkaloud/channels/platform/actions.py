"""The actions behind buttons, and the commands, as names that fit into a platform's payload. Pure."""

from collections.abc import Sequence
from typing import Final

import msgspec


class CommandInfo(msgspec.Struct, frozen=True):
    """A command, for a platform's menu."""

    name: str
    """Without the slash."""
    description: str
    argument: str = ""
    """How the argument is written in the help; empty if there is none."""


COMMANDS: Final[Sequence[CommandInfo]] = (
    CommandInfo("new", "Start a new conversation"),
    CommandInfo("stop", "Stop the current answer"),
    CommandInfo("thinking", "Show or set how reasoning is shown", "[off|live|folded|on_request]"),
    CommandInfo("model", "Show or choose the model", "[ID]"),
    CommandInfo("effort", "Show or set the reasoning effort", "[LEVEL]"),
    CommandInfo("why", "Show the last reasoning"),
    CommandInfo("help", "List the commands"),
)
"""All commands. A platform's menu, and the words `/name` or `!name` at the start of a message."""


def why_action(run_id: str) -> str:
    """Return the action that shows the reasoning of a run to the person who asks."""
    return f"why:{run_id}"


def stop_action(run_id: str) -> str:
    """Return the action that stops a run."""
    return f"stop:{run_id}"
