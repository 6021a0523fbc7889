"""Chooses the view for stdout and the options."""

import os
import sys

from rich.console import Console

from thinkaloud.cli.ui.plain import JsonLinesView, PlainView, Thinking, View


def open_view(thinking: Thinking, *, json: bool) -> View:
    """Return a JSON view if requested, a live view on a terminal, otherwise a plain one."""
    if json:
        return JsonLinesView(sys.stdout, thinking=thinking is True)
    console = Console(highlight=False)
    if console.is_terminal and not console.is_dumb_terminal:
        # Imported only here, because Markdown takes time to load and a pipe needs none.
        from thinkaloud.cli.ui.live import LiveView  # noqa: PLC0415

        # Only xterm does not rewrap lines when it becomes narrower.
        rewraps = "XTERM_VERSION" not in os.environ  # noqa: TID251 - no setting
        return LiveView(console, thinking, rewraps=rewraps)
    return PlainView(sys.stdout, sys.stderr, thinking=thinking is True)
