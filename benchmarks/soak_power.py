"""Power cuts at random moments of writing: nothing acknowledged is ever lost (`make soak`).

A file system of its own, on a loop device, is shut down as a cut shuts it down: what the disk has
not been told to keep is gone. Needs root, and mkfs.ext4 and mount.
"""

import asyncio
import fcntl
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.support.rounds import endure
from tests.stores.crash import crash

_SHUTDOWN: Final = 0x8004587D
"""EXT4_IOC_SHUTDOWN, linux/fs/ext4/ext4.h."""
_NO_LOG_FLUSH: Final = 2
"""EXT4_GOING_FLAGS_NOLOGFLUSH: not even the file system's journal is written any more."""
_IMAGE_BYTES: Final = 256 * 2**20


class Machine:
    """A file system that can lose its power."""

    def __init__(self, image: Path, folder: Path) -> None:
        self.folder = folder
        self._image = image

    def start(self) -> None:
        """Mount it, as after a boot."""
        subprocess.run(["mount", "-o", "loop", self._image, self.folder], check=True)

    def stop(self) -> None:
        """Unmount it."""
        subprocess.run(["umount", self.folder], check=True)

    def cut(self, writer: "subprocess.Popen[bytes]") -> None:
        """Cut the power, and boot.

        The writer stands still at that moment: a call that is under way while the kernel shuts
        the file system down may be told that all went well.
        """
        writer.send_signal(signal.SIGSTOP)
        while not _stands_still(writer.pid):
            time.sleep(0.001)
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(descriptor)
        writer.kill()
        writer.wait()
        self.stop()
        self.start()


def _stands_still(pid: int) -> bool:
    stats = [each.read_text() for each in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)


@contextmanager
def machine() -> Generator[Machine]:
    """Have a machine for the length of a block."""
    with tempfile.TemporaryDirectory() as place:
        image, folder = Path(place) / "image", Path(place) / "disk"
        folder.mkdir()
        with image.open("wb") as file:
            file.truncate(_IMAGE_BYTES)
        subprocess.run(["mkfs.ext4", "-q", image], check=True)
        made = Machine(image, folder)
        made.start()
        try:
            yield made
        finally:
            made.stop()


def once(cuts: int, seed: int) -> str:
    """Cut the power of one machine."""
    with machine() as made:
        path = made.folder / "thinkaloud.db"
        kept = asyncio.run(crash(path, rounds=cuts, seed=seed, cut=made.cut))
    return f"the last {len(kept.through)} pairs of conversations are whole"


if __name__ == "__main__":
    if os.geteuid() == 0 and shutil.which("mkfs.ext4") is not None:
        endure(__doc__, "cuts", 60, at_once=20, once=once)
    else:
        print("  left out: needs root and mkfs.ext4 (Debian: e2fsprogs), to cut off a file system")
