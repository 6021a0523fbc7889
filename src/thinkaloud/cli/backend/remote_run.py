"""A run of a server, followed over Server-Sent Events, whatever becomes of the line."""

import secrets
from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final

import aiohttp
import msgspec

from thinkaloud.app.server_address import find_server
from thinkaloud.cli.backend.api import Api
from thinkaloud.cli.backend.frame_reading import FrameReading, frame_of
from thinkaloud.config import Configuration
from thinkaloud.core.parsers.sse import SSEParser
from thinkaloud.errors import ConfigurationError, StoreError, Unavailable
from thinkaloud.events.event import LoggedEvent, RunEnded
from thinkaloud.ports.clock import Clock
from thinkaloud.runtime.runs.request import RunRequest

_WAITS: Final = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Seconds before each try to come back; after the last one the server counts as gone."""
_RUN_ID: Final = "X-Run-ID"


class Asked(msgspec.Struct, frozen=True):
    """What is asked of a server."""

    request: RunRequest
    include_reasoning: bool


class RemoteRun:
    """Starts a run with `async with`, and comes back by its cursor after a dropped line.

    A server that was started again meanwhile is found where it is now. The request goes out with
    a key of its own, so that sending it again starts nothing a second time.
    """

    def __init__(
        self,
        api: Api,
        configuration: Configuration,
        asked: Asked,
        clock: Clock,
    ) -> None:
        self.over = False
        """Whether the end of the run has come."""
        self._configuration = configuration
        self._api = api
        self._asked = asked
        self._clock = clock
        self._key = secrets.token_hex(16)
        self._run_id = ""
        self._cursor = ""
        self._tries = 0
        self._reading = FrameReading(asked.request)
        self._parser = SSEParser()
        self._line = AsyncExitStack()
        self._response: aiohttp.ClientResponse | None = None

    async def __aenter__(self) -> "RemoteRun":
        """Start the run. Raises what the server says, before anything is kept."""
        try:
            await self._open()
        except Unavailable:
            # The line may have dropped before the answer, or the server is elsewhere now.
            url = await find_server(self._configuration)
            if url is None:
                raise
            self._api.url = url
            await self._open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go of the line; the run goes on."""
        await self._line.aclose()

    async def batch(self) -> Sequence[LoggedEvent]:
        """Wait for the next events of the run; empty means the end.

        Raises `Unavailable` where the server went away and did not come back.
        """
        found: list[LoggedEvent] = []
        while not found and not self.over:
            for line in (await self._read()).splitlines(keepends=True):
                for event in self._parser.feed(line):
                    found.extend(self._taken(*event))
        self.over = self.over or any(isinstance(each.event, RunEnded) for each in found)
        return found

    async def stop(self) -> None:
        """Stop the run."""
        await self._api.ask("POST", f"runs/{self._run_id}/stop")

    def _taken(self, name: bytes, data: bytes) -> list[LoggedEvent]:
        self._tries = 0
        self._cursor = self._parser.last_id.decode()
        frame = frame_of(name, data, run_id=self._run_id, seq=int(self._cursor or 0))
        return [] if frame is None else self._reading.take(frame, self._clock.unix_ms())

    async def _read(self) -> bytes:
        """Wait for more bytes; after a dropped line open another one. Empty where all is read."""
        while True:
            if self._response is not None:
                try:
                    data = await self._response.content.readany()
                except (TimeoutError, aiohttp.ClientError):
                    data = b""
                if data:
                    return data
            await self._come_back()
            if self.over:
                return b""

    async def _come_back(self) -> None:
        await self._line.aclose()
        self._response = None
        if self._tries == len(_WAITS):
            raise Unavailable(
                f"The server at {self._api.url} went away while it answered. What it kept:"
                f" `thinkaloud conversations show {self._asked.request.conversation_id}`."
            )
        await self._clock.sleep(_WAITS[self._tries])
        self._tries += 1
        try:
            url = await find_server(self._configuration)
            if url is not None:
                self._api.url = url
                await self._open()
        except (ConfigurationError, StoreError, Unavailable):
            # It is just going down, or coming up: the next try will see.
            self._response = None

    async def _open(self) -> None:
        self._parser = SSEParser()
        if self._run_id:
            query = {"include_reasoning": "true" if self._asked.include_reasoning else "false"}
            if self._cursor:
                query["after"] = self._cursor
            opening = self._api.stream("GET", f"runs/{self._run_id}/events", query=query)
        else:
            headers = {"Idempotency-Key": self._key}
            body = _body(self._asked)
            opening = self._api.stream("POST", "chat/stream-sse", body=body, headers=headers)
        self._response = await self._line.enter_async_context(opening)
        self._run_id = self._run_id or str(self._response.headers.get(_RUN_ID, ""))
        self.over = self._response.status == 204


def _body(asked: Asked) -> dict[str, object]:
    """Return a request as the API takes it."""
    request = asked.request
    body: dict[str, object] = {
        "text": request.text,
        "conversation_id": request.conversation_id,
        "include_reasoning": asked.include_reasoning,
        "max_iterations": request.max_iterations,
        "context": request.context,
        "context_files": request.context_files,
        "image_path": request.image_path,
        "model": request.model,
        "reasoning_effort": request.reasoning_effort,
        "replaces": request.replaces,
    }
    return {name: value for name, value in body.items() if value is not None}
