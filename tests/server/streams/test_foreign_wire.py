"""A wire format of another package, unknown to the server."""

from collections.abc import Sequence

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from tests.server.serving import serving
from thinkaloud.events.event import AnswerDelta, ReasoningDelta, RunStarted
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.log.follower import Snapshot
from thinkaloud.runtime.run_stream import follow_run
from thinkaloud.server.http.operation import principal_of
from thinkaloud.server.services import ServerServices, ServerState
from thinkaloud.server.streams.frames import frames_of
from thinkaloud.server.streams.sse import NDJSON_STREAM, event_stream
from thinkaloud.server.wires.wire import Encoder, RunLookup, Wire
from thinkaloud.testing import ScriptedModel, say, think


class ScreenplayEncoder:
    """Names the speaker whenever it changes, and counts the lines: both need state."""

    def __init__(self) -> None:
        self._speaker = ""
        self._count = 0

    def encode(self, entry: Entry, /) -> bytes | None:
        event = entry.logged.event
        if isinstance(event, ReasoningDelta):
            return self._line("ASIDE", event.text)
        return self._line("MODEL", event.text) if isinstance(event, AnswerDelta) else None

    async def boundary(self, entry: Entry, runs: RunLookup, /) -> Sequence[bytes]:
        event = entry.logged.event
        if isinstance(event, RunStarted):
            return [self._line("USER", event.input.text)]
        run = await runs.fold(entry.logged.run_id)
        assert run is not None
        return [self._line("CURTAIN", run.view().status), f"{self._count} lines\n".encode()]

    def snapshot(self, snapshot: Snapshot, run_id: str | None, /) -> bytes | None:
        return self._line("LATER", f"{snapshot.seq}")

    def deleted(self, conversation_id: str, run_id: str | None, /) -> bytes | None:
        return self._line("FIRE", conversation_id)

    def _line(self, speaker: str, text: str) -> bytes:
        self._count += 1
        name, self._speaker = ("" if speaker == self._speaker else f"{speaker}: "), speaker
        return f"{name}{text}\n".encode()


class ScreenplayWire:
    """A wire whose encoders keep state."""

    name = "screenplay"

    def encoder(self) -> Encoder:
        return ScreenplayEncoder()


WIRE: Wire = ScreenplayWire()


def add_screenplay(app: Starlette, services: ServerServices) -> None:
    """What a package does: a route of its own, on the same streams."""
    state = ServerState(services)

    async def screenplay(request: Request) -> Response:
        record = await services.runs.record(
            principal_of(request).owner, request.path_params["run_id"]
        )
        frames = frames_of(follow_run(services.runs, record), WIRE)
        kind = NDJSON_STREAM.finite()
        return await event_stream(frames, services.settings, state, kind=kind)

    app.add_route("/screenplay/{run_id}", screenplay)


@pytest.mark.promise("P9")
async def test_a_wire_from_outside_has_a_state_for_each_of_its_streams() -> None:
    model = ScriptedModel([think("Hm.", "So."), say("Tea,", " please.")])
    async with serving(model, extend=add_screenplay) as served:
        _, answer = await served.post("/chat/message", {"text": "Drink?"})
        for _ in range(2):
            url = f"{served.url}/screenplay/{answer['run_id']}"
            async with served.session.get(url) as response:
                text = await response.text()
            assert text == (
                "USER: Drink?\nASIDE: Hm.So.\nMODEL: Tea, please.\nCURTAIN: completed\n4 lines\n"
            )
