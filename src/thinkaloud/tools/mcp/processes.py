"""The processes of servers: they end with ours, or at the next start if ours was killed.

Each process of ours has a file in the data directory with the groups it started. A process id can
be reused, so each is stored with the time its process started.
"""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

FOLDER: Final = "mcp-processes"


class Group(msgspec.Struct, frozen=True):
    """A process group, by its first process."""

    pid: int
    started: str
    """When the process started, as the system reports it."""


class _File(msgspec.Struct, frozen=True):
    owner: Group
    groups: tuple[Group, ...] = ()


def end_group(pid: int) -> None:
    """Kill all processes that are left in a group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


class ProcessRecord:
    """The groups that this process started. `folder` is in the data directory."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / f"{os.getpid()}-{id(self)}.json"
        self._groups: dict[int, Group] = {}
        self._lock = asyncio.Lock()

    async def add(self, pid: int) -> None:
        """Record a process that has just been started."""
        async with self._lock:
            started = await asyncio.to_thread(start_time, pid)
            if started is not None:
                self._groups[pid] = Group(pid, started)
                await asyncio.to_thread(self._write)

    async def remove(self, pid: int) -> None:
        """Forget a group that has ended."""
        async with self._lock:
            if self._groups.pop(pid, None) is not None:
                await asyncio.to_thread(self._write)

    def _write(self) -> None:
        if not self._groups:
            self._file.unlink(missing_ok=True)
            return
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = Group(os.getpid(), start_time(os.getpid()) or "")
        content = msgspec.json.encode(_File(owner, tuple(self._groups.values())))
        scratch = self._file.with_suffix(".new")
        scratch.write_bytes(content)
        scratch.replace(self._file)


def end_leftovers(folder: Path) -> int:
    """Kill the groups whose owner is gone, and return how many were left."""
    ended = 0
    for file in folder.glob("*.json"):
        try:
            found = msgspec.json.decode(file.read_bytes(), type=_File)
        except (OSError, msgspec.DecodeError):
            file.unlink(missing_ok=True)
            continue
        if start_time(found.owner.pid) == found.owner.started:
            continue
        for group in found.groups:
            if _is_left(group):
                end_group(group.pid)
                ended += 1
        file.unlink(missing_ok=True)
    return ended


def start_time(pid: int) -> str | None:
    """Return when a process started, or None if there is none with this id."""
    if sys.platform == "linux":
        fields = _stat(pid)
        return fields[19] if fields is not None else None
    shown = subprocess.run(
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, check=False
    )
    return shown.stdout.decode().strip() or None


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat after the name, or None for a process that has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else fields


def _is_left(group: Group) -> bool:
    """Whether processes of this group, and not of a later one with the same id, are running."""
    started = start_time(group.pid)
    if started is not None:
        return started == group.started
    if sys.platform != "linux":
        return False
    # The first process has ended. Others in the group started after it.
    members = (_stat(int(each.name)) for each in Path("/proc").iterdir() if each.name.isdigit())
    of_group = [each for each in members if each is not None and each[2] == str(group.pid)]
    return bool(of_group) and all(int(each[19]) >= int(group.started) for each in of_group)
