"""What comes through the pipe: a question, or material for one."""

import os
import stat
import sys
from typing import Final

from thinkaloud.errors import InvalidRequest

PIPE: Final = "-"
"""What stands for the pipe where a text or a file is named."""
MAX_BYTES: Final = 1024 * 1024


def has_pipe() -> bool:
    """Whether stdin is a pipe, a socket or a file: not a terminal, `/dev/null` or closed."""
    if sys.stdin is None or sys.stdin.isatty():
        return False
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def is_terminal() -> bool:
    """Whether somebody can type at stdin."""
    return sys.stdin is not None and sys.stdin.isatty()


def read_pipe() -> str:
    """Return all that comes through the pipe, "" without one. The newline at its end is left out.

    Raises `InvalidRequest` for more than `MAX_BYTES`, and for anything but text in UTF-8.
    """
    if not has_pipe():
        return ""
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InvalidRequest(
            f"The pipe gives more than the {MAX_BYTES:,} bytes that can be taken: send a part of"
            f" it, for example through `head -c {MAX_BYTES}`."
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            "The pipe gives binary data or text of another encoding, not text in UTF-8."
        ) from error
    if "\x00" in text:
        raise InvalidRequest("The pipe gives binary data (a NUL byte), not text in UTF-8.")
    return text.rstrip("\r\n")
