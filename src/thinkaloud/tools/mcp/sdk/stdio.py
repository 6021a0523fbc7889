"""The transport to a server over standard input and output.

Unlike the library's, it limits the size of a line, skips what is not a message, keeps the end of
what the server writes to standard error, and ends all processes of the server's group.
Source: https://modelcontextprotocol.io/specification, Transports.
"""

import asyncio
import logging
import re
import subprocess
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

import anyio
import msgspec
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage
from mcp.types import (
    ErrorData,
    JSONRPCError,
    JSONRPCRequest,
    JSONRPCResponse,
    jsonrpc_message_adapter,
)

from thinkaloud.tools.mcp.processes import ProcessRecord, end_group
from thinkaloud.tools.mcp.session import Diagnosis

_EXIT_SECONDS: Final = 1.0
"""How long a server can take to end when its standard input is closed, and when it is terminated."""
_CHUNK: Final = 64 * 1024
_ID: Final = re.compile(
    rb'^\s*\{\s*"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*(\d{1,18}|"[^"\\]{1,100}")'
)
_log = logging.getLogger(__name__)


class StdioCommand(msgspec.Struct, frozen=True):
    """How to start a server."""

    name: str
    command: str
    args: tuple[str, ...]
    cwd: str | None
    environment: Mapping[str, str]
    max_line: int
    """Maximum bytes of a message from the server."""


@asynccontextmanager
async def stdio(
    command: StdioCommand, diagnosis: Diagnosis, record: ProcessRecord
) -> AsyncGenerator[TransportStreams]:
    """Start a server; leaving the block ends it. Raises `OSError` if it cannot be started."""
    process = await asyncio.create_subprocess_exec(
        command.command,
        *command.args,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=command.cwd,
        env=dict(command.environment),
        start_new_session=True,
    )
    try:
        await record.add(process.pid)
        to_session, from_server = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        to_server, from_session = anyio.create_memory_object_stream[SessionMessage](0)
        link = _Link(command, process, to_session)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(link.read)
            tasks.start_soon(link.write, from_session)
            tasks.start_soon(_keep_errors, process, diagnosis)
            try:
                yield from_server, to_server
            finally:
                tasks.cancel_scope.cancel()
                for stream in (from_server, to_server, to_session, from_session):
                    stream.close()
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)
            await record.remove(process.pid)


async def _end(process: Process) -> None:
    """Close the server's input, terminate it if it does not end, and kill the rest of its group."""
    if process.stdin is not None:
        process.stdin.close()
    drained = asyncio.gather(*(_drain(each) for each in (process.stdout, process.stderr)))
    for terminate in (None, process.terminate, process.kill):
        with suppress(ProcessLookupError):
            if terminate is not None and process.returncode is None:
                terminate()
        if await _exited(process):
            break
    end_group(process.pid)
    drained.cancel()
    with suppress(asyncio.CancelledError):
        await drained
    await _exited(process)
    transport = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()


async def _drain(stream: asyncio.StreamReader | None) -> None:
    """Discard output, so that a server that is writing can end."""
    while stream is not None and await stream.read(_CHUNK):
        pass


async def _exited(process: Process) -> bool:
    # Not `process.wait()`, which also waits for children of the server that hold its pipes.
    with anyio.move_on_after(_EXIT_SECONDS):
        while process.returncode is None:  # noqa: ASYNC110 - nothing sets an event
            await asyncio.sleep(0.01)
    return process.returncode is not None


async def _keep_errors(process: Process, diagnosis: Diagnosis) -> None:
    while process.stderr is not None and (chunk := await process.stderr.read(_CHUNK)):
        diagnosis.add(chunk)


class _Link:
    """Passes messages between the session and the process."""

    def __init__(
        self,
        command: StdioCommand,
        process: Process,
        to_session: MemoryObjectSendStream[SessionMessage | Exception],
    ) -> None:
        self._command = command
        self._process = process
        self._to_session = to_session
        self._pending: set[str | int] = set()
        self._garbage = 0

    async def read(self) -> None:
        """Pass on the server's messages until its output ends."""
        stdout = self._process.stdout
        buffer = bytearray()
        too_long = False
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
            async with self._to_session:
                while stdout is not None and (chunk := await stdout.read(_CHUNK)):
                    *lines, rest = chunk.split(b"\n")
                    for line in lines:
                        if not too_long:
                            await self._line(bytes(buffer) + line)
                        buffer.clear()
                        too_long = False
                    if too_long:
                        continue
                    buffer += rest
                    if len(buffer) > self._command.max_line:
                        await self._refuse(bytes(buffer[:256]))
                        buffer.clear()
                        too_long = True

    async def write(self, messages: MemoryObjectReceiveStream[SessionMessage]) -> None:
        """Send the session's messages to the server."""
        stdin = self._process.stdin
        try:
            async for item in messages:
                if isinstance(item.message, JSONRPCRequest):
                    self._pending.add(item.message.id)
                line = item.message.model_dump_json(by_alias=True, exclude_unset=True)
                if stdin is not None:
                    stdin.write(line.encode("utf-8", "replace") + b"\n")
                    await stdin.drain()
        except OSError:
            # The server has closed its input: end the session instead of waiting for answers.
            self._to_session.close()

    async def _line(self, line: bytes) -> None:
        if not line.strip():
            return
        if len(line) > self._command.max_line:
            await self._refuse(line[:256])
            return
        try:
            message = jsonrpc_message_adapter.validate_json(
                line.decode("utf-8", "replace"), by_name=False
            )
        except ValueError:
            self._garbage += 1
            if self._garbage == 1:
                _log.warning(
                    "the MCP server %s writes something else than messages to its standard output",
                    self._command.name,
                )
            return
        if isinstance(message, JSONRPCResponse | JSONRPCError) and message.id is not None:
            self._pending.discard(message.id)
        await self._to_session.send(SessionMessage(message))

    async def _refuse(self, start: bytes) -> None:
        """Answer the request that a message is too large for; if unknown, all open ones."""
        found = _ID.match(start)
        number: object = msgspec.json.decode(found[1]) if found else None
        numbers = [number] if number in self._pending else list(self._pending)
        for each in numbers:
            if isinstance(each, str | int):
                self._pending.discard(each)
                limit = self._command.max_line
                text = f"The server's answer is larger than {limit:,} bytes (`max_result_bytes`)."
                error = JSONRPCError(
                    jsonrpc="2.0", id=each, error=ErrorData(code=-32603, message=text)
                )
                await self._to_session.send(SessionMessage(error))
