"""The view that fits what stdout is, and what was asked for."""

import os
import sys

from rich.console import Console

from thinkaloud.cli.ui.live import Screen, Thinking
from thinkaloud.cli.ui.plain import Lines, Plain, View


def open_view(thinking: Thinking, *, json: bool) -> View:
    """Return events as lines where JSON is wanted, a screen on a terminal, else plain text."""
    if json:
        return Lines(sys.stdout, thinking=thinking is True)
    console = Console(highlight=False)
    if console.is_terminal and not console.is_dumb_terminal:
        # Only xterm leaves lines as they are when it gets narrower.
        breaks_anew = "XTERM_VERSION" not in os.environ  # noqa: TID251 - no setting
        return Screen(console, thinking, breaks_anew=breaks_anew)
    return Plain(sys.stdout, sys.stderr, thinking=thinking is True)
