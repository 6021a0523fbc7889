"""The real server in a separate process, and a client for each transport."""

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.cli.program import PROGRAM, Home
from thinkaloud.core.parsers.sse import SSEParser

Frame = tuple[str, dict[str, Any]]
"""The name and the data of an event."""
TRANSPORTS = ("rest", "sse", "socket")
STREAMS = ("sse", "socket")

_marks = itertools.count(1)


def mark() -> str:
    """Return a mark that no other request has."""
    return f"mark-{next(_marks)}x"


@contextmanager
def thinkaloud_serve(folder: Path, configuration: str) -> Iterator[str]:
    """Run `thinkaloud serve` with this configuration file; gives its address."""
    home = Home(folder)
    home.configure(configuration)
    with home.start_interpreter(PROGRAM, "serve", "--port", "0") as process:
        assert process.stdout is not None
        first = process.stdout.readline().decode()
        found = re.search(r"http://[\w.:]+", first)
        assert found, first
        yield found.group()
        process.terminate()
        process.communicate(timeout=20)


class ReceivedRun:
    """What a client received of one run."""

    def __init__(self, raw: str, frames: Sequence[Frame]) -> None:
        self.raw = raw
        """Everything received, as text."""
        self.frames = frames

    def of(self, event: str) -> list[dict[str, Any]]:
        return [data for name, data in self.frames if name == event]

    @property
    def last(self) -> Frame:
        """The terminal event; there is one, and nothing after it."""
        ends = [name for name, _ in self.frames if name in ("complete", "error")]
        assert len(ends) == 1, ends
        assert self.frames[-1][0] == ends[0]
        return self.frames[-1]

    def segments(self, event: str, iteration: int) -> list[str]:
        """The text of each segment of `token` or `reasoning`, of one model call."""
        found: dict[str, str] = {}
        now = 0
        for name, data in self.frames:
            if name == "progress":
                now = data["iteration"]
            elif name == event and now == iteration:
                found[data["segment_id"]] = found.get(data["segment_id"], "") + data["token"]
        return list(found.values())

    def answer(self, iteration: int = 1) -> str:
        """The answer of one model call, without the blank lines that are put between segments."""
        has_text = False
        text = ""
        for number in range(1, iteration + 1):
            text = ""
            for segment in self.segments("token", number):
                if has_text:
                    assert segment.startswith("\n\n")
                text += segment.removeprefix("\n\n") if has_text else segment
                has_text = has_text or bool(segment.strip())
        return text

    def reasoning(self, iteration: int = 1) -> str:
        return "".join(self.segments("reasoning", iteration))


class Client:
    """A client of a running server."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._api = f"{url}/api/v1"
        self._session = session

    async def ask(
        self, transport: str, model: str, text: str, *, reasoning: bool = True
    ) -> ReceivedRun:
        """Send a message over this transport and return the response. The body of REST is one frame."""
        body = {"text": text, "model": model, "include_reasoning": reasoning}
        match transport:
            case "rest":
                return await self._rest(body)
            case "sse":
                return await self._sse(body)
            case _:
                return await self._socket(body)

    async def _rest(self, body: dict[str, Any]) -> ReceivedRun:
        async with self._session.post(f"{self._api}/chat/message", json=body) as response:
            raw = await response.text()
            event = "complete" if response.status == 200 else "error"
            return ReceivedRun(f"{response.headers}{raw}", [(event, json.loads(raw))])

    async def _sse(self, body: dict[str, Any]) -> ReceivedRun:
        async with self._session.post(f"{self._api}/chat/stream-sse", json=body) as response:
            raw = await response.read()
            assert response.content_type == "text/event-stream", raw
            events = SSEParser().feed(raw)
            frames = [(name.decode(), json.loads(data)) for name, data in events]
            return ReceivedRun(f"{response.headers}{raw.decode()}", frames)

    async def _socket(self, body: dict[str, Any]) -> ReceivedRun:
        frames: list[Frame] = []
        raw: list[str] = []
        url = f"{self._api}/chat/stream"
        async with self._session.ws_connect(url, max_msg_size=2**27) as socket:
            await socket.send_json(body)
            while not frames or frames[-1][0] not in ("complete", "error"):
                text = await socket.receive_str()
                raw.append(text)
                frame = json.loads(text)
                frames.append((frame["event"], frame["data"]))
        return ReceivedRun("".join(raw), frames)
