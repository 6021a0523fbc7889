"""The guard for every path named by a model or a caller.

A path is opened component by component, each relative to the previous folder and never through a
symbolic link (openat(2) with O_NOFOLLOW), so nothing can be swapped between check and use. Only
regular files and folders are visible: no links, devices, pipes or sockets, and no files with
several hard links unless the operator allows them.
Missing, withheld (see `workspace_names`) and unreadable files give the same error.

All methods block on file I/O: call them in a thread (`asyncio.to_thread`).
"""

import contextlib
import errno
import os
import stat
import time
from collections.abc import Generator, Iterator
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Final, Literal

import msgspec

from thinkaloud.errors import ConfigurationError, InvalidRequest, NotFound
from thinkaloud.tools.workspace_names import is_withheld, parts_of

MAX_ENTRIES: Final = 1000
"""Maximum number of entries in a listing."""
MAX_DEPTH: Final = 32
"""Maximum folder depth of a search."""
MAX_SEARCHED_BYTES: Final = 2**20
"""Searches skip files larger than this."""
MAX_LINE: Final = 200
"""Maximum characters of the line in a match."""
MAX_PATTERN: Final = 500
"""Maximum characters of a search text or a glob."""

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: do not block if the file is replaced by a pipe between check and open.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_ABSENT: Final = frozenset(
    {
        errno.EACCES,
        errno.EISDIR,
        errno.ELOOP,
        errno.EMLINK,
        errno.ENAMETOOLONG,
        errno.ENODEV,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.ENXIO,
        errno.EOPNOTSUPP,
        errno.EPERM,
    }
)


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file or folder in a listing. `bytes` is a file's size."""

    name: str
    kind: Literal["file", "folder"]
    bytes: int | None = None


class Listing(msgspec.Struct, frozen=True):
    """The entries of a folder, by name. Not `complete` if there are more than `MAX_ENTRIES`."""

    entries: tuple[Entry, ...]
    complete: bool


class Match(msgspec.Struct, frozen=True):
    """A matching line: the file name, the line number from 1, and (part of) the line."""

    name: str
    line: int
    text: str


class Found(msgspec.Struct, frozen=True):
    """The matches of a search, in order of folders and names.

    Not `complete` if the search reached its result or time limit.
    """

    matches: tuple[Match, ...]
    complete: bool


class Workspace:
    """A folder chosen by the operator. Nothing outside of it can be accessed."""

    def __init__(self, root: Path, *, hard_links: bool = False) -> None:
        """Use this folder. `~` and links in this path are trusted and resolved.

        With `hard_links`, files with several hard links are visible, wherever the other links are.
        Raises `thinkaloud.errors.ConfigurationError` if it is not a readable folder.
        """
        self._hard_links = hard_links
        try:
            self.root = root.expanduser().resolve(strict=True)
            os.close(os.open(self.root, _FOLDER))
        except (OSError, RuntimeError) as error:
            raise ConfigurationError(
                f"The workspace {root} is not a folder that can be read. Set [server] workspace "
                "to one, or leave it out."
            ) from error

    def read_bytes(self, name: str, max_bytes: int) -> bytes:
        """Return a file's bytes.

        Raises `thinkaloud.errors.InvalidRequest` if the name is invalid or the file is larger than
        `max_bytes`, `thinkaloud.errors.NotFound` if the workspace has no such file.
        """
        parts = parts_of(name)
        with _absent_as_not_found(name), self._folder(name, parts[:-1]) as folder:
            if not parts or is_withheld(parts[-1]):
                raise _not_found(name)
            data = _read(folder, parts[-1], max_bytes, hard_links=self._hard_links)
        if data is None:
            raise _not_found(name)
        if len(data) > max_bytes:
            raise InvalidRequest(f"{name!r} is larger than the {max_bytes} bytes allowed here.")
        return data

    def read_text(self, name: str, max_bytes: int) -> str:
        """Return a file's text, which must be UTF-8 (a byte order mark is removed).

        Raises like `read_bytes`, and `thinkaloud.errors.InvalidRequest` if it is not text.
        """
        data = self.read_bytes(name, max_bytes)
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InvalidRequest(f"{name!r} is not a text file in UTF-8.") from error
        if "\0" in text:
            raise InvalidRequest(f"{name!r} is not a text file.")
        return text

    def list(self, name: str = ".") -> Listing:
        """Return the entries of a folder.

        Raises `thinkaloud.errors.InvalidRequest` if the name is invalid and
        `thinkaloud.errors.NotFound` if the workspace has no such folder.
        """
        with (
            _absent_as_not_found(name),
            self._folder(name, parts_of(name)) as folder,
            os.scandir(folder) as scan,
        ):
            entries = _entries(scan, hard_links=self._hard_links)
            seen = list(islice(entries, MAX_ENTRIES + 1))
        shown = sorted(seen[:MAX_ENTRIES], key=lambda entry: entry.name)
        return Listing(tuple(shown), complete=len(seen) <= MAX_ENTRIES)

    def search(
        self,
        text: str,
        glob: str = "*",
        *,
        ignore_case: bool = True,
        max_matches: int = 100,
        seconds: float = 5.0,
    ) -> Found:
        """Return the lines that contain `text`, which is matched literally.

        A `glob` without a slash is matched against the file name, one with a slash against the
        whole relative path; `*` matches anything, including slashes. Skips files larger than
        `MAX_SEARCHED_BYTES`, binary files, and folders deeper than `MAX_DEPTH`.
        Raises `thinkaloud.errors.InvalidRequest` for an empty, multi-line or overlong text or glob.
        """
        _check_pattern("text", text)
        _check_pattern("glob", glob)
        wanted = text.casefold() if ignore_case else text
        deadline = time.monotonic() + seconds
        matches: list[Match] = []
        with (
            _absent_as_not_found("."),
            self._folder(".", ()) as root,
            contextlib.closing(_walk(root, "", MAX_DEPTH, hard_links=self._hard_links)) as walk,
        ):
            for folder, name in walk:
                if time.monotonic() >= deadline:
                    return Found(tuple(matches), complete=False)
                if not name or not _fits(name, glob):
                    continue
                content = _searchable(folder, name.rpartition("/")[2], hard_links=self._hard_links)
                for match in _matches(name, content, wanted, fold=ignore_case):
                    if len(matches) == max_matches:
                        return Found(tuple(matches), complete=False)
                    matches.append(match)
        return Found(tuple(matches), complete=True)

    @contextlib.contextmanager
    def _folder(self, name: str, parts: tuple[str, ...]) -> Generator[int]:
        folder = os.open(self.root, _FOLDER)
        try:
            for part in parts:
                if is_withheld(part):
                    raise _not_found(name)
                inner = os.open(part, _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)


def _not_found(name: str) -> NotFound:
    return NotFound(f"{name!r} was not found in the workspace.")


@contextlib.contextmanager
def _absent_as_not_found(name: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _ABSENT:
            raise _not_found(name) from error
        # Omit the file name, which would reveal where the workspace is.
        raise OSError(error.errno, error.strerror) from error


def _entries(scan: Iterator[os.DirEntry[str]], *, hard_links: bool) -> Iterator[Entry]:
    for found in scan:
        if is_withheld(found.name):
            continue
        if found.is_dir(follow_symlinks=False):
            yield Entry(found.name, "folder")
        elif found.is_file(follow_symlinks=False):
            with contextlib.suppress(FileNotFoundError):  # Deleted since the folder was read.
                status = found.stat(follow_symlinks=False)
                if hard_links or status.st_nlink == 1:
                    yield Entry(found.name, "file", status.st_size)


def _walk(folder: int, above: str, depth: int, *, hard_links: bool) -> Generator[tuple[int, str]]:
    """Yield the open folder and the relative path of every file, and `""` for every folder.

    A folder stays open until the next one is requested. Folders are yielded too, so that the caller
    can check its time limit even if there are no files.
    """
    yield folder, ""
    with os.scandir(folder) as scan:
        entries = sorted(_entries(scan, hard_links=hard_links), key=lambda entry: entry.name)
    for entry in entries:
        if entry.kind == "file":
            yield folder, above + entry.name
    if depth == 0:
        return
    for entry in entries:
        if entry.kind == "folder":
            with _open_folder(folder, entry.name) as inner:
                if inner is not None:
                    yield from _walk(
                        inner, f"{above}{entry.name}/", depth - 1, hard_links=hard_links
                    )


@contextlib.contextmanager
def _open_folder(folder: int, name: str) -> Generator[int | None]:
    """Open a folder; None if it was deleted or replaced since it was listed."""
    try:
        inner = os.open(name, _FOLDER, dir_fd=folder)
    except OSError as error:
        if error.errno not in _ABSENT:
            raise
        yield None
        return
    try:
        yield inner
    finally:
        os.close(inner)


def _read(folder: int, leaf: str, max_bytes: int, *, hard_links: bool) -> bytes | None:
    """Return up to `max_bytes` plus one byte, or None if `leaf` is not a readable file."""
    # Check before opening, because merely opening a device can have side effects.
    if not stat.S_ISREG(os.stat(leaf, dir_fd=folder, follow_symlinks=False).st_mode):
        return None
    with open(os.open(leaf, _FILE, dir_fd=folder), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or (status.st_nlink > 1 and not hard_links):
            return None
        return file.read(max_bytes + 1)


def _searchable(folder: int, leaf: str, *, hard_links: bool) -> str:
    try:
        data = _read(folder, leaf, MAX_SEARCHED_BYTES, hard_links=hard_links)
    except OSError as error:
        if error.errno in _ABSENT:
            return ""
        raise
    if data is None or len(data) > MAX_SEARCHED_BYTES or b"\0" in data:
        return ""
    return data.decode("utf-8", "replace")


def _check_pattern(what: str, pattern: str) -> None:
    if not pattern or len(pattern) > MAX_PATTERN or not pattern.replace("\t", " ").isprintable():
        raise InvalidRequest(
            f"The {what} must have 1 to {MAX_PATTERN} characters on one line.", field=what
        )


def _fits(name: str, glob: str) -> bool:
    pattern = glob.removeprefix("./").removeprefix("**/")
    return fnmatchcase(name if "/" in pattern else name.rpartition("/")[2], pattern)


def _matches(name: str, content: str, wanted: str, *, fold: bool) -> Iterator[Match]:
    if wanted not in (content.casefold() if fold else content):
        return
    for number, line in enumerate(content.split("\n"), start=1):
        at = (line.casefold() if fold else line).find(wanted)
        if at >= 0:
            start = max(0, at - MAX_LINE // 2)
            yield Match(name, number, line[start : start + MAX_LINE].strip())
