"""The view that fits what stdout is, and what was asked for."""

import os
import sys

from rich.console import Console

from thinkaloud.cli.ui.live import LiveView, Thinking
from thinkaloud.cli.ui.plain import JsonLinesView, PlainView, View


def open_view(thinking: Thinking, *, json: bool) -> View:
    """Return events as lines where JSON is wanted, a screen on a terminal, else plain text."""
    if json:
        return JsonLinesView(sys.stdout, thinking=thinking is True)
    console = Console(highlight=False)
    if console.is_terminal and not console.is_dumb_terminal:
        # Only xterm leaves lines as they are when it gets narrower.
        rewraps = "XTERM_VERSION" not in os.environ  # noqa: TID251 - no setting
        return LiveView(console, thinking, rewraps=rewraps)
    return PlainView(sys.stdout, sys.stderr, thinking=thinking is True)
