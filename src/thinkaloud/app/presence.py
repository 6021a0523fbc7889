"""A note beside the data that says where the server answers that uses it, for terminal commands."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from thinkaloud.version import __version__

NOTE_NAME: Final = "server.json"


class Note(msgspec.Struct, frozen=True):
    """What stands in the note."""

    url: str
    pid: int
    version: str


@contextmanager
def announced(data_dir: Path) -> Generator[Callable[[str], None]]:
    """Give a function that leaves the note with this process' address; it goes with the block.

    To be used while this process owns the data. Mode 0600.
    """
    path = data_dir / NOTE_NAME

    def announce(url: str) -> None:
        fresh = path.with_name(f"{NOTE_NAME}.new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(Note(url, os.getpid(), __version__)))
        fresh.replace(path)

    try:
        yield announce
    finally:
        path.unlink(missing_ok=True)
