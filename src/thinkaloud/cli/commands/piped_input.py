"""Piped input: a question, or context for one."""

import os
import stat
import sys
from typing import Final

from thinkaloud.errors import InvalidRequest

PIPE: Final = "-"
"""Stands for stdin in place of a text or a file name."""
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
    """Whether stdin is a terminal."""
    return sys.stdin is not None and sys.stdin.isatty()


def read_pipe() -> str:
    """Return the piped input without trailing newlines; "" if there is no pipe.

    Raises `InvalidRequest` if it is longer than `MAX_BYTES` or not UTF-8 text.
    """
    if not has_pipe():
        return ""
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InvalidRequest(
            f"The piped input is larger than {MAX_BYTES:,} bytes. Send a part of it, for example"
            f" with `head -c {MAX_BYTES}`."
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            "The piped input is not UTF-8 text. Binary data and other encodings are not supported."
        ) from error
    if "\x00" in text:
        raise InvalidRequest(
            "The piped input is binary data (it contains a NUL byte), not UTF-8 text."
        )
    return text.rstrip("\r\n")
