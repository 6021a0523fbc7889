"""The terminal: `thinkaloud serve`, `chat`, `models`, `doctor`."""

from thinkaloud.cli.program import main

__all__ = ["main"]
