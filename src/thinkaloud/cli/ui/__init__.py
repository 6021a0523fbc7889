"""Terminal output: live rendering, plain output, escaping, Ctrl-C."""

from typing import Final

PROMPT: Final = "› "
"""Stands before what is typed. It is here so that commands can show it without loading prompt_toolkit."""
