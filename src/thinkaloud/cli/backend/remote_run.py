"""A run of a server, followed through its log; a dropped connection is resumed."""

import secrets
from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final

import aiohttp
import msgspec

from thinkaloud.app.server_address import find_server
from thinkaloud.cli.backend.api import Api
from thinkaloud.cli.backend.log_lines import missing_text, read_line
from thinkaloud.config import Configuration
from thinkaloud.core.parsers.sse import MEDIA_TYPE, SSEParser
from thinkaloud.errors import ConfigurationError, NotFound, StoreError, Unavailable
from thinkaloud.events.event import AnswerDelta, LoggedEvent, ReasoningDelta, RunEnded
from thinkaloud.ports.clock import Clock
from thinkaloud.runtime.runs.request import RunRequest
from thinkaloud.server.wires.log.lines import LogFailure, LogSnapshot

_WAITS: Final = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Seconds before each attempt to reconnect; after the last one the server counts as gone."""
_RUN_ID: Final = "X-Run-ID"


class RemoteRequest(msgspec.Struct, frozen=True):
    """The request to a server."""

    request: RunRequest
    include_reasoning: bool


class RemoteRun:
    """Starts a run with `async with`, and follows its log from the last event it has seen.

    A server that was restarted is found at its new address. The request carries an idempotency
    key, so that sending it again does not start a second run.
    """

    def __init__(
        self,
        api: Api,
        configuration: Configuration,
        asked: RemoteRequest,
        clock: Clock,
    ) -> None:
        self.over = False
        """Whether the run has ended."""
        self._configuration = configuration
        self._api = api
        self._asked = asked
        self._clock = clock
        self._key = secrets.token_hex(16)
        self._run_id = ""
        self._cursor = 0
        self._tries = 0
        self._lengths: dict[str, int] = {}
        self._parser = SSEParser()
        self._connection = AsyncExitStack()
        self._response: aiohttp.ClientResponse | None = None

    async def __aenter__(self) -> "RemoteRun":
        """Start the run. Raises what the server answers, before anything is stored."""
        try:
            await self._open()
        except Unavailable:
            # The connection may have dropped before the answer, or the server has moved.
            address = await find_server(self._configuration)
            if address is None:
                raise
            self._api.address = address
            await self._open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection; the run continues."""
        await self._connection.aclose()

    async def batch(self) -> Sequence[LoggedEvent]:
        """Wait for the next events of the run; empty means the end.

        Raises `Unavailable` if the server went away and did not come back, and `NotFound` if the
        conversation was deleted.
        """
        found: list[LoggedEvent] = []
        while not found and not self.over:
            for line in (await self._read()).splitlines(keepends=True):
                for _, data in self._parser.feed(line):
                    found.extend(self._decoded(data))
        return found

    async def stop(self) -> None:
        """Stop the run."""
        await self._api.ask("POST", f"runs/{self._run_id}/stop")

    def _decoded(self, data: bytes) -> Sequence[LoggedEvent]:
        self._tries = 0
        line = read_line(data)
        match line:
            case None:
                return ()
            case LogFailure():
                self.over = True
                raise NotFound(line.error.message)
            case LogSnapshot():
                found = tuple(missing_text(line, self._run_id, self._lengths))
            case LoggedEvent():
                found = (line,)
                self.over = isinstance(line.event, RunEnded)
        self._cursor = line.seq
        for each in found:
            event = each.event
            if isinstance(event, AnswerDelta | ReasoningDelta):
                known = self._lengths.get(event.segment_id, 0)
                self._lengths[event.segment_id] = known + len(event.text)
        return found

    async def _read(self) -> bytes:
        """Wait for more bytes; reconnect if the connection drops. Empty when all is read."""
        while True:
            if self._response is not None:
                try:
                    data = await self._response.content.readany()
                except (TimeoutError, aiohttp.ClientError):
                    data = b""
                if data:
                    return data
            await self._reconnect()
            if self.over:
                return b""

    async def _reconnect(self) -> None:
        await self._connection.aclose()
        self._response = None
        if self._tries == len(_WAITS):
            raise Unavailable(
                f"Lost the connection to the server at {self._api.address.url} while it was answering. "
                "To see what was saved: `thinkaloud conversations show"
                f" {self._asked.request.conversation_id}`."
            )
        await self._clock.sleep(_WAITS[self._tries])
        self._tries += 1
        try:
            address = await find_server(self._configuration)
            if address is not None:
                self._api.address = address
                await self._open()
        except (ConfigurationError, StoreError, Unavailable):
            # The server is shutting down or starting up: try again.
            self._response = None

    async def _open(self) -> None:
        self._parser = SSEParser()
        if self._run_id:
            await self._follow()
            return
        headers = {"Idempotency-Key": self._key}
        starting = self._api.stream(
            "POST", "chat/stream-sse", body=_body(self._asked), headers=headers
        )
        # Keep the first stream until the log is open: a run may stop when nobody follows it.
        async with starting as response:
            self._run_id = response.headers[_RUN_ID]
            await self._follow()

    async def _follow(self) -> None:
        query = {"include_reasoning": "true" if self._asked.include_reasoning else "false"}
        if self._cursor:
            query["after"] = str(self._cursor)
        path = f"runs/{self._run_id}/log"
        opening = self._api.stream("GET", path, query=query, headers={"Accept": MEDIA_TYPE})
        try:
            self._response = await self._connection.enter_async_context(opening)
        except NotFound:
            # Raises the same unless it is the log that is missing.
            await self.stop()
            raise ConfigurationError(
                f"The server at {self._api.address.url} is an older version without /{path}. Restart it"
                " with this version."
            ) from None
        self.over = self._response.status == 204


def _body(asked: RemoteRequest) -> dict[str, object]:
    """Return a request as the API expects it."""
    request = asked.request
    body: dict[str, object] = {
        **request.shared_fields(),
        "text": request.text,
        "conversation_id": request.conversation_id,
        "reasoning_effort": request.reasoning_effort,
        "include_reasoning": asked.include_reasoning,
    }
    return {name: value for name, value in body.items() if value is not None}
