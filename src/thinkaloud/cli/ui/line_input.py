"""What is typed at the prompt: several lines where they are pasted or asked for."""

import sys
import termios
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Final

from prompt_toolkit import PromptSession
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

PROMPT: Final = "› "
_BRACKETED_PASTE_ON: Final = "\x1b[?2004h"
_BRACKETED_PASTE_OFF: Final = "\x1b[?2004l"


class LineEditor:
    """Reads one message after another. Enter sends it; Alt-Enter, or a paste, begins a new line.

    The arrow keys bring back what was typed before, as long as the program runs.
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
        """Return what is typed next, as it is. Raises `EOFError` and `KeyboardInterrupt`."""
        # A signal may end the prompt at a moment at which it does not put the terminal back.
        with _restore_terminal():
            return self._session.prompt()


@contextmanager
def echo_disabled() -> Generator[None]:
    """Hold typed input and pastes back until the next prompt."""
    with _restore_terminal():
        quiet = termios.tcgetattr(sys.stdin)
        # Ctrl-C must not throw away what was typed before it.
        quiet[3] = quiet[3] & ~termios.ECHO | termios.NOFLSH
        termios.tcsetattr(sys.stdin, termios.TCSANOW, quiet)
        _write(_BRACKETED_PASTE_ON)
        yield


@contextmanager
def _restore_terminal() -> Generator[None]:
    """Leave the terminal as it was, however the block is left."""
    before = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        with suppress(termios.error, OSError):  # The terminal may be gone.
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
