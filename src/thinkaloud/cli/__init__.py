"""The terminal: `thinkaloud serve`, `chat`, `models`, `doctor`."""

from thinkaloud.cli.main import main

__all__ = ["main"]
