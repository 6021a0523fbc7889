"""Lines from standard input, and to standard output."""

import os
import select
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

import anyio.to_thread

MAX_LINE: Final = 50 * 1024 * 1024
"""The longest line in bytes: a prompt with several images, in base64."""


def read_lines(source: BinaryIO, limit: int = MAX_LINE) -> Iterator[bytes | None]:
    """Yield the lines that are not empty; None for one that is longer than the limit."""
    while line := source.readline(limit + 1):
        if len(line) <= limit or line.endswith(b"\n"):
            if line.strip():
                yield line
            continue
        while line and not line.endswith(b"\n"):
            line = source.readline(limit)
        yield None


@contextmanager
def take_output() -> Generator[int]:
    """Yield a descriptor of standard output, and send everything else that is printed to stderr.

    A message may come from anywhere: a library, or a program that a tool starts.
    """
    taken = os.dup(1)
    os.dup2(2, 1)
    try:
        yield taken
    finally:
        os.dup2(taken, 1)
        os.close(taken)


class PipeOutput:
    """Writes to a file descriptor, without blocking the event loop if nobody reads.

    Once writing fails, output is discarded.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._turn = anyio.Lock()
        self._closed = False

    async def write(self, data: bytes) -> None:
        """Write whole lines, and wait until the client has room for them."""
        async with self._turn:
            # A writable pipe has room for PIPE_BUF bytes: a token costs no thread.
            if len(data) <= select.PIPE_BUF and self._poll.poll(0):
                self._write(data)
            else:
                await anyio.to_thread.run_sync(self._write, data, abandon_on_cancel=True)

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest and not self._closed:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except OSError:  # The reader is gone, or the disk is full.
                self._closed = True
