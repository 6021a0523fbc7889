"""The command-line interface: `thinkaloud serve`, `chat`, `models`, `doctor` and others."""

from thinkaloud.cli.main import main

__all__ = ["main"]
