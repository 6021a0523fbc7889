"""Multi-line input at the prompt."""

import sys
import termios
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Final

from prompt_toolkit import PromptSession
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from thinkaloud.cli.ui import PROMPT

_BRACKETED_PASTE_ON: Final = "\x1b[?2004h"
_BRACKETED_PASTE_OFF: Final = "\x1b[?2004l"


class LineEditor:
    """Reads messages. Enter sends; Alt-Enter and pasted line breaks add a new line.

    The arrow keys recall earlier input of this session.
    """

    def __init__(self) -> None:
        self._session: PromptSession[str] = PromptSession(
            PROMPT,
            multiline=True,
            prompt_continuation=" " * len(PROMPT),
            key_bindings=_keys(),
            history=InMemoryHistory(),
            enable_suspend=True,
        )

    def read(self) -> str:
        """Return the next message unchanged. Raises `EOFError` or `KeyboardInterrupt`."""
        # A signal may end the prompt before it can restore the terminal.
        with _restore_terminal():
            return self._session.prompt()


@contextmanager
def echo_disabled() -> Generator[None]:
    """Turn off echo, so that input typed during output waits for the next prompt."""
    with _restore_terminal():
        quiet = termios.tcgetattr(sys.stdin)
        # Ctrl-C must not discard input that was typed before it.
        quiet[3] = quiet[3] & ~termios.ECHO | termios.NOFLSH
        termios.tcsetattr(sys.stdin, termios.TCSANOW, quiet)
        _write(_BRACKETED_PASTE_ON)
        yield


@contextmanager
def _restore_terminal() -> Generator[None]:
    """Restore the terminal settings when the block is left."""
    before = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        with suppress(termios.error, OSError):  # The terminal may have been closed.
            termios.tcsetattr(sys.stdin, termios.TCSANOW, before)
            _write(_BRACKETED_PASTE_OFF)


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


def _write(control: str) -> None:
    sys.stdout.write(control)
    sys.stdout.flush()
